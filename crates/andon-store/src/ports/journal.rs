//! The port `Journal`: writes go to the writer, reads to the readers.

use std::collections::HashSet;
use std::sync::LazyLock;

use andon_journal::{
    Append, Appended, Commit, Episode, EpisodeKey, Journal, JournalError, Lease, Mark, PendingRun, RunPlace,
    StoredEvent, StoredRun,
};
use andon_model::{EventKey, Name, Offset, RunId, Timestamp};
use async_trait::async_trait;
use sqlx::{Arguments as _, FromRow, query_as, query_scalar};

use super::{episodes, from_json, name, timestamp};
use crate::bulk::Bulk;
use crate::error::{Fault, corrupt, reading};
use crate::head::count;
use crate::text::{escape, unescape};
use crate::{SqlStore, digest};

const READING_EVENTS: &str = "reading events";
const READING_RUNS: &str = "reading runs";
const READING_CHECKPOINTS: &str = "reading checkpoints";

/// Read from the index `runs_unsettled`, in its order; its condition stands here word for word. Were the
/// pending statuses listed instead, SQLite would look each of them up, and sort.
const UNSETTLED: &str = "SELECT event_offset, sequence, id, subject, action, episode FROM runs \
     WHERE status NOT IN ('done', 'refused', 'parked', 'cancelled') AND (event_offset, sequence) > ($1, $2) \
     ORDER BY event_offset, sequence LIMIT $3";

static MARKED: LazyLock<Bulk> = LazyLock::new(|| Bulk::new("SELECT digest FROM marks WHERE digest IN (", 1, ")"));

static RUNS_OF: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "SELECT id, event_offset, subject, status, due, state FROM runs";
    Bulk::new(&format!("{columns} WHERE event_offset IN ("), 1, ") ORDER BY sequence")
});

#[async_trait]
impl Journal for SqlStore {
    async fn take_lease(&self, owner: &str, now: Timestamp) -> Result<Lease, JournalError> {
        self.live.take(&self.db, owner, now).await
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.writer.append(append).await
    }

    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        self.writer.commit(lease, commit).await
    }

    async fn decided_up_to(&self) -> Result<Offset, JournalError> {
        let position = query_scalar("SELECT decided_up_to FROM head WHERE id = 1").fetch_one(self.db.readers()).await;
        position.map(Offset).map_err(reading(READING_CHECKPOINTS))
    }

    async fn events_after(&self, after: Offset, limit: usize) -> Result<Vec<StoredEvent>, JournalError> {
        let sql = "SELECT event_offset, received_at, body FROM events WHERE event_offset > $1 \
             ORDER BY event_offset LIMIT $2";
        let query = query_as(sql).bind(after.0).bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<EventRecord> = query.fetch_all(self.db.readers()).await.map_err(reading(READING_EVENTS))?;
        rows.into_iter().map(EventRecord::into_event).collect()
    }

    async fn event(&self, offset: Offset) -> Result<Option<StoredEvent>, JournalError> {
        let query = query_as("SELECT event_offset, received_at, body FROM events WHERE event_offset = $1");
        let row: Option<EventRecord> =
            query.bind(offset.0).fetch_optional(self.db.readers()).await.map_err(reading(READING_EVENTS))?;
        row.map(EventRecord::into_event).transpose()
    }

    async fn find_event(&self, key: &EventKey) -> Result<Option<Offset>, JournalError> {
        let query = query_scalar("SELECT event_offset FROM event_keys WHERE digest = $1").bind(digest::of_event(key));
        let offset: Option<i64> = query.fetch_optional(self.db.readers()).await.map_err(reading(READING_EVENTS))?;
        Ok(offset.map(Offset))
    }

    async fn unsettled_runs(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
        let query = query_as(UNSETTLED).bind(after.event.0).bind(after.sequence).bind(count(limit));
        let rows: Vec<PendingRecord> = query.fetch_all(self.db.readers()).await.map_err(reading(READING_RUNS))?;
        rows.into_iter().map(PendingRecord::into_run).collect()
    }

    async fn episode_holders(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
        episodes::holders(self.db.readers(), after, limit).await
    }

    async fn episode(&self, id: &EpisodeKey) -> Result<Option<Episode>, JournalError> {
        episodes::find(self.db.readers(), id).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<StoredRun>, JournalError> {
        let query = query_as("SELECT id, event_offset, subject, status, due, state FROM runs WHERE id = $1");
        let row: Option<RunRecord> =
            query.bind(id.as_str()).fetch_optional(self.db.readers()).await.map_err(reading(READING_RUNS))?;
        row.map(RunRecord::into_run).transpose()
    }

    async fn runs_of(&self, events: &[Offset]) -> Result<Vec<StoredRun>, JournalError> {
        let mut connection = self.db.readers().acquire().await.map_err(reading(READING_RUNS))?;
        let found = RUNS_OF.fetch(&mut connection, events, |offset, a| a.add(offset.0)).await;
        let records: Vec<RunRecord> = found.map_err(|fault: Fault| fault.during(READING_RUNS))?;
        records.into_iter().map(RunRecord::into_run).collect()
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<(i64, String)>, JournalError> {
        let query = query_as("SELECT position, note FROM checkpoints WHERE name = $1").bind(escape(name).into_owned());
        let row: Option<(i64, String)> =
            query.fetch_optional(self.db.readers()).await.map_err(reading(READING_CHECKPOINTS))?;
        Ok(row.map(|(position, note)| (position, unescape(note))))
    }

    async fn unmarked(&self, source: &Name, marks: Vec<Mark>) -> Result<Vec<Mark>, JournalError> {
        let mut connection = self.db.readers().acquire().await.map_err(reading(READING_CHECKPOINTS))?;
        let digests: Vec<Vec<u8>> = marks.iter().map(|mark| digest::of_mark(Some(source), mark)).collect();
        let found = MARKED.fetch(&mut connection, &digests, |digest, a| a.add(digest.clone())).await;
        let found: Vec<(Vec<u8>,)> = found.map_err(|fault: Fault| fault.during(READING_CHECKPOINTS))?;
        let known: HashSet<Vec<u8>> = found.into_iter().map(|(digest,)| digest).collect();
        let new = marks.into_iter().zip(digests).filter(|(_, digest)| !known.contains(digest));
        Ok(new.map(|(mark, _)| mark).collect())
    }
}

#[derive(FromRow)]
struct EventRecord {
    event_offset: i64,
    received_at: i64,
    body: String,
}

impl EventRecord {
    fn into_event(self) -> Result<StoredEvent, JournalError> {
        let event = from_json(&format!("event {}", self.event_offset), &self.body)?;
        let received_at = Timestamp::from_micros(self.received_at);
        Ok(StoredEvent { offset: Offset(self.event_offset), received_at, event })
    }
}

#[derive(FromRow)]
struct RunRecord {
    id: String,
    event_offset: i64,
    subject: String,
    status: String,
    due: Option<i64>,
    state: String,
}

impl RunRecord {
    fn into_run(self) -> Result<StoredRun, JournalError> {
        Ok(StoredRun {
            status: self.status.parse().map_err(|cause: String| corrupt(format!("run {}", self.id), &cause))?,
            id: RunId::new(self.id),
            event: Offset(self.event_offset),
            subject: unescape(self.subject),
            due: timestamp(self.due),
            state: unescape(self.state),
        })
    }
}

/// An unsettled run, or one that holds its episode.
#[derive(FromRow)]
pub(super) struct PendingRecord {
    event_offset: i64,
    sequence: i64,
    id: String,
    subject: String,
    action: String,
    episode: Option<String>,
}

impl PendingRecord {
    pub(super) fn into_run(self) -> Result<PendingRun, JournalError> {
        let place = RunPlace { event: Offset(self.event_offset), sequence: self.sequence };
        let action = name(&self.action)?;
        let episode = self.episode.map(|key| EpisodeKey { action, key: unescape(key) });
        Ok(PendingRun { place, id: RunId::new(self.id), subject: unescape(self.subject), episode })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::any::AnyRow;
    use sqlx::{AssertSqlSafe, Row as _, query};

    use super::*;
    use crate::database::Database;
    use crate::location::Location;

    /// However many runs have settled, a start reads the pending ones only, and never sorts them.
    #[tokio::test]
    async fn pending_runs_are_read_from_their_index() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db").display().to_string();
        let db = Database::open(Location::parse(&path).expect("a path")).await.expect("opened");
        let explain = query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {UNSETTLED}"))).bind(0_i64).bind(0_i64);
        let steps: Vec<AnyRow> = explain.bind(10_i64).fetch_all(db.readers()).await.expect("explained");
        let details: Vec<String> = steps.iter().map(|step| step.try_get("detail").expect("a detail")).collect();
        assert_eq!(details.len(), 1, "{details:?}");
        assert!(details[0].starts_with("SEARCH runs USING INDEX runs_unsettled"), "{details:?}");
    }
}
