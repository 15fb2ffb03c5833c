//! Rotation: a new certificate takes over while the old one still opens the door for a while.
//!
//! [`Device::rotate`] adds the new certificate and marks the active ones; each retires when the overlap is over, at
//! which [`super::Certificate::check`] refuses it at once, whether or not [`Device::retire_due`] has run yet. That turns
//! retired certificates into revoked ones, so that they come into the revocation list. Who rotates again and again within
//! the overlap has [`MAX_ACTIVE`] certificates at most: the oldest end at once.

use std::time::Duration;

use andon_model::Timestamp;

use super::{Certificate, CertificateStatus, Device, DeviceError};
use crate::pki::{CertificateId, RevocationReason, RevokedEntry};

/// Longest overlap of two certificates of one device: 90 days.
pub const MAX_OVERLAP: Duration = Duration::from_hours(90 * 24);

/// Most certificates that are active after a rotation: the new one, and the newest of those before it. More than two, so
/// that a device whose answers were lost on the way keeps the one that it has.
pub const MAX_ACTIVE: usize = 4;

impl Device {
    /// Adds `next` and lets every active certificate retire after `overlap`, at most [`MAX_OVERLAP`]. One that was to
    /// retire earlier still does, and one that is too many at once. What it returns stays in the revocation list. After an
    /// error the device is not to be stored.
    pub fn rotate(
        &mut self,
        next: Certificate,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<Vec<RevokedEntry>, DeviceError> {
        let id = next.id.clone();
        self.retire_all_but(MAX_ACTIVE - 1, now);
        let listed = self.add(next, now)?;
        let retires = now.after(overlap.min(MAX_OVERLAP));
        for old in self.certificates.iter_mut().filter(|old| old.id != id) {
            if old.status == CertificateStatus::Active {
                old.retires = Some(old.retires.map_or(retires, |earlier| earlier.min(retires)));
            }
        }
        self.retire_due(now);
        Ok(listed)
    }

    /// Revokes active certificates but the newest `kept`.
    fn retire_all_but(&mut self, kept: usize, now: Timestamp) {
        let active = self.certificates.iter_mut().filter(|known| known.status == CertificateStatus::Active);
        for old in active.rev().skip(kept) {
            old.revoke(RevocationReason::Superseded, now);
        }
    }

    /// Revokes the certificates whose overlap is over, and names them.
    pub fn retire_due(&mut self, now: Timestamp) -> Vec<CertificateId> {
        let due = |certificate: &&mut Certificate| certificate.retires.is_some_and(|at| now >= at);
        let mut retired = Vec::new();
        for certificate in self.certificates.iter_mut().filter(due) {
            certificate.revoke(RevocationReason::Superseded, now);
            retired.push(certificate.id.clone());
        }
        retired
    }

    /// When [`Self::retire_due`] has something to do next.
    pub fn next_retirement(&self) -> Option<Timestamp> {
        self.certificates.iter().filter_map(|certificate| certificate.retires).min()
    }
}
