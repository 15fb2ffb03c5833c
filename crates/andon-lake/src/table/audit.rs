//! Invariant R1, device by device: what the raw log has received of a device is in the tables, in the quarantine, or on
//! its way.
//!
//! **Constraints.** Log and tables go on while they are compared, so all is cut at one place: the tables by the ids of
//! their rows, the log by counting what lies behind. A lake that is made anew meanwhile, and one that is far behind, are not
//! judged, nor is one whose log has still to count its archive. Readings that no line of the log has any more are known by
//! number and not by device: as many may be absent.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_journal::{DeviceRows, Lake as _};
use andon_model::{IngestId, Problem};
use serde::Serialize;

use super::LakeError;
use super::lake::DeltaLake;
use crate::raw::{ReadLimit, Received};

/// Readings on their way that are counted; a lake that is further behind is not judged.
const MAX_IN_FLIGHT: u64 = 200_000;

/// Devices that are asked for at once.
const PAGE: usize = 50_000;

/// A device whose readings do not add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceDrift {
    /// The device.
    pub device: Arc<str>,
    /// Received since the log began.
    pub received: u64,
    /// With a row in the root table.
    pub readings: u64,
    /// In the quarantine.
    pub quarantined: u64,
    /// Received and not in the tables yet.
    pub in_flight: u64,
    /// Received and nowhere to be found; below zero, readings that are there too often.
    pub drift: i64,
}

impl DeltaLake {
    /// Devices whose readings do not add up, in order of their names; `None` where that cannot be told now. Reads the
    /// `device` of every row.
    pub async fn drifting_devices(&self) -> Result<Option<Vec<DeviceDrift>>, Problem> {
        let state = self.shared.state();
        let cut = state.position.next;
        if self.log.is_uncounted() {
            return Ok(None);
        }
        let received = self.log.received();
        let Some(in_flight) = self.in_flight(cut, received.next).await? else { return Ok(None) };
        let rows = self.rows_by_device(cut).await?;
        let after = self.shared.state();
        if state.clearing.is_some() || after.generation != state.generation {
            return Ok(None);
        }
        Ok(Some(compare(&received, &rows, &in_flight, state.missing)))
    }

    /// Readings from `from` up to `end`, by device; `None` when they are too many.
    async fn in_flight(&self, from: IngestId, end: IngestId) -> Result<Option<BTreeMap<Arc<str>, u64>>, LakeError> {
        let mut counts = BTreeMap::new();
        if end.0.saturating_sub(from.0) > MAX_IN_FLIGHT {
            return Ok(None);
        }
        let mut reader = self.log.reader(self.log.position_of(from), self.log.archive().cloned());
        while reader.position().next < end
            && let Some(batch) = reader.next(ReadLimit::default()).await?
        {
            for reading in batch.readings.iter().filter(|reading| reading.id < end) {
                *counts.entry(Arc::clone(&reading.device)).or_default() += 1;
            }
        }
        Ok(Some(counts))
    }

    async fn rows_by_device(&self, before: IngestId) -> Result<BTreeMap<String, DeviceRows>, Problem> {
        let mut all = BTreeMap::<String, DeviceRows>::new();
        loop {
            let after = all.last_key_value().map_or_else(String::new, |(device, _)| device.clone());
            let page = self.device_rows(&after, PAGE, before).await?;
            let is_last = page.len() < PAGE;
            all.extend(page.into_iter().map(|rows| (rows.device.clone(), rows)));
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// Devices that drift. Up to `missing` readings may be absent.
fn compare(
    received: &Received,
    rows: &BTreeMap<String, DeviceRows>,
    in_flight: &BTreeMap<Arc<str>, u64>,
    missing: u64,
) -> Vec<DeviceDrift> {
    // The tables are not asked for readings that name no device.
    let named = received.devices.iter().filter(|(device, _)| !device.is_empty());
    let known = named.map(|(device, received)| of_device(device, *received, rows.get(&**device), in_flight));
    let strangers = rows.iter().filter(|(device, _)| !received.devices.contains_key(device.as_str()));
    let strangers = strangers.map(|(device, rows)| of_device(&device.as_str().into(), 0, Some(rows), in_flight));
    let mut found: Vec<DeviceDrift> = known.chain(strangers).filter(|device| device.drift != 0).collect();
    if absent(&found) <= missing {
        found.retain(|device| device.drift < 0);
    }
    found.sort_unstable_by(|a, b| a.device.cmp(&b.device));
    found
}

fn of_device(
    device: &Arc<str>,
    received: u64,
    rows: Option<&DeviceRows>,
    in_flight: &BTreeMap<Arc<str>, u64>,
) -> DeviceDrift {
    let (readings, quarantined) = rows.map_or((0, 0), |rows| (rows.readings, rows.quarantined));
    let in_flight = in_flight.get(device).copied().unwrap_or_default();
    let drift = received.cast_signed() - (readings + quarantined + in_flight).cast_signed();
    DeviceDrift { device: Arc::clone(device), received, readings, quarantined, in_flight, drift }
}

/// Readings of all devices that are nowhere to be found.
fn absent(found: &[DeviceDrift]) -> u64 {
    found.iter().filter_map(|device| u64::try_from(device.drift).ok()).sum()
}
