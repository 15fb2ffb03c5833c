//! Whether a presented certificate is admitted (invariant V1): asked at every connect, and again of every live session
//! when the device changes.

use andon_model::Timestamp;

use super::{Certificate, CertificateStatus, Device};
use crate::CertificateId;

/// Why a certificate is not admitted. What the other side learns is only that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotAdmitted {
    /// No device has this certificate: from another authority, or of a deleted device.
    #[error("the certificate is not known")]
    Unknown,
    /// It was made inactive.
    #[error("the certificate is INACTIVE")]
    Inactive,
    /// It was revoked.
    #[error("the certificate is REVOKED")]
    Revoked,
    /// A newer one took its place and the overlap is over.
    #[error("the certificate was replaced by a newer one")]
    Retired,
    /// Its validity is over.
    #[error("the certificate is expired")]
    Expired,
    /// Its validity has not begun.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The authority that issued it is trusted no more.
    #[error("the authority of the certificate is distrusted")]
    Authority,
    /// The device has a policy, group or profile that is not stored, or a policy that cannot be read: a Deny may be
    /// missing.
    #[error("a policy, group or profile that the device has cannot be used")]
    NoPolicy,
}

impl Device {
    /// The certificate with the fingerprint `id`, if it opens the door at `now`.
    pub fn admit(&self, id: &CertificateId, now: Timestamp) -> Result<&Certificate, NotAdmitted> {
        let certificate = self.certificate(id).ok_or(NotAdmitted::Unknown)?;
        certificate.check(now)?;
        Ok(certificate)
    }
}

impl Certificate {
    /// Whether it opens the door at `now`.
    pub fn check(&self, now: Timestamp) -> Result<(), NotAdmitted> {
        match self.status {
            CertificateStatus::Revoked => Err(NotAdmitted::Revoked),
            CertificateStatus::Inactive => Err(NotAdmitted::Inactive),
            CertificateStatus::Active if now < self.not_before => Err(NotAdmitted::NotYetValid),
            CertificateStatus::Active if now > self.not_after => Err(NotAdmitted::Expired),
            CertificateStatus::Active if self.retires.is_some_and(|at| now >= at) => Err(NotAdmitted::Retired),
            CertificateStatus::Active => Ok(()),
        }
    }

    /// The first moment at which [`Self::check`] refuses it for its age, so that a live session can be ended then.
    pub fn ends(&self) -> Timestamp {
        self.retires.map_or(self.not_after, |at| at.min(self.not_after))
    }
}
