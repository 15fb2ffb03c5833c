//! How many readings each device has sent since the log began: the left side of invariant R1.
//!
//! **Constraints.** The counts say up to which reading they count; what follows is counted again from the lines. The
//! file `counts.json` is written when a segment is closed, so that a start reads little more than the last segment. Where it is
//! lost, what lies in the archive is counted again as soon as that can be read.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use andon_model::{IngestId, Reading};
use serde::{Deserialize, Serialize};

use super::disk::Disk;

pub(crate) const COUNTS: &str = "counts.json";

/// Largest file that is read: a million devices with the longest names fit many times less.
const MAX_BYTES: usize = 1 << 30;

/// Readings received, by device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// Version of the format: 1.
    v: u8,
    /// The place behind the last reading that is counted.
    pub next: IngestId,
    /// Ids that no readable line has.
    pub missing: u64,
    /// Of the missing, readings from here up to there that may lie in the archive: a start could not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uncounted: Option<(IngestId, IngestId)>,
    /// Count by device.
    pub devices: BTreeMap<Arc<str>, u64>,
}

impl Default for Received {
    fn default() -> Self {
        Self { v: 1, next: IngestId::FIRST, missing: 0, uncounted: None, devices: BTreeMap::new() }
    }
}

impl Received {
    /// Counts one more reading of `device`.
    pub(crate) fn add(&mut self, device: &Arc<str>) {
        match self.devices.get_mut(device) {
            Some(count) => *count += 1,
            None => {
                self.devices.insert(Arc::clone(device), 1);
            }
        }
        self.next = self.next.plus(1);
    }

    /// Counts what was read back.
    pub(crate) fn add_read(&mut self, readings: &[Reading], missing: u64) {
        for reading in readings {
            self.add(&reading.device);
        }
        self.missing += missing;
        self.next = self.next.plus(missing);
    }

    /// What follows begins at `oldest`: readings before may lie in the archive.
    pub(crate) fn begin_at(&mut self, oldest: IngestId) {
        if oldest > self.next {
            self.uncounted = self.uncounted.or(Some((self.next, oldest)));
        }
    }

    /// Readings from here up to there that may lie in the archive and are not counted.
    pub(crate) const fn uncounted(&self) -> Option<(IngestId, IngestId)> {
        self.uncounted
    }

    /// Counts what was found of those; they are not missing any more. How many they are.
    pub(crate) fn add_found(&mut self, found: BTreeMap<Arc<str>, u64>) -> u64 {
        let count = found.values().sum();
        for (device, count) in found {
            *self.devices.entry(device).or_default() += count;
        }
        (self.missing, self.uncounted) = (self.missing.saturating_sub(count), None);
        count
    }

    /// Readings of all devices.
    pub fn total(&self) -> u64 {
        self.devices.values().sum()
    }

    /// The counts of the last time that they were saved; from the beginning if they never were, or are damaged.
    pub(crate) fn load(disk: &dyn Disk) -> io::Result<Self> {
        let bytes = match disk.read(COUNTS, 0, MAX_BYTES) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read?,
        };
        let counts = match serde_json::from_slice::<Self>(&bytes) {
            Ok(counts) => counts,
            Err(error) => {
                tracing::warn!(%error, "{COUNTS} is damaged: readings are counted again");
                return Ok(Self::default());
            }
        };
        if counts.v == 1 { Ok(counts) } else { Err(io::Error::other(format!("{COUNTS} has version {}", counts.v))) }
    }

    pub(crate) fn save(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.replace(COUNTS, &serde_json::to_vec(self)?)
    }
}
