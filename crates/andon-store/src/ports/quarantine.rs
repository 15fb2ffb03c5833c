//! Lists and details of quarantine.

use andon_journal::{JournalError, Page, QuarantineRow, QuarantineStatus};
use andon_model::Timestamp;
use sqlx::{AnyPool, AssertSqlSafe, FromRow, query, query_as, query_scalar};

use super::{from_json, name, page, rows_to_fetch};
use crate::database::Database;
use crate::error::{Fault, reading};
use crate::text::unescape;

const LISTING: &str = "listing quarantine";
const MARKING: &str = "marking a quarantine entry";

const COLUMNS: &str =
    "SELECT id, source, problem, content_type, headers, path, received_at, is_open, size FROM quarantine";

pub(super) async fn list(
    pool: &AnyPool,
    before: Option<i64>,
    limit: usize,
) -> Result<Page<QuarantineRow>, JournalError> {
    let sql = format!("{COLUMNS} WHERE id < $1 ORDER BY id DESC LIMIT $2");
    let query = query_as(AssertSqlSafe(sql)).bind(before.unwrap_or(i64::MAX)).bind(rows_to_fetch(limit));
    let records: Vec<QuarantineRecord> = query.fetch_all(pool).await.map_err(reading(LISTING))?;
    let records = page(records, limit, |record| record.id);
    let rows = records.rows.into_iter().map(QuarantineRecord::into_row).collect::<Result<_, _>>()?;
    Ok(Page { rows, next: records.next })
}

pub(super) async fn detail(pool: &AnyPool, id: i64) -> Result<Option<QuarantineRow>, JournalError> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    let record: Option<QuarantineRecord> =
        query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(pool).await.map_err(reading(LISTING))?;
    let Some(mut row) = record.map(QuarantineRecord::into_row).transpose()? else { return Ok(None) };
    let raw = query_scalar("SELECT raw FROM quarantine WHERE id = $1").bind(id);
    let raw: Vec<u8> = raw.fetch_one(pool).await.map_err(reading(LISTING))?;
    row.raw = Some(raw.into());
    Ok(Some(row))
}

pub(super) async fn mark_replayed(db: &Database, id: i64) -> Result<(), JournalError> {
    let mut write = db.begin().await.map_err(reading(MARKING))?;
    let update = query("UPDATE quarantine SET is_open = 0 WHERE id = $1").bind(id);
    let result = update.execute(&mut write.connection).await.map(drop).map_err(Fault::from);
    write.end(result, MARKING).await
}

#[derive(FromRow)]
struct QuarantineRecord {
    id: i64,
    source: String,
    problem: String,
    content_type: Option<String>,
    headers: String,
    path: String,
    received_at: i64,
    is_open: i64,
    size: i64,
}

impl QuarantineRecord {
    fn into_row(self) -> Result<QuarantineRow, JournalError> {
        let what = format!("quarantine entry {}", self.id);
        Ok(QuarantineRow {
            id: self.id,
            source: name(&self.source)?,
            problem: from_json(&what, &self.problem)?,
            content_type: self.content_type.map(unescape),
            headers: from_json(&what, &self.headers)?,
            path: unescape(self.path),
            received_at: Timestamp::from_micros(self.received_at),
            status: if self.is_open == 1 { QuarantineStatus::Open } else { QuarantineStatus::Replayed },
            size: self.size,
            raw: None,
        })
    }
}
