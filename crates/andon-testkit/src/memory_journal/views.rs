//! The port `Views`.

use andon_journal::{
    Counts, Episode, EpisodeFilter, EpisodeHolder, EpisodeRow, EventFilter, EventRow, JournalError, Page,
    QuarantineRow, QuarantineStatus, Retained, Retention, RunDetail, RunFilter, RunRow, StoredEvent, Views,
};
use andon_model::{Offset, RunId, RunStatus};
use async_trait::async_trait;

use super::MemoryJournal;
use super::state::{MemoryQuarantine, MemoryRun, State};

const LISTING: &str = "listing";

/// Most rows in a page.
const MAX_PAGE: usize = 1_000;

#[async_trait]
impl Views for MemoryJournal {
    async fn events(&self, filter: EventFilter) -> Result<Page<EventRow>, JournalError> {
        let state = self.read(LISTING)?;
        let newest_first = state.events.range(..Offset(filter.before.unwrap_or(i64::MAX))).rev();
        let wanted = newest_first.map(|(_, event)| event).filter(|event| is_wanted(event, &filter));
        Ok(page(wanted.map(|event| event_row(&state, event)), filter.limit, |row| row.offset.0))
    }

    async fn event_detail(&self, offset: Offset) -> Result<Option<EventRow>, JournalError> {
        let state = self.read(LISTING)?;
        let Some(stored) = state.events.get(&offset) else { return Ok(None) };
        let attachments = state.attachments.of(offset);
        Ok(Some(EventRow { event: Some(stored.event.clone()), attachments, ..event_row(&state, stored) }))
    }

    async fn runs(&self, filter: RunFilter) -> Result<Page<RunRow>, JournalError> {
        let state = self.read(LISTING)?;
        let below = filter.before.unwrap_or(i64::MAX);
        let wanted = |run: &&MemoryRun| {
            let same_status = filter.status.is_none_or(|status| run.newest.status == status);
            let same_action = filter.action.as_ref().is_none_or(|action| run.newest.action == *action);
            let key = || run.newest.episode.as_ref().map(|part| part.key.as_str());
            let same_episode = filter.episode.as_deref().is_none_or(|episode| key() == Some(episode));
            run.sequence < below && same_status && same_action && same_episode
        };
        let mut rows: Vec<RunRow> = state.runs.values().filter(wanted).map(run_row).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.sequence));
        Ok(page(rows.into_iter(), filter.limit, |row| row.sequence))
    }

    async fn run_detail(&self, id: &RunId) -> Result<Option<RunDetail>, JournalError> {
        let state = self.read(LISTING)?;
        let Some(run) = state.runs.get(id) else { return Ok(None) };
        let mut listed: serde_json::Value = serde_json::from_str(&run.newest.state).unwrap_or_default();
        let document_refs = serde_json::from_value(listed["documents"].take()).unwrap_or_default();
        let episode = serde_json::from_value(listed["episode"].take()).unwrap_or_default();
        let timeline = run.timeline.values().cloned().collect();
        Ok(Some(RunDetail { row: run_row(run), timeline, document_refs, episode }))
    }

    async fn episodes(&self, filter: EpisodeFilter) -> Result<Vec<EpisodeRow>, JournalError> {
        let state = self.read(LISTING)?;
        let wanted = |episode: &&Episode| {
            let same_action = filter.action.as_ref().is_none_or(|action| episode.id.action == *action);
            same_action && filter.key.as_ref().is_none_or(|key| episode.id.key == *key)
        };
        let mut found: Vec<Episode> = state.episodes.values().filter(wanted).cloned().collect();
        found.sort_by_key(|episode| std::cmp::Reverse(episode.touched_at));
        found.truncate(filter.limit.clamp(1, MAX_PAGE));
        let row = |episode: Episode| EpisodeRow { held_by: holder(&state, &episode), episode };
        Ok(found.into_iter().map(row).collect())
    }

    async fn quarantine(&self, before: Option<i64>, limit: usize) -> Result<Page<QuarantineRow>, JournalError> {
        let state = self.read(LISTING)?;
        let newest_first = state.quarantine.range(..before.unwrap_or(i64::MAX)).rev();
        Ok(page(newest_first.map(|(id, entry)| quarantine_row(*id, entry)), limit, |row| row.id))
    }

    async fn quarantine_detail(&self, id: i64) -> Result<Option<QuarantineRow>, JournalError> {
        let state = self.read(LISTING)?;
        let detail = |entry: &MemoryQuarantine| {
            let raw = Some(entry.entry.raw.clone());
            QuarantineRow { raw, ..quarantine_row(id, entry) }
        };
        Ok(state.quarantine.get(&id).map(detail))
    }

    async fn mark_replayed(&self, id: i64) -> Result<(), JournalError> {
        self.write("marking a quarantine entry", |state| {
            if let Some(entry) = state.quarantine.get_mut(&id) {
                entry.is_open = false;
            }
            Ok(())
        })
    }

    async fn counts(&self) -> Result<Counts, JournalError> {
        let state = self.read("counting")?;
        let with = |status| state.runs.values().filter(|run| run.newest.status == status).count();
        Ok(Counts {
            events: count(state.events.len()),
            undecided: state.undecided(),
            failed_decisions: count(state.decided.values().filter(|decided| decided.failure.is_some()).count()),
            quarantined: count(state.quarantine.values().filter(|entry| entry.is_open).count()),
            runs: RunStatus::ALL.map(|status| (status, count(with(status)))).to_vec(),
        })
    }

    async fn retain(&self, retention: Retention) -> Result<Retained, JournalError> {
        self.write("deleting what is too old", |state| Ok(state.retain(retention)))
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn page<T>(mut rows: impl Iterator<Item = T>, limit: usize, position: impl Fn(&T) -> i64) -> Page<T> {
    let shown: Vec<T> = rows.by_ref().take(limit.clamp(1, MAX_PAGE)).collect();
    let next = rows.next().and(shown.last()).map(position);
    Page { rows: shown, next }
}

fn holder(state: &State, episode: &Episode) -> Option<EpisodeHolder> {
    let is_held = |run: &&MemoryRun| {
        let part = run.newest.episode.as_ref();
        run.newest.action == episode.id.action && part.is_some_and(|part| part.holds && part.key == episode.id.key)
    };
    let run = state.runs.values().find(is_held)?;
    Some(EpisodeHolder { run: run.newest.id.clone(), status: run.newest.status })
}

fn is_wanted(stored: &StoredEvent, filter: &EventFilter) -> bool {
    let same_kind = filter.kind.as_ref().is_none_or(|kind| stored.event.kind == *kind);
    let same_subject = filter.subject.is_none() || stored.event.subject == filter.subject;
    same_kind && same_subject
}

fn event_row(state: &State, stored: &StoredEvent) -> EventRow {
    let decided = state.decided.get(&stored.offset);
    let mut runs: Vec<RunRow> = state.runs_of(stored.offset).map(run_row).collect();
    runs.sort_unstable_by_key(|row| row.sequence);
    EventRow {
        offset: stored.offset,
        source: stored.event.source.clone(),
        id: stored.event.id.clone(),
        kind: stored.event.kind.clone(),
        subject: stored.event.subject.clone(),
        received_at: stored.received_at,
        decisions: decided.map(|decided| decided.decisions.clone()),
        failure: decided.and_then(|decided| decided.failure.clone()),
        runs,
        attachments: Vec::new(),
        event: None,
    }
}

fn run_row(run: &MemoryRun) -> RunRow {
    let newest = &run.newest;
    RunRow {
        sequence: run.sequence,
        id: newest.id.clone(),
        event: newest.event,
        action: newest.action.clone(),
        revision: newest.revision,
        status: newest.status,
        documents: newest.documents.clone(),
        summary: newest.summary.clone(),
        due: newest.due,
        created_at: run.created_at,
        updated_at: newest.at,
    }
}

fn quarantine_row(id: i64, stored: &MemoryQuarantine) -> QuarantineRow {
    let entry = &stored.entry;
    QuarantineRow {
        id,
        source: entry.source.clone(),
        problem: entry.problem.clone(),
        content_type: entry.content_type.clone(),
        headers: entry.headers.clone(),
        path: entry.path.clone(),
        received_at: stored.received_at,
        status: if stored.is_open { QuarantineStatus::Open } else { QuarantineStatus::Replayed },
        size: count(entry.raw.len()),
        raw: None,
    }
}
