//! The fields of a packet: numbers, texts, and lengths of one to four bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::WireError;

/// Largest length that four bytes can say.
pub(super) const MAX_LENGTH: usize = 268_435_455;

/// A length of one to four bytes at the front of `bytes`, and how many bytes it takes; `None` when more must come.
pub(super) fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, WireError> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(WireError::Length) }
}

/// Takes the fields of a packet one after the other.
#[derive(Debug)]
pub(super) struct Fields(pub(super) Bytes);

impl Fields {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.0.try_get_u8().map_err(|_| WireError::Short)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.0.try_get_u16().map_err(|_| WireError::Short)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.0.try_get_u32().map_err(|_| WireError::Short)
    }

    pub(super) fn length(&mut self) -> Result<usize, WireError> {
        let (value, taken) = length(&self.0)?.ok_or(WireError::Short)?;
        self.0.advance(taken);
        Ok(value)
    }

    /// The next `count` bytes as fields of their own.
    pub(super) fn part(&mut self, count: usize) -> Result<Self, WireError> {
        if count > self.0.len() {
            return Err(WireError::Short);
        }
        Ok(Self(self.0.split_to(count)))
    }

    pub(super) fn binary(&mut self) -> Result<Bytes, WireError> {
        let count = self.u16()?;
        self.part(usize::from(count)).map(|part| part.0)
    }

    pub(super) fn text(&mut self) -> Result<String, WireError> {
        let text = String::from_utf8(self.binary()?.to_vec()).map_err(|_| WireError::Text)?;
        if text.contains('\0') { Err(WireError::Text) } else { Ok(text) }
    }
}

/// Writes a length.
pub(super) fn put_length(out: &mut BytesMut, mut value: usize) {
    loop {
        let (rest, low) = (value >> 7, u8::try_from(value & 0x7F).unwrap_or_default());
        out.put_u8(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            return;
        }
        value = rest;
    }
}

/// Writes a text, of which at most 65,535 bytes fit; what is configured is checked before.
pub(super) fn put_text(out: &mut BytesMut, text: &str) {
    let fitting = text.floor_char_boundary(text.len().min(usize::from(u16::MAX)));
    out.put_u16(u16::try_from(fitting).unwrap_or(u16::MAX));
    out.put_slice(&text.as_bytes()[..fitting]);
}
