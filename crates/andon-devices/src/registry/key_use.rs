//! Who has a key: no two devices have the same one, and one that was compromised is never certified again.
//!
//! **Life of an entry.** It is stored with the device that takes the first certificate for the key, in the same commit and
//! expecting what was read, so that of two devices that bring the same key at once only one gets it. When all certificates
//! for it are revoked, or the device is gone, another device may take it over. Once it is compromised, the entry stays
//! for good, whatever becomes of the device.

use andon_model::{Code, Problem, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pki::KeyFingerprint;
use crate::{CertificateStatus, Device, DeviceName};

/// What is known of a key, by its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUse {
    /// The key.
    pub key: KeyFingerprint,
    /// The device that got the last certificate for it.
    pub device: DeviceName,
    /// Since when it is known that somebody else may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised: Option<Timestamp>,
}

impl KeyUse {
    /// The key of a device, good until somebody says otherwise.
    pub fn new(key: KeyFingerprint, device: DeviceName) -> Self {
        Self { key, device, compromised: None }
    }

    /// Whether `device` may have a certificate for the key at `now`. `owner` is the device that the entry names, if that is
    /// stored.
    ///
    /// # Errors
    /// [`Code::SigningRequest`] when the key was compromised, or another device has it.
    pub fn check(&self, device: &DeviceName, owner: Option<&Device>, now: Timestamp) -> Result<(), Problem> {
        let why = if self.compromised.is_some() {
            "was revoked as compromised"
        } else if self.device != *device && owner.is_some_and(|owner| owner.lives_by(&self.key, now)) {
            "is that of another device"
        } else {
            return Ok(());
        };
        let detail = format!("the key with the fingerprint {} {why}; make a new one", self.key.as_str());
        Err(Problem::new(Code::SigningRequest, detail))
    }
}

impl Device {
    /// Whether it has a certificate for the key that is neither revoked nor past its end.
    fn lives_by(&self, key: &KeyFingerprint, now: Timestamp) -> bool {
        let living = self.certificates.iter().filter(|known| known.status != CertificateStatus::Revoked);
        living.filter(|known| now <= known.not_after).any(|known| known.key_fingerprint().as_ref() == Some(key))
    }
}
