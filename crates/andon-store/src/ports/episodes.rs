//! Reading episodes and the runs that hold them.

use andon_journal::{Episode, EpisodeKey, JournalError, PendingRun, RunPlace};
use andon_model::{Name, RunId, Timestamp};
use sqlx::{AnyPool, AssertSqlSafe, FromRow, query_as};

use super::journal::PendingRecord;
use super::{MAX_PAGE, name};
use crate::error::reading;
use crate::head::count;
use crate::text::{escape, unescape};

const READING: &str = "reading episodes";

const COLUMNS: &str = "SELECT action, episode_key, document, run_id, opened_at, touched_at, joined FROM episodes";

/// Read from the index `runs_holding`.
const HOLDERS: &str = "SELECT event_offset, sequence, id, subject, action, episode FROM runs \
     WHERE holds_episode = 1 AND (event_offset, sequence) > ($1, $2) ORDER BY event_offset, sequence LIMIT $3";

pub(super) async fn holders(pool: &AnyPool, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError> {
    let query = query_as(HOLDERS).bind(after.event.0).bind(after.sequence).bind(count(limit));
    let rows: Vec<PendingRecord> = query.fetch_all(pool).await.map_err(reading(READING))?;
    rows.into_iter().map(PendingRecord::into_run).collect()
}

pub(super) async fn find(pool: &AnyPool, id: &EpisodeKey) -> Result<Option<Episode>, JournalError> {
    let sql = format!("{COLUMNS} WHERE action = $1 AND episode_key = $2");
    let query = query_as(AssertSqlSafe(sql)).bind(id.action.as_str()).bind(escape(&id.key).into_owned());
    let row: Option<EpisodeRecord> = query.fetch_optional(pool).await.map_err(reading(READING))?;
    row.map(EpisodeRecord::into_episode).transpose()
}

pub(super) async fn list(pool: &AnyPool, action: Option<&Name>, limit: usize) -> Result<Vec<Episode>, JournalError> {
    let filter = if action.is_some() { "WHERE action = $2" } else { "" };
    let sql = format!("{COLUMNS} {filter} ORDER BY touched_at DESC, action, episode_key LIMIT $1");
    let mut query = query_as(AssertSqlSafe(sql)).bind(count(limit.clamp(1, MAX_PAGE)));
    if let Some(action) = action {
        query = query.bind(action.as_str());
    }
    let rows: Vec<EpisodeRecord> = query.fetch_all(pool).await.map_err(reading(READING))?;
    rows.into_iter().map(EpisodeRecord::into_episode).collect()
}

#[derive(FromRow)]
struct EpisodeRecord {
    action: String,
    episode_key: String,
    document: String,
    run_id: String,
    opened_at: i64,
    touched_at: i64,
    joined: i64,
}

impl EpisodeRecord {
    fn into_episode(self) -> Result<Episode, JournalError> {
        Ok(Episode {
            id: EpisodeKey { action: name(&self.action)?, key: unescape(self.episode_key) },
            document: unescape(self.document),
            run: RunId::new(self.run_id),
            opened_at: Timestamp::from_micros(self.opened_at),
            touched_at: Timestamp::from_micros(self.touched_at),
            count: self.joined,
        })
    }
}
