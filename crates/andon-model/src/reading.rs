//! A reading: what a device reported, as it was received.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The place of a reading in the raw log: gapless, starting at 1, given when the reading becomes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IngestId(pub u64);

impl IngestId {
    /// The first place of a log.
    pub const FIRST: Self = Self(1);

    /// The place `count` further on, saturating.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for IngestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one device reported at once. The payload is what came over the wire, JSON or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its place in the raw log.
    pub id: IngestId,
    /// When it was received (not when it was measured).
    pub received: Timestamp,
    /// Name of the device that reported it.
    pub device: Arc<str>,
    /// The topic that it was published to, or the path of the request.
    pub topic: Arc<str>,
    /// The payload.
    pub payload: Vec<u8>,
}
