//! The ports of a door through which devices come in: what the door asks, and what it is asked.
//!
//! **Constraints.** A door decides nothing about a device by itself. It asks at every connect, and again for every live
//! session that a [`DoorChange`] may be about; what it holds between two answers is a copy.
//!
//! **Life of an admission.** A connection brings a [`Visitor`]. [`Admission::admit`] finds the certificate, checks it
//! by [`Device::admit`](crate::Device::admit), binds the [`Permissions`] and hands them over as [`Admitted`]. The door
//! waits in [`Admission::changes`]; after each change it admits the visitors anew, and closes the sessions of those
//! whose answer is no longer the same (invariant V1). Operators see who is inside, and reach them, by [`LiveDoor`].

use std::collections::BTreeSet;
use std::net::IpAddr;

use andon_model::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;

use crate::policy::Permissions;
use crate::{CertificateId, DeviceId, DeviceName, NotAdmitted, Serial};

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
    /// The device: another one has another id, also under the same name.
    pub id: DeviceId,
    /// Its name.
    pub device: DeviceName,
    /// Its certificate.
    pub certificate: CertificateId,
    /// What it may do on this connection.
    pub permissions: Permissions,
    /// The devices that it may report for beside itself.
    pub on_behalf_of: BTreeSet<DeviceName>,
    /// First moment at which the certificate no longer opens the door; the session is to end then.
    pub ends: Timestamp,
}

/// Whose a certificate is, whatever has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The device.
    pub id: DeviceId,
    /// Whether it has a certificate by which it may come in, this one or another.
    pub is_known: bool,
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

    /// The device that has the certificate of `visitor`, in whatever state; `None` where there is none any more. The
    /// session of a device is kept as long as it may come in by any certificate, whichever began it; one that was
    /// deleted has none, also where there is another of its name.
    async fn owner(&self, visitor: &Visitor, now: Timestamp) -> Result<Option<Owner>, AdmissionError>;

    /// Whether there is a device of this name, in whatever state. Nobody without its certificate goes by its name.
    async fn is_device(&self, name: &str) -> Result<bool, AdmissionError>;

    /// The mark of the newest change.
    async fn newest_change(&self) -> Result<ChangeMark, AdmissionError>;

    /// Waits until there are changes after `mark`, and tells them with the mark of the last; none, with a later mark,
    /// where nothing of what has changed concerns a door. It must answer well within a second of a change. May be
    /// dropped while it waits, and begins anew at `mark` then.
    async fn changes(&self, mark: ChangeMark) -> Result<(ChangeMark, Vec<DoorChange>), AdmissionError>;
}

/// Something that is published to devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The topic.
    pub topic: String,
    /// The payload.
    pub payload: Bytes,
    /// Quality of service: 0, 1 or 2; what is above counts as 2. Sessions of disconnected devices take all of them.
    pub qos: u8,
    /// Whether it stays at the topic for those who subscribe later.
    pub retain: bool,
}

/// A connection, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The client id.
    pub client_id: String,
    /// Name of the device; of a local program, its client id.
    pub device: String,
    /// Its certificate; none for a local program.
    pub certificate: Option<CertificateId>,
    /// Where it comes from.
    pub source: Option<IpAddr>,
    /// Version of the protocol: 3 and 4 for 3.1 and 3.1.1, 5.
    pub protocol: u8,
    /// Since when it is connected.
    pub since: Timestamp,
}

/// A session whose client is away, as operators see it: what is published to it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaySession {
    /// The client id.
    pub client_id: String,
    /// Version of the protocol: 3 and 4 for 3.1 and 3.1.1, 5.
    pub protocol: u8,
    /// Since when it is away, if that was in this run of the process.
    pub since: Option<Timestamp>,
    /// Messages that wait for it.
    pub waiting: usize,
}

/// Why something was not published to devices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic is none, or the payload is larger than a device may be sent.
    #[error("{0}")]
    Unfit(String),
    /// The door is not open, or could not do it; whether devices got it is unknown.
    #[error("{0}")]
    Unavailable(String),
}

/// How a door is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorState {
    /// It is to stay closed, by the settings.
    Closed,
    /// Nobody can come in yet: there is no certificate authority.
    Waiting,
    /// It is open; the places where it listens, as URLs such as `mqtts://0.0.0.0:8883`.
    Open(Vec<String>),
    /// It is to be open, and cannot be opened; it is tried again.
    Failing(String),
}

/// The door, as operators see it.
#[async_trait]
pub trait LiveDoor: Send + Sync {
    /// How it is.
    fn state(&self) -> DoorState;

    /// Who is connected, in the order of their client ids.
    fn sessions(&self) -> Vec<SessionInfo>;

    /// The sessions of those who are away, in the order of their client ids.
    async fn away(&self) -> Vec<AwaySession>;

    /// Ends the connection of a client and, if `forget`, its session with all that waits in it, also where the client is
    /// away. Whether there was anything to end.
    async fn kick(&self, client_id: &str, forget: bool) -> bool;

    /// Publishes to devices, and answers when what waits for those who are away is safe. How many sessions subscribe to
    /// the topic, those of disconnected devices included; each delivery asks the receiver's policies.
    async fn publish(&self, publication: Publication) -> Result<usize, PublishError>;
}
