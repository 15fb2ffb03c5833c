//! A journal around another one, for crash points and faults: it changes how writes go, and hands every
//! other call through.

use andon_model::{EventKey, Name, Offset, RunId, Timestamp};
use async_trait::async_trait;

use crate::{
    Append, Appended, Commit, Episode, EpisodeKey, Journal, JournalError, Lease, Mark, PendingRun, RunPlace,
    StoredEvent, StoredRun,
};

/// Something around a journal; it is a [`Journal`] itself.
#[async_trait]
pub trait JournalLayer: Send + Sync {
    /// What it stands around.
    fn inner(&self) -> &dyn Journal;

    /// [`Journal::append`], handed through unless changed.
    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.inner().append(append).await
    }

    /// [`Journal::commit`], handed through unless changed.
    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        self.inner().commit(lease, commit).await
    }
}

#[async_trait]
impl<L: JournalLayer> Journal for L {
    async fn take_lease(&self, owner: &str, now: Timestamp) -> Result<Lease, JournalError> {
        self.inner().take_lease(owner, now).await
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        JournalLayer::append(self, append).await
    }

    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        JournalLayer::commit(self, lease, commit).await
    }

    async fn decided_up_to(&self) -> Result<Offset, JournalError> {
        self.inner().decided_up_to().await
    }

    async fn events_after(&self, after: Offset, limit: usize) -> Result<Vec<StoredEvent>, JournalError> {
        self.inner().events_after(after, limit).await
    }

    async fn event(&self, offset: Offset) -> Result<Option<StoredEvent>, JournalError> {
        self.inner().event(offset).await
    }

    async fn find_event(&self, key: &EventKey) -> Result<Option<Offset>, JournalError> {
        self.inner().find_event(key).await
    }

    async fn unsettled_runs(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
        self.inner().unsettled_runs(after, limit).await
    }

    async fn episode_holders(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
        self.inner().episode_holders(after, limit).await
    }

    async fn episode(&self, id: &EpisodeKey) -> Result<Option<Episode>, JournalError> {
        self.inner().episode(id).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<StoredRun>, JournalError> {
        self.inner().run(id).await
    }

    async fn runs_of(&self, events: &[Offset]) -> Result<Vec<StoredRun>, JournalError> {
        self.inner().runs_of(events).await
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<(i64, String)>, JournalError> {
        self.inner().checkpoint(name).await
    }

    async fn unmarked(&self, source: &Name, marks: Vec<Mark>) -> Result<Vec<Mark>, JournalError> {
        self.inner().unmarked(source, marks).await
    }
}
