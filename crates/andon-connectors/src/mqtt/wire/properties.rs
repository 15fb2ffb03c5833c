//! Properties of MQTT 5: those that matter here are kept, the others are passed over by the type of their value.

use super::WireError;
use super::fields::Fields;

/// Most user properties of one publish that are kept.
const MAX_USER: usize = 100;

/// What of the properties is used.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) reason: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) user: Vec<(String, String)>,
    pub(super) keep_alive: Option<u16>,
    pub(super) session_expiry: Option<u32>,
}

impl Properties {
    /// Reads the properties at the front, their length first.
    pub(super) fn read(fields: &mut Fields) -> Result<Self, WireError> {
        let count = fields.length()?;
        let mut part = fields.part(count)?;
        let mut found = Self::default();
        while !part.is_empty() {
            found.take(&mut part)?;
        }
        Ok(found)
    }

    /// One property. The numbers are those of section 2.2.2.2 of the specification.
    fn take(&mut self, fields: &mut Fields) -> Result<(), WireError> {
        match fields.length()? {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28..=0x2A => fields.u8().map(drop),
            0x21 | 0x22 => fields.u16().map(drop),
            0x02 | 0x18 | 0x27 => fields.u32().map(drop),
            0x08 | 0x12 | 0x15 | 0x1A | 0x1C => fields.text().map(drop),
            0x09 | 0x16 => fields.binary().map(drop),
            0x0B => fields.length().map(drop),
            0x03 => fields.text().map(|text| self.content_type = Some(text)),
            0x11 => fields.u32().map(|seconds| self.session_expiry = Some(seconds)),
            0x13 => fields.u16().map(|seconds| self.keep_alive = Some(seconds)),
            0x1F => fields.text().map(|text| self.reason = Some(text)),
            0x26 => self.take_user(fields),
            0x23 => Err(WireError::Forbidden("the broker uses topic aliases, which were not allowed")),
            _ => Err(WireError::Forbidden("an unknown property")),
        }
    }

    fn take_user(&mut self, fields: &mut Fields) -> Result<(), WireError> {
        let pair = (fields.text()?, fields.text()?);
        if self.user.len() < MAX_USER {
            self.user.push(pair);
        }
        Ok(())
    }
}
