//! Readings: what devices send, many and small, before anybody looks into them.
//!
//! **Constraints.** A reading is acknowledged to its device only after [`ReadingLog::append`] has answered `Ok`: it
//! then survives power loss (invariant J3). An `Err` means *unknown*: the device is not acknowledged and sends again,
//! so that a reading may stand there twice but never not at all.
//!
//! **Life of a reading.** A door receives a payload on a topic, notes when, and appends it. The raw log keeps it as it
//! came; whoever flattens it later reads it from there.

use andon_model::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;

/// A payload as a device sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Name of the device whose certificate was presented; for a gateway, the gateway's.
    pub device: String,
    /// The topic.
    pub topic: String,
    /// When it was received.
    pub received: Timestamp,
    /// The payload, unread.
    pub payload: Bytes,
}

/// Why readings may not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// More is waiting to be written than may wait; try again after a moment.
    #[error("too many readings wait to be written")]
    Busy,
    /// It could not be written, or nobody knows whether it was.
    #[error("readings cannot be written: {0}")]
    Failed(String),
}

/// Where readings are kept.
#[async_trait]
pub trait ReadingLog: Send + Sync {
    /// Keeps `readings`, in this order, and answers when they are durable. Calls may overlap, and the log is the one
    /// that writes those of several callers together. When the call is dropped, what happens to the readings is
    /// unknown.
    async fn append(&self, readings: Vec<Reading>) -> Result<(), ReadingError>;
}
