//! How readings come in, kept in order and durably before the device is answered; and how people see them.

use std::sync::Arc;

use andon_model::{IngestId, Problem, Reading, SpeaksFor, Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Longest name of a device, in bytes.
pub const MAX_DEVICE_BYTES: usize = 256;

/// Longest topic, in bytes (MQTT's own limit is 65,535).
pub const MAX_TOPIC_BYTES: usize = 4_096;

/// Largest payload, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// Most bytes of the names that a reading may speak for.
pub const MAX_SPEAKS_FOR_BYTES: usize = 8_192;

/// A reading that has no place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReading {
    /// When it was received.
    pub received: Timestamp,
    /// Name of the device; at most [`MAX_DEVICE_BYTES`].
    pub device: Arc<str>,
    /// The topic that it was published to; at most [`MAX_TOPIC_BYTES`].
    pub topic: Arc<str>,
    /// Which other devices it may be about; the names have at most [`MAX_SPEAKS_FOR_BYTES`] in all.
    pub speaks_for: SpeaksFor,
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

/// How a log of readings is.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingLogStatus {
    /// The place behind the last durable reading.
    pub next: IngestId,
    /// Readings received since the log began.
    pub received: u64,
    /// Devices that have sent any.
    pub devices: u64,
    /// Ids that no readable line has.
    pub missing: u64,
    /// Why readings are refused at present.
    pub failing: Option<Problem>,
}

/// Which readings to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadingFilter {
    /// From this place on; without it, the newest.
    pub from: Option<IngestId>,
    /// Of this device only.
    pub device: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// Some readings, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadingPage {
    /// They.
    pub readings: Vec<Reading>,
    /// Where to go on.
    pub next: IngestId,
}

/// Readings of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReadings {
    /// The device.
    pub device: Arc<str>,
    /// Received since the log began.
    pub received: u64,
}

/// What people see of a log of readings.
#[async_trait]
pub trait ReadingViews: Send + Sync {
    /// How it is.
    fn status(&self) -> ReadingLogStatus;

    /// Counts of up to `limit` devices whose names come after `after`.
    fn received(&self, after: &str, limit: usize) -> Vec<DeviceReadings>;

    /// Some readings. Looks at a limited number, so that a page may be empty and still say where to go on.
    async fn readings(&self, filter: ReadingFilter) -> Result<ReadingPage, Problem>;
}
