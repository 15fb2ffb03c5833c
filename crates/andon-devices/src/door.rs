//! The port of a door through which devices come in: who is behind a certificate, and when to look again.
//!
//! **Constraints.** A door decides nothing about a device by itself. It asks at every connect, and again for every live
//! session that a [`DoorChange`] may be about; what it holds between two answers is a copy.
//!
//! **Life of an admission.** A connection brings a [`Visitor`]. [`Admission::admit`] finds the certificate, checks it
//! by [`Device::admit`](crate::Device::admit), binds the [`Permissions`] and hands them over as [`Admitted`]. The door
//! waits in [`Admission::changes`]; after each change it admits the visitors anew, and closes the sessions of those
//! whose answer is no longer the same (invariant V1).

use std::net::IpAddr;

use andon_model::Timestamp;
use async_trait::async_trait;

use crate::policy::Permissions;
use crate::{CertificateId, DeviceName, NotAdmitted, Serial};

/// Who stands before the door. Its certificate has been verified against our authorities and against nothing else, so
/// that the serial number alone names it: an authority gives each number once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Serial number of the certificate.
    pub serial: Serial,
    /// Fingerprint of the certificate, where the door sees its bytes. It must then be that of the certificate with this
    /// serial number.
    pub fingerprint: Option<CertificateId>,
    /// Common name of the certificate's subject, which must be the one that was issued.
    pub common_name: Option<String>,
    /// The MQTT client id.
    pub client_id: String,
    /// Where it comes from.
    pub source: Option<IpAddr>,
}

/// A visitor that may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The device.
    pub device: DeviceName,
    /// Its certificate.
    pub certificate: CertificateId,
    /// What it may do on this connection.
    pub permissions: Permissions,
    /// First moment at which the certificate no longer opens the door; the session is to end then.
    pub ends: Timestamp,
}

/// Why nobody comes in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The certificate does not open the door.
    #[error(transparent)]
    Refused(#[from] NotAdmitted),
    /// The registry cannot be asked now.
    #[error("devices cannot be looked up: {0}")]
    Unavailable(String),
}

/// What has changed, as narrowly as the registry can say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DoorChange {
    /// A device, its certificates, groups or policies, or its deletion.
    Device(DeviceName),
    /// A policy, profile or group that several devices have, or something that cannot be told.
    Everything,
}

/// A place in the order of changes; the registry gives it its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChangeMark(pub u64);

/// The registry, as a door sees it.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Whether `visitor` may come in at `now`, and what it may do then. An answer is never older than the last change
    /// that [`Self::changes`] has told.
    async fn admit(&self, visitor: &Visitor, now: Timestamp) -> Result<Admitted, AdmissionError>;

    /// The mark of the newest change.
    async fn newest_change(&self) -> Result<ChangeMark, AdmissionError>;

    /// Waits until there are changes after `mark`, and tells them with the mark of the last. It must answer well within
    /// a second of a change. May be dropped while it waits.
    async fn changes(&self, mark: ChangeMark) -> Result<(ChangeMark, Vec<DoorChange>), AdmissionError>;
}
