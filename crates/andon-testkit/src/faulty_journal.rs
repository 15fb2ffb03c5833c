//! A journal that takes its time and sometimes fails, before or after the write took effect.

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{Append, Appended, Commit, Journal, JournalError, Lease, Mark, StoredEvent, StoredRun};
use andon_model::{EventKey, Name, Offset, RunId, Timestamp};
use async_trait::async_trait;

use crate::Dice;

/// How badly it behaves.
#[derive(Debug, Clone, Copy)]
pub struct JournalFaults {
    /// Longest pause before and after each write.
    pub pause: Duration,
    /// Probability that a write fails; half of the failures have taken effect.
    pub failures: f64,
}

/// Wraps a journal. A caller that is dropped during a pause leaves the write undone or done, as a
/// killed process would.
pub struct FaultyJournal {
    inner: Arc<dyn Journal>,
    dice: Dice,
    faults: JournalFaults,
}

impl FaultyJournal {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Journal>, dice: Dice, faults: JournalFaults) -> Self {
        Self { inner, dice, faults }
    }

    async fn pause(&self) {
        tokio::time::sleep(self.dice.span(self.faults.pause)).await;
    }

    /// Runs a write between two pauses, failing now and then.
    async fn write<T>(
        &self,
        doing: &'static str,
        write: impl Future<Output = Result<T, JournalError>> + Send,
    ) -> Result<T, JournalError> {
        let failure = || JournalError::Storage { doing, cause: "injected".into() };
        self.pause().await;
        let (fails, takes_effect) = (self.dice.chance(self.faults.failures), self.dice.chance(0.5));
        if fails && !takes_effect {
            return Err(failure());
        }
        let written = write.await;
        self.pause().await;
        if fails { Err(failure()) } else { written }
    }
}

#[async_trait]
impl Journal for FaultyJournal {
    async fn take_lease(&self, owner: &str, now: Timestamp) -> Result<Lease, JournalError> {
        self.inner.take_lease(owner, now).await
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.write("appending", self.inner.append(append)).await
    }

    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        self.write("committing", self.inner.commit(lease, commit)).await
    }

    async fn decided_up_to(&self) -> Result<Offset, JournalError> {
        self.inner.decided_up_to().await
    }

    async fn events_after(&self, after: Offset, limit: usize) -> Result<Vec<StoredEvent>, JournalError> {
        self.inner.events_after(after, limit).await
    }

    async fn event(&self, offset: Offset) -> Result<Option<StoredEvent>, JournalError> {
        self.inner.event(offset).await
    }

    async fn find_event(&self, key: &EventKey) -> Result<Option<Offset>, JournalError> {
        self.inner.find_event(key).await
    }

    async fn unsettled_runs(&self) -> Result<Vec<StoredRun>, JournalError> {
        self.inner.unsettled_runs().await
    }

    async fn run(&self, id: &RunId) -> Result<Option<StoredRun>, JournalError> {
        self.inner.run(id).await
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<(i64, String)>, JournalError> {
        self.inner.checkpoint(name).await
    }

    async fn unmarked(&self, source: &Name, marks: Vec<Mark>) -> Result<Vec<Mark>, JournalError> {
        self.inner.unmarked(source, marks).await
    }
}
