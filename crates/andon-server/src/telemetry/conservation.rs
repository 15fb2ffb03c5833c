//! Invariant R1, counted: received = rows + quarantined + in flight, in all and for each device.
//!
//! **Constraints.** The raw log and the lake are asked one after the other while readings come in, so that what is compared
//! is cut at one place: everything before [`LakeStatus::next`] must be in the tables, in the quarantine or known to be
//! missing; what is behind it is in flight. Device by device, what is in flight is counted by reading it, as long as it is
//! not too much.

use std::collections::BTreeMap;

use andon_journal::{DeviceReadings, DeviceRows, Lake, LakeStatus, ReadingFilter, ReadingViews};
use andon_model::{Clock, IngestId, Problem};
use metrics::gauge;

use crate::schema::DeviceConservation;

/// Readings in flight that are counted device by device; with more, what is left counts as in flight.
const MAX_COUNTED: usize = 20_000;
/// Readings of one page.
const PAGE: usize = 1_000;
/// How often the log is asked for counts that are all of one moment.
const TRIES: usize = 5;

/// What follows from the states of log and lake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Balance {
    /// Readings of the raw log that are not in the tables yet.
    pub(crate) in_flight: u64,
    /// Readings that are nowhere, or too often: 0, or something is wrong.
    pub(crate) drift: i64,
    /// Seconds since the oldest reading in flight was received.
    pub(crate) behind_seconds: f64,
}

/// Readings before the place of the lake that it cannot account for; below zero, rows of more than was received. `received`:
/// the place of the log.
fn drift(status: &LakeStatus, received: IngestId) -> i64 {
    let before = status.next.min(received).0.saturating_sub(IngestId::FIRST.0);
    before.cast_signed() - (status.readings + status.quarantined + status.missing).cast_signed()
}

/// The balance of log and lake.
pub(crate) async fn balance(
    log: &dyn ReadingViews,
    status: &LakeStatus,
    clock: &dyn Clock,
) -> Result<Balance, Problem> {
    let received = log.status().next;
    let in_flight = received.0.saturating_sub(status.next.0);
    let oldest = match in_flight {
        0 => None,
        _ => page(log, status.next, 1).await?.0.into_iter().next(),
    };
    let behind_seconds = oldest.map_or(0.0, |oldest| clock.now().since(oldest.received).as_secs_f64());
    Ok(Balance { in_flight, drift: drift(status, received), behind_seconds })
}

/// Shows how far the lake is in the metrics; what is not accounted for is counted where it raises an alarm. A log that cannot
/// be read now leaves what was shown before.
pub(crate) async fn record(log: &dyn ReadingViews, lake: &dyn Lake, clock: &dyn Clock) {
    let status = lake.status();
    gauge!("andon_lake_rows").set(status.readings as f64);
    gauge!("andon_lake_quarantined").set(status.quarantined as f64);
    gauge!("andon_lake_missing").set(status.missing as f64);
    if let Ok(balance) = balance(log, &status, clock).await {
        gauge!("andon_lake_in_flight").set(balance.in_flight as f64);
        gauge!("andon_lake_behind_seconds").set(balance.behind_seconds);
    }
}

/// Readings from `from` up to `end` by device; `None` when there are too many to count.
async fn in_flight(
    log: &dyn ReadingViews,
    mut from: IngestId,
    end: IngestId,
) -> Result<Option<BTreeMap<String, u64>>, Problem> {
    let mut counts = BTreeMap::new();
    if end.0.saturating_sub(from.0) > MAX_COUNTED as u64 {
        return Ok(None);
    }
    while from < end {
        let (readings, next) = page(log, from, PAGE).await?;
        for reading in readings.iter().filter(|reading| reading.id < end) {
            *counts.entry(reading.device.to_string()).or_default() += 1;
        }
        if next <= from {
            break;
        }
        from = next;
    }
    Ok(Some(counts))
}

/// Counts of devices, and the place in the log at which they were taken; `None` when the log went on all the time.
fn received(log: &dyn ReadingViews, after: &str, limit: usize) -> (BTreeMap<String, u64>, Option<IngestId>) {
    let mut counts = Vec::new();
    for _ in 0..TRIES {
        let end = log.status().next;
        counts = log.received(after, limit);
        if log.status().next == end {
            return (by_name(counts), Some(end));
        }
    }
    (by_name(counts), None)
}

fn by_name(counts: Vec<DeviceReadings>) -> BTreeMap<String, u64> {
    counts.into_iter().map(|count| (count.device.to_string(), count.received)).collect()
}

async fn page(
    log: &dyn ReadingViews,
    from: IngestId,
    limit: usize,
) -> Result<(Vec<andon_model::Reading>, IngestId), Problem> {
    let found = log.readings(ReadingFilter { from: Some(from), device: None, limit }).await?;
    Ok((found.readings, found.next))
}

/// The balance of up to `limit` devices behind `after`, and whether what is in flight was counted.
pub(crate) async fn devices(
    log: &dyn ReadingViews,
    lake: &dyn Lake,
    after: &str,
    limit: usize,
) -> Result<(Vec<DeviceConservation>, bool), Problem> {
    let cut = lake.status().next;
    let rows = lake.device_rows(after, limit, cut).await?;
    let (received, end) = received(log, after, limit);
    let in_flight = match end {
        Some(end) => in_flight(log, cut, end).await?,
        None => None,
    };
    Ok((compare(&received, &rows, in_flight.as_ref()), in_flight.is_some()))
}

fn compare(
    received: &BTreeMap<String, u64>,
    rows: &[DeviceRows],
    in_flight: Option<&BTreeMap<String, u64>>,
) -> Vec<DeviceConservation> {
    let rows: BTreeMap<&str, &DeviceRows> = rows.iter().map(|row| (row.device.as_str(), row)).collect();
    let of_device = |(device, received): (&String, &u64)| {
        let (readings, quarantined) = rows.get(device.as_str()).map_or((0, 0), |row| (row.readings, row.quarantined));
        let left = received.cast_signed() - (readings + quarantined).cast_signed();
        let in_flight = match in_flight {
            Some(counts) => counts.get(device).copied().unwrap_or_default(),
            None => u64::try_from(left).unwrap_or_default(),
        };
        let drift = left - in_flight.cast_signed();
        DeviceConservation { device: device.clone(), received: *received, readings, quarantined, in_flight, drift }
    };
    received.iter().map(of_device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(next: u64, readings: u64, quarantined: u64, missing: u64) -> LakeStatus {
        LakeStatus { next: IngestId(next), readings, quarantined, missing, generation: 1, tables: Vec::new() }
    }

    #[test]
    fn what_is_not_accounted_for_is_drift() {
        let first = IngestId::FIRST.0;
        for (status, received, expect) in [
            (status(first, 0, 0, 0), 0, 0),
            (status(first + 10, 8, 1, 1), 12, 0),
            (status(first + 10, 8, 1, 0), 10, 1),
            (status(first + 10, 11, 0, 0), 10, -1),
            (status(first + 10, 10, 0, 0), 4, -6),
        ] {
            assert_eq!(drift(&status, IngestId(first + received)), expect, "{status:?}");
        }
    }

    #[test]
    fn devices_are_compared_one_by_one() {
        let received = [("a", 10), ("b", 5), ("c", 1)].map(|(name, count)| (name.to_owned(), count)).into();
        let row = |device: &str, readings, quarantined| DeviceRows { device: device.to_owned(), readings, quarantined };
        let rows = [row("a", 7, 1), row("b", 6, 0)];
        let in_flight = BTreeMap::from([("a".to_owned(), 2)]);
        let drifts = |in_flight: Option<&BTreeMap<String, u64>>| {
            let found = compare(&received, &rows, in_flight);
            found.iter().map(|device| (device.in_flight, device.drift)).collect::<Vec<_>>()
        };
        assert_eq!(drifts(Some(&in_flight)), [(2, 0), (0, -1), (0, 1)]);
        assert_eq!(drifts(None), [(2, 0), (0, -1), (1, 0)]);
    }
}
