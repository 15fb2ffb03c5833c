//! Changes as rows: everything that needs no database, so that callers do it beside each other.

use andon_devices::Device;
use andon_devices::pki::RevokedEntry;
use andon_devices::registry::{Changes, Expected, Kind, MAX_ENTRIES, Record, RegistryError, Write};
use andon_model::Secret;

use crate::MasterKey;
use crate::error::to_json;
use crate::text::escape;

pub(crate) const WRITING: &str = "writing to the registry";

/// The changes of one caller.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(super) writes: Vec<PreparedWrite>,
    /// Of devices that are written, and of certificates that no device has any more.
    pub(super) revoked: Vec<RevocationRow>,
}

/// One write.
#[derive(Debug)]
pub(super) struct PreparedWrite {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) expected: Expected,
    /// None removes.
    pub(super) put: Option<Put>,
}

/// An entry as it is stored.
#[derive(Debug, Default)]
pub(super) struct Put {
    pub(super) body: String,
    /// None keeps the secret that is there.
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) labels: Vec<String>,
    /// Serial number and fingerprint.
    pub(super) certificates: Vec<(String, String)>,
}

/// A row of the revocations.
#[derive(Debug)]
pub(super) struct RevocationRow {
    pub(super) serial: String,
    pub(super) at: i64,
    pub(super) reason: String,
    pub(super) not_after: i64,
    /// Empty where it is not known.
    pub(super) issuer: String,
}

impl Prepared {
    /// Secrets are encrypted with `key`, under what `place` makes of kind and name.
    pub(crate) fn new(
        changes: &Changes,
        key: &MasterKey,
        place: fn(Kind, &str) -> String,
    ) -> Result<Self, RegistryError> {
        let count = changes.writes.len() + changes.revoked.len();
        if count > MAX_ENTRIES {
            return Err(RegistryError::TooMany { count, limit: MAX_ENTRIES });
        }
        let seal = |kind, name: &str, secret: &Secret| {
            key.seal_under(&place(kind, name), secret).map_err(|cause| failed(&cause))
        };
        let mut prepared = Self::default();
        for write in &changes.writes {
            prepared.add(write, seal)?;
        }
        for entry in &changes.revoked {
            prepared.revoked.push(RevocationRow::new(entry)?);
        }
        Ok(prepared)
    }

    fn add(
        &mut self,
        write: &Write,
        seal: impl Fn(Kind, &str, &Secret) -> Result<Vec<u8>, RegistryError>,
    ) -> Result<(), RegistryError> {
        let (kind, name, expected) = write.target();
        let put = match write {
            Write::Remove { .. } => None,
            Write::Device { device, .. } => Some(self.device(device)?),
            Write::Entry { body, secret, .. } => {
                let sealed = secret.as_ref().map(|secret| seal(kind, name, secret)).transpose()?;
                Some(Put { body: escape(body).into_owned(), sealed, ..Put::default() })
            }
        };
        self.writes.push(PreparedWrite { kind, name: name.to_owned(), expected, put });
        Ok(())
    }

    fn device(&mut self, device: &Device) -> Result<Put, RegistryError> {
        let name = device.name.as_str();
        let body = device.to_body().map_err(|cause| RegistryError::corrupt(Kind::Device, name, &cause))?;
        for entry in device.certificates.iter().filter_map(andon_devices::Certificate::revoked_entry) {
            self.revoked.push(RevocationRow::new(&entry)?);
        }
        let certificates = device.certificates.iter();
        let certificates = certificates.map(|known| (known.serial.as_str().to_owned(), known.id.as_str().to_owned()));
        Ok(Put {
            body: escape(&body).into_owned(),
            sealed: None,
            labels: device.labels().iter().map(|label| escape(label.as_str()).into_owned()).collect(),
            certificates: certificates.collect(),
        })
    }
}

impl RevocationRow {
    fn new(entry: &RevokedEntry) -> Result<Self, RegistryError> {
        Ok(Self {
            serial: entry.serial.as_str().to_owned(),
            at: entry.at.as_micros(),
            reason: to_json(&entry.reason).map_err(|cause| failed(&cause))?,
            not_after: entry.not_after.as_micros(),
            issuer: entry.issuer.clone().unwrap_or_default(),
        })
    }
}

fn failed(cause: &impl ToString) -> RegistryError {
    RegistryError::Storage { doing: WRITING, cause: cause.to_string() }
}
