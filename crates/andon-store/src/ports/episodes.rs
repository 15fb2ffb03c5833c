//! Reading episodes and the runs that hold them.

use andon_journal::{
    Episode, EpisodeFilter, EpisodeHolder, EpisodeKey, EpisodeRow, JournalError, PendingRun, RunPlace,
};
use andon_model::{RunId, Timestamp};
use sqlx::{AnyPool, AssertSqlSafe, FromRow, query_as};

use super::journal::PendingRecord;
use super::{MAX_PAGE, name};
use crate::error::{corrupt, reading};
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

/// With the run that holds it, from the index `runs_holding_keys`.
const LIST: &str = "SELECT e.action, e.episode_key, e.document, e.run_id, e.opened_at, e.touched_at, e.joined, \
     h.id AS holder, h.status AS holder_status FROM episodes e \
     LEFT JOIN runs h ON h.holds_episode = 1 AND h.action = e.action AND h.episode = e.episode_key";

pub(super) async fn list(pool: &AnyPool, filter: EpisodeFilter) -> Result<Vec<EpisodeRow>, JournalError> {
    let action = filter.action.map(|action| ("e.action", String::from(action)));
    let key = filter.key.map(|key| ("e.episode_key", escape(&key).into_owned()));
    let equals: Vec<(&str, String)> = action.into_iter().chain(key).collect();
    let mut query = query_as(AssertSqlSafe(list_sql(&equals))).bind(count(filter.limit.clamp(1, MAX_PAGE)));
    for (_, text) in equals {
        query = query.bind(text);
    }
    let rows: Vec<ListRecord> = query.fetch_all(pool).await.map_err(reading(READING))?;
    rows.into_iter().map(ListRecord::into_row).collect()
}

/// `$1` is the number of rows, then the filters.
fn list_sql(equals: &[(&str, String)]) -> String {
    let filters = equals.iter().enumerate().map(|(n, (column, _))| format!("{column} = ${}", n + 2));
    let filters = filters.collect::<Vec<_>>().join(" AND ");
    let begin = if filters.is_empty() { "" } else { "WHERE " };
    format!("{LIST} {begin}{filters} ORDER BY e.touched_at DESC, e.action, e.episode_key LIMIT $1")
}

#[derive(FromRow)]
struct ListRecord {
    #[sqlx(flatten)]
    episode: EpisodeRecord,
    holder: Option<String>,
    holder_status: Option<String>,
}

impl ListRecord {
    fn into_row(self) -> Result<EpisodeRow, JournalError> {
        let held_by = self.holder.zip(self.holder_status).map(|(run, status)| {
            let status = status.parse().map_err(|cause: String| corrupt(format!("run {run}"), &cause))?;
            Ok::<_, JournalError>(EpisodeHolder { run: RunId::new(run), status })
        });
        Ok(EpisodeRow { episode: self.episode.into_episode()?, held_by: held_by.transpose()? })
    }
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
