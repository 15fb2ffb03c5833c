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
    /// Which other devices it may be about.
    pub speaks_for: SpeaksFor,
    /// The payload.
    pub payload: Vec<u8>,
}

/// The devices that a reading may be about beside its sender, as that was when it came: what the payload says of itself
/// is not to be believed. It is kept with the reading, so that whoever reads it again finds the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SpeaksFor {
    /// Any: whoever brought it is trusted for all devices.
    #[default]
    Anyone,
    /// These, of those that the payload has. Nobody else, for a device that is no gateway.
    Only(Vec<Arc<str>>),
}

impl SpeaksFor {
    /// Whether a reading of `sender` may be about `device`.
    pub fn covers(&self, sender: &str, device: &str) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only(names) => device == sender || names.iter().any(|name| **name == *device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_speaks_for_itself_and_a_gateway_for_those_behind_it() {
        let gateway = SpeaksFor::Only(vec!["tag-1".into()]);
        let check = |of: &SpeaksFor, device: &str, expect: bool| {
            assert_eq!(of.covers("gw", device), expect, "{of:?} {device}");
        };
        for (device, by_device, by_gateway) in [("gw", true, true), ("tag-1", false, true), ("tag-2", false, false)] {
            check(&SpeaksFor::Only(Vec::new()), device, by_device);
            check(&gateway, device, by_gateway);
            check(&SpeaksFor::Anyone, device, true);
        }
    }
}
