//! How readings come in: kept in order, durably, before the device is answered.

use std::sync::Arc;

use andon_model::{IngestId, Problem, Timestamp};
use async_trait::async_trait;

/// Longest name of a device, in bytes.
pub const MAX_DEVICE_BYTES: usize = 256;

/// Longest topic, in bytes (MQTT's own limit is 65,535).
pub const MAX_TOPIC_BYTES: usize = 4_096;

/// Largest payload, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// A reading that has no place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReading {
    /// When it was received.
    pub received: Timestamp,
    /// Name of the device; at most [`MAX_DEVICE_BYTES`].
    pub device: Arc<str>,
    /// The topic that it was published to; at most [`MAX_TOPIC_BYTES`].
    pub topic: Arc<str>,
    /// What came over the wire; at most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
}

/// Readings are durable: they survive the loss of power (invariant J3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The place of the first of them; the others follow without a gap.
    pub first: IngestId,
    /// How many.
    pub count: usize,
}

/// Why readings were not kept. Nobody may be told that they were: who sent them sends them again.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadingLogError {
    /// A limit is exceeded; the same readings will be refused again.
    #[error("reading {index} of the batch: {what} has {bytes} bytes, at most {limit} are kept")]
    TooLarge {
        /// Position in the batch, from 0.
        index: usize,
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The disk does not take them at present; waiting and sending again is right.
    #[error("{0}")]
    Unwritable(Problem),
    /// The log is closed: the process ends.
    #[error("the raw log is closed")]
    Closed,
}

/// Where readings are kept.
#[async_trait]
pub trait ReadingLog: Send + Sync {
    /// Keeps `readings` in this order, all or none, and answers when they are durable. Waits while too much
    /// is under way (back-pressure). A caller that gives up waiting does not know whether they were kept.
    async fn append(&self, readings: Vec<NewReading>) -> Result<Kept, ReadingLogError>;
}
