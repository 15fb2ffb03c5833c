//! The raw log as people see it.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use andon_journal::{DeviceReadings, ReadingFilter, ReadingLogStatus, ReadingPage, ReadingViews};
use andon_model::{IngestId, Problem, Reading};
use async_trait::async_trait;

use super::log::RawLog;
use super::read::ReadLimit;

/// Most readings that are looked at for one page.
const MOST_LOOKED_AT: usize = 100_000;

#[async_trait]
impl ReadingViews for RawLog {
    fn status(&self) -> ReadingLogStatus {
        let (received, devices, missing) = self.totals();
        ReadingLogStatus { next: self.next(), received, devices, missing, failing: self.failing() }
    }

    fn received(&self, after: &str, limit: usize) -> Vec<DeviceReadings> {
        self.with_received(|received| {
            let range = (Bound::Excluded(after), Bound::Unbounded);
            let counts = received.devices.range::<str, _>(range).take(limit);
            counts.map(|(device, count)| DeviceReadings { device: Arc::clone(device), received: *count }).collect()
        })
    }

    async fn readings(&self, filter: ReadingFilter) -> Result<ReadingPage, Problem> {
        let ReadingFilter { from, device, limit } = filter;
        let newest = || self.newest(if device.is_some() { MOST_LOOKED_AT } else { limit });
        let begin = from.unwrap_or_else(newest);
        let mut page = ReadingPage { readings: Vec::new(), next: begin };
        let mut reader = self.reader(self.position_of(begin), self.archive().cloned());
        let wanted = |reading: &Reading| device.as_deref().is_none_or(|device| *reading.device == *device);
        // From the front a page ends when it is full; at the end it is the last ones that count.
        let full = |page: &ReadingPage| from.is_some() && page.readings.len() >= limit;
        let mut looked_at = 0;
        while !full(&page) && looked_at < MOST_LOOKED_AT {
            let read = reader.next(ReadLimit { readings: limit.clamp(64, 8_192), ..ReadLimit::default() }).await;
            let Some(batch) = read? else { break };
            looked_at += batch.readings.len() + usize::try_from(batch.missing).unwrap_or(MOST_LOOKED_AT);
            page.next = batch.to.next;
            page.readings.extend(batch.readings.into_iter().filter(wanted));
        }
        Ok(cut(page, from.is_some(), limit))
    }
}

impl RawLog {
    /// The place with `count` readings from there to the end.
    fn newest(&self, count: usize) -> IngestId {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        IngestId(self.next().0.saturating_sub(count).max(IngestId::FIRST.0))
    }

    /// Readings, devices, missing ids: those that a start did not find, or those that were damaged since.
    fn totals(&self) -> (u64, u64, u64) {
        let met = self.met_missing.load(Ordering::Relaxed);
        self.with_received(|received| (received.total(), received.devices.len() as u64, received.missing.max(met)))
    }
}

/// The first `limit` of a page that goes on from somewhere, the last ones of one that shows the newest.
fn cut(mut page: ReadingPage, from_front: bool, limit: usize) -> ReadingPage {
    let more = page.readings.len().saturating_sub(limit);
    if more == 0 {
        return page;
    }
    if from_front {
        page.next = page.readings[limit].id;
        page.readings.truncate(limit);
    } else {
        page.readings.drain(..more);
    }
    page
}
