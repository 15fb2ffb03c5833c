//! A journal that takes its time and sometimes fails, before or after the write took effect.

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{Append, Appended, Commit, Journal, JournalError, JournalLayer, Lease};
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
impl JournalLayer for FaultyJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.inner
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.write("appending", self.inner.append(append)).await
    }

    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        self.write("committing", self.inner.commit(lease, commit)).await
    }
}
