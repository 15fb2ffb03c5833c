//! Lists and details of runs.

use std::sync::LazyLock;

use andon_journal::{JournalError, Page, RunDetail, RunEpisodeView, RunFilter, RunRow};
use andon_model::{DocumentRef, Offset, RunId, TimelineEntry, Timestamp};
use serde::Deserialize;
use sqlx::{AnyPool, Arguments as _, AssertSqlSafe, FromRow, query_as, query_scalar};

use super::{from_json, name, page, rows_to_fetch, timestamp};
use crate::bulk::Bulk;
use crate::error::{Fault, corrupt, reading};
use crate::text::{escape, unescape};

const LISTING: &str = "listing runs";

const COLUMNS: &str = "SELECT sequence, id, event_offset, action, revision, status, documents, summary, due, \
     created_at, updated_at FROM runs";

static OF_EVENTS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new(&format!("{COLUMNS} WHERE event_offset IN ("), 1, ") ORDER BY sequence"));

pub(super) async fn list(pool: &AnyPool, filter: RunFilter) -> Result<Page<RunRow>, JournalError> {
    let status = filter.status.map(|status| ("status", status.as_str().to_owned()));
    let action = filter.action.map(|action| ("action", String::from(action)));
    let episode = filter.episode.map(|key| ("episode", escape(&key).into_owned()));
    let equals: Vec<(&str, String)> = status.into_iter().chain(action).chain(episode).collect();
    let mut query = query_as(AssertSqlSafe(list_sql(&equals)));
    query = query.bind(filter.before.unwrap_or(i64::MAX)).bind(rows_to_fetch(filter.limit));
    for (_, text) in equals {
        query = query.bind(text);
    }
    let records: Vec<RunRecord> = query.fetch_all(pool).await.map_err(reading(LISTING))?;
    let records = page(records, filter.limit, |record| record.sequence);
    let rows = records.rows.into_iter().map(RunRecord::into_row).collect::<Result<_, _>>()?;
    Ok(Page { rows, next: records.next })
}

/// `$1` is the sequence number to stay below, `$2` the number of rows, then the filters.
fn list_sql(equals: &[(&str, String)]) -> String {
    let filter = |(n, (column, _)): (usize, &(&str, String))| format!(" AND {column} = ${}", n + 3);
    let filters: String = equals.iter().enumerate().map(filter).collect();
    format!("{COLUMNS} WHERE sequence < $1{filters} ORDER BY sequence DESC LIMIT $2")
}

/// The runs of these events, oldest first within each event.
pub(super) async fn of_events(pool: &AnyPool, offsets: &[i64]) -> Result<Vec<RunRow>, JournalError> {
    let mut connection = pool.acquire().await.map_err(reading(LISTING))?;
    let found = OF_EVENTS.fetch(&mut connection, offsets, |offset, a| a.add(*offset)).await;
    let records: Vec<RunRecord> = found.map_err(|fault: Fault| fault.during(LISTING))?;
    records.into_iter().map(RunRecord::into_row).collect()
}

pub(super) async fn detail(pool: &AnyPool, id: &RunId) -> Result<Option<RunDetail>, JournalError> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    let record: Option<RunRecord> =
        query_as(AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(pool).await.map_err(reading(LISTING))?;
    let Some(row) = record.map(RunRecord::into_row).transpose()? else { return Ok(None) };
    let timeline = timeline(pool, &row).await?;
    let ListedState { documents: document_refs, episode } = listed_state(pool, id).await?;
    Ok(Some(RunDetail { row, timeline, document_refs, episode }))
}

async fn timeline(pool: &AnyPool, row: &RunRow) -> Result<Vec<TimelineEntry>, JournalError> {
    let sql = "SELECT body FROM timeline WHERE event_offset = $1 AND run_id = $2 ORDER BY entry";
    let query = query_scalar(sql).bind(row.event.0).bind(row.id.as_str());
    let entries: Vec<String> = query.fetch_all(pool).await.map_err(reading(LISTING))?;
    let what = format!("the timeline of run {}", row.id);
    entries.iter().map(|json| from_json(&what, json)).collect()
}

/// What details show of the run's state; the rest of it is the action stage's own business.
#[derive(Default, Deserialize)]
struct ListedState {
    #[serde(default)]
    documents: Vec<DocumentRef>,
    #[serde(default)]
    episode: Option<RunEpisodeView>,
}

async fn listed_state(pool: &AnyPool, id: &RunId) -> Result<ListedState, JournalError> {
    let query = query_scalar("SELECT state FROM runs WHERE id = $1").bind(id.as_str());
    let state: String = query.fetch_one(pool).await.map_err(reading(LISTING))?;
    Ok(serde_json::from_str(&unescape(state)).unwrap_or_default())
}

#[derive(FromRow)]
struct RunRecord {
    sequence: i64,
    id: String,
    event_offset: i64,
    action: String,
    revision: i64,
    status: String,
    documents: String,
    summary: String,
    due: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl RunRecord {
    fn into_row(self) -> Result<RunRow, JournalError> {
        Ok(RunRow {
            sequence: self.sequence,
            status: self.status.parse().map_err(|cause: String| corrupt(format!("run {}", self.id), &cause))?,
            id: RunId::new(self.id),
            event: Offset(self.event_offset),
            action: name(&self.action)?,
            revision: self.revision,
            documents: unescape(self.documents),
            summary: unescape(self.summary),
            due: timestamp(self.due),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}
