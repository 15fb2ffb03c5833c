//! Arrivals: what devices send, many and small, before anybody looks into them.
//!
//! **Constraints.** An arrival is acknowledged to its device only after [`Keeper::append`] has answered `Ok`: it then
//! survives power loss (invariant J3). An `Err` means *unknown*: the device is not acknowledged and sends again, so
//! that an arrival may be kept twice but never not at all.
//!
//! **Life of an arrival.** A door receives a payload on a topic, notes when, and gives it to the keeper of its lane: the
//! raw log, which keeps it as a reading, or whoever makes an event of it and appends that to the journal.

use andon_model::{SpeaksFor, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;

/// A payload as a device sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Name of the device whose certificate was presented; for a gateway, the gateway's.
    pub device: String,
    /// The topic.
    pub topic: String,
    /// When it was received.
    pub received: Timestamp,
    /// Which other devices it may be about.
    pub speaks_for: SpeaksFor,
    /// The payload, unread.
    pub payload: Bytes,
}

/// Why arrivals may not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeeperError {
    /// More is waiting to be written than may wait; try again after a moment.
    #[error("too much waits to be written")]
    Busy,
    /// It could not be written, or nobody knows whether it was.
    #[error("it cannot be written: {0}")]
    Failed(String),
}

/// Where the arrivals of one lane are kept.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// Keeps `arrivals`, in this order, and answers when they are durable. Calls may overlap, and it is the keeper that
    /// writes those of several callers together. When the call is dropped, what happens to them is unknown.
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), KeeperError>;
}
