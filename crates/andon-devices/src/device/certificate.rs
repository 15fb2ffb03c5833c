//! A certificate as the registry keeps it, and the states that it goes through.
//!
//! ```text
//! INACTIVE ⇄ ACTIVE → REVOKED      (also INACTIVE → REVOKED; nothing leads out of REVOKED)
//! ```

use std::fmt;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DeviceError, ExpiryLevel};
use crate::pki::{
    CertificateFacts, CertificateId, IssuedCertificate, KeyFingerprint, KeyKind, PkiError, RevocationReason,
    RevokedEntry, Serial, certificate_der, key_identifiers, read_certificate,
};

/// Whether a certificate opens the door. The words are those of AWS IoT Core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CertificateStatus {
    /// Known, not admitted; may become active.
    Inactive,
    /// Admitted within its validity.
    Active,
    /// Never admitted again.
    Revoked,
}

impl CertificateStatus {
    /// Whether the state machine leads from here to `to` in one step.
    pub fn may_become(self, to: Self) -> bool {
        self != Self::Revoked && self != to
    }
}

impl fmt::Display for CertificateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Inactive => "INACTIVE",
            Self::Active => "ACTIVE",
            Self::Revoked => "REVOKED",
        })
    }
}

/// Where the key pair came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOrigin {
    /// The device made it; its private half was never here.
    Request,
    /// Made here, handed over once, not kept.
    Generated,
}

/// When and why a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// A certificate of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its fingerprint.
    pub id: CertificateId,
    /// Its serial number.
    pub serial: Serial,
    /// Its state.
    pub status: CertificateStatus,
    /// The certificate in PEM.
    pub pem: String,
    /// The kind of its key.
    pub key: KeyKind,
    /// Where its key pair came from.
    pub origin: KeyOrigin,
    /// When it was issued.
    pub issued: Timestamp,
    /// First moment of its validity.
    pub not_before: Timestamp,
    /// Last moment of its validity.
    pub not_after: Timestamp,
    /// When it leaves service because a newer one took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires: Option<Timestamp>,
    /// The most pressing expiry alarm that was told about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<ExpiryLevel>,
    /// Set when it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
}

impl Certificate {
    /// A fresh certificate in the state `status`.
    pub fn new(issued: IssuedCertificate, origin: KeyOrigin, status: CertificateStatus, now: Timestamp) -> Self {
        Self {
            id: issued.id,
            serial: issued.serial,
            status,
            pem: issued.pem,
            key: issued.key,
            origin,
            issued: now,
            not_before: issued.not_before,
            not_after: issued.not_after,
            retires: None,
            told: None,
            revocation: None,
        }
    }

    /// Makes it active. An expired one stays as it is; one that was to retire no longer is.
    pub(super) fn activate(&mut self, now: Timestamp) -> Result<(), DeviceError> {
        if now > self.not_after {
            return Err(DeviceError::Expired(self.not_after));
        }
        self.move_to(CertificateStatus::Active)?;
        self.retires = None;
        Ok(())
    }

    /// Makes it inactive.
    pub(super) fn deactivate(&mut self) -> Result<(), DeviceError> {
        self.move_to(CertificateStatus::Inactive)
    }

    /// Revokes it, for good. Revoking again changes nothing, so that a retry succeeds.
    pub(super) fn revoke(&mut self, reason: RevocationReason, now: Timestamp) {
        self.status = CertificateStatus::Revoked;
        self.retires = None;
        self.revocation.get_or_insert(Revocation { at: now, reason });
    }

    fn move_to(&mut self, to: CertificateStatus) -> Result<(), DeviceError> {
        if self.status == to {
            return Ok(());
        }
        if !self.status.may_become(to) {
            return Err(DeviceError::Transition { from: self.status, to });
        }
        self.status = to;
        Ok(())
    }

    /// What it says.
    pub fn facts(&self) -> Result<CertificateFacts, PkiError> {
        read_certificate(&certificate_der(&self.pem)?)
    }

    /// The fingerprint of its key; none if it cannot be read.
    pub fn key_fingerprint(&self) -> Option<KeyFingerprint> {
        self.facts().ok().map(|facts| KeyFingerprint::of(&facts.public_key_der))
    }

    /// Its line in a revocation list, once revoked.
    pub fn revoked_entry(&self) -> Option<RevokedEntry> {
        let Revocation { at, reason } = self.revocation?;
        let issuer = certificate_der(&self.pem).and_then(|der| key_identifiers(&der)).ok().and_then(|keys| keys.issuer);
        Some(RevokedEntry { serial: self.serial.clone(), at, reason, not_after: self.not_after, issuer })
    }
}
