//! The port `Journal`.

use andon_journal::{
    Append, Appended, Commit, Episode, EpisodeKey, Journal, JournalError, Lease, Mark, PendingRun, RunPlace,
    StoredEvent, StoredRun,
};
use andon_model::{EventKey, Name, Offset, RunId, Timestamp};
use async_trait::async_trait;

use super::MemoryJournal;
use super::state::MemoryRun;

#[async_trait]
impl Journal for MemoryJournal {
    async fn take_lease(&self, owner: &str, _now: Timestamp) -> Result<Lease, JournalError> {
        self.write("taking the lease", |state| state.take_lease(self.process, owner))
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.write("appending", |state| state.append(append))
    }

    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        self.write("committing", |state| state.commit(lease, commit))
    }

    async fn decided_up_to(&self) -> Result<Offset, JournalError> {
        Ok(Offset(self.read("reading checkpoints")?.decided_up_to))
    }

    async fn events_after(&self, after: Offset, limit: usize) -> Result<Vec<StoredEvent>, JournalError> {
        let state = self.read("reading events")?;
        Ok(state.events.range(Offset(after.0 + 1)..).take(limit).map(|(_, event)| event.clone()).collect())
    }

    async fn event(&self, offset: Offset) -> Result<Option<StoredEvent>, JournalError> {
        Ok(self.read("reading events")?.events.get(&offset).cloned())
    }

    async fn find_event(&self, key: &EventKey) -> Result<Option<Offset>, JournalError> {
        Ok(self.read("reading events")?.keys.get(key).map(|(offset, _)| *offset))
    }

    async fn unsettled_runs(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
        let state = self.read("reading runs")?;
        let unsettled = state.runs.values().filter(|run| !run.newest.status.is_settled());
        Ok(in_order(unsettled, after, limit))
    }

    async fn episode_holders(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
        let state = self.read("reading episodes")?;
        let holding = state.runs.values().filter(|run| run.newest.episode.as_ref().is_some_and(|part| part.holds));
        Ok(in_order(holding, after, limit))
    }

    async fn episode(&self, id: &EpisodeKey) -> Result<Option<Episode>, JournalError> {
        Ok(self.read("reading episodes")?.episodes.get(id).cloned())
    }

    async fn run(&self, id: &RunId) -> Result<Option<StoredRun>, JournalError> {
        Ok(self.read("reading runs")?.runs.get(id).map(stored))
    }

    async fn runs_of(&self, events: &[Offset]) -> Result<Vec<StoredRun>, JournalError> {
        let state = self.read("reading runs")?;
        let mut runs: Vec<&MemoryRun> = state.runs.values().filter(|run| events.contains(&run.newest.event)).collect();
        runs.sort_unstable_by_key(|run| run.sequence);
        Ok(runs.into_iter().map(stored).collect())
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<(i64, String)>, JournalError> {
        Ok(self.read("reading checkpoints")?.checkpoints.get(name).cloned())
    }

    async fn unmarked(&self, source: &Name, marks: Vec<Mark>) -> Result<Vec<Mark>, JournalError> {
        let state = self.read("reading checkpoints")?;
        let is_new =
            |mark: &Mark| !state.marks.contains_key(&(Some(source.clone()), mark.key.clone(), mark.version.clone()));
        Ok(marks.into_iter().filter(is_new).collect())
    }
}

fn in_order<'a>(runs: impl Iterator<Item = &'a MemoryRun>, after: RunPlace, limit: usize) -> Vec<PendingRun> {
    let mut rest: Vec<PendingRun> = runs.map(pending).filter(|run| run.place > after).collect();
    rest.sort_unstable_by_key(|run| run.place);
    rest.truncate(limit);
    rest
}

fn pending(run: &MemoryRun) -> PendingRun {
    let newest = &run.newest;
    let place = RunPlace { event: newest.event, sequence: run.sequence };
    let part = newest.episode.as_ref();
    let episode = part.map(|part| EpisodeKey { action: newest.action.clone(), key: part.key.clone() });
    PendingRun { place, id: newest.id.clone(), subject: newest.subject.clone(), episode }
}

fn stored(run: &MemoryRun) -> StoredRun {
    let newest = &run.newest;
    StoredRun {
        id: newest.id.clone(),
        event: newest.event,
        subject: newest.subject.clone(),
        status: newest.status,
        due: newest.due,
        state: newest.state.clone(),
    }
}
