//! A log of readings in memory, with feeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_journal::{FeedBatch, Kept, NewReading, ReadingFeed, ReadingFeeds, ReadingLog, ReadingLogError};
use andon_model::{Code, IngestId, Name, Problem, Reading};
use async_trait::async_trait;
use tokio::sync::watch;

/// Readings of one batch.
const BATCH: usize = 16;

#[derive(Debug, Default)]
struct State {
    readings: Vec<Reading>,
    kept: BTreeMap<Name, IngestId>,
    /// Calls of a feed that fail from now on.
    failures: usize,
}

/// Cheap to clone; all clones are the same log.
#[derive(Debug, Clone)]
pub struct MemoryReadings(Arc<watch::Sender<State>>);

impl Default for MemoryReadings {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl MemoryReadings {
    /// The place that the consumer has said to have kept; `None` if it has never opened a feed.
    pub fn kept(&self, consumer: &Name) -> Option<IngestId> {
        self.0.borrow().kept.get(consumer).copied()
    }

    /// The next calls of feeds fail.
    pub fn fail(&self, calls: usize) {
        self.0.send_modify(|state| state.failures = calls);
    }

    /// The place behind the last reading.
    pub fn next(&self) -> IngestId {
        IngestId::FIRST.plus(self.0.borrow().readings.len() as u64)
    }

    fn failure(&self) -> Result<(), Problem> {
        let failing = self.0.send_if_modified(|state| {
            let fails = state.failures > 0;
            state.failures = state.failures.saturating_sub(1);
            fails
        });
        if failing { Err(Problem::new(Code::RawLog, "injected")) } else { Ok(()) }
    }
}

#[async_trait]
impl ReadingLog for MemoryReadings {
    async fn append(&self, readings: Vec<NewReading>) -> Result<Kept, ReadingLogError> {
        let (first, count) = (self.next(), readings.len());
        self.0.send_modify(|state| {
            for (at, new) in readings.into_iter().enumerate() {
                let NewReading { received, device, topic, speaks_for, payload } = new;
                let id = first.plus(at as u64);
                state.readings.push(Reading { id, received, device, topic, speaks_for, payload });
            }
        });
        Ok(Kept { first, count })
    }
}

#[async_trait]
impl ReadingFeeds for MemoryReadings {
    async fn open(&self, consumer: &Name, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        self.0.send_modify(|state| {
            state.kept.entry(consumer.clone()).or_insert(from);
        });
        let changes = self.0.subscribe();
        Ok(Box::new(Feed { log: self.clone(), consumer: Some(consumer.clone()), next: from, changes }))
    }

    async fn look(&self, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        Ok(Box::new(Feed { log: self.clone(), consumer: None, next: from, changes: self.0.subscribe() }))
    }
}

struct Feed {
    log: MemoryReadings,
    /// `None` for who only looks.
    consumer: Option<Name>,
    next: IngestId,
    changes: watch::Receiver<State>,
}

#[async_trait]
impl ReadingFeed for Feed {
    async fn next(&mut self) -> Result<Option<FeedBatch>, Problem> {
        self.log.failure()?;
        let from = usize::try_from(self.next.0 - IngestId::FIRST.0).unwrap_or(usize::MAX);
        let readings: Vec<_> =
            self.changes.borrow_and_update().readings.iter().skip(from).take(BATCH).cloned().collect();
        if readings.is_empty() {
            return Ok(None);
        }
        self.next = self.next.plus(readings.len() as u64);
        Ok(Some(FeedBatch { readings, next: self.next, missing: 0 }))
    }

    async fn follow(&mut self) -> Result<Option<FeedBatch>, Problem> {
        loop {
            if let Some(batch) = self.next().await? {
                return Ok(Some(batch));
            }
            if self.changes.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn keep(&mut self, place: IngestId) -> Result<(), Problem> {
        self.log.failure()?;
        let Some(consumer) = self.consumer.clone() else { return Ok(()) };
        self.log.0.send_modify(|state| {
            let kept = state.kept.entry(consumer).or_insert(place);
            *kept = place.max(*kept);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[async_trait]
    impl crate::reading_feed_contract::Fixture for MemoryReadings {
        type Log = Self;

        async fn new() -> Self {
            Self::default()
        }

        fn log(&self) -> &Self {
            self
        }

        fn kept(&self, consumer: &Name) -> Option<IngestId> {
            Self::kept(self, consumer)
        }
    }

    crate::reading_feed_contract!(MemoryReadings);
}
