//! Lists and details of events.

use std::collections::HashMap;

use andon_journal::{EventFilter, EventRow, JournalError, Page, RunRow};
use andon_model::{Offset, Timestamp};
use sqlx::{AnyPool, AssertSqlSafe, FromRow, query_as, query_scalar};

use super::{attachments, from_json, page, rows_to_fetch, runs};
use crate::error::reading;
use crate::text::{escape, unescape};

const LISTING: &str = "listing events";

const COLUMNS: &str = "SELECT e.event_offset, e.source, e.event_id, e.kind, e.subject, e.received_at, \
     d.decisions, d.failure FROM events e LEFT JOIN decisions d ON d.event_offset = e.event_offset";

/// Length of the indexed beginning of type and subject, as in the schema.
const INDEXED_CHARS: usize = 200;

pub(super) async fn list(pool: &AnyPool, filter: EventFilter) -> Result<Page<EventRow>, JournalError> {
    let equals = [("kind", &filter.kind), ("subject", &filter.subject)];
    let equals: Vec<(&str, String)> =
        equals.into_iter().filter_map(|(column, text)| Some((column, escape(text.as_ref()?).into_owned()))).collect();
    let sql = list_sql(&equals);
    let mut query = query_as(AssertSqlSafe(sql));
    query = query.bind(filter.before.unwrap_or(i64::MAX)).bind(rows_to_fetch(filter.limit));
    for (_, text) in equals {
        let beginning: String = text.chars().take(INDEXED_CHARS).collect();
        let rest = text[beginning.len()..].to_owned();
        query = query.bind(beginning).bind(rest);
    }
    let records: Vec<EventRecord> = query.fetch_all(pool).await.map_err(reading(LISTING))?;
    let records = page(records, filter.limit, |record| record.event_offset);
    let rows = with_runs(pool, records.rows).await?;
    Ok(Page { rows, next: records.next })
}

/// `$1` is the offset to stay below, `$2` the number of rows; each filter has its beginning,
/// which is found by index, and its rest.
fn list_sql(equals: &[(&str, String)]) -> String {
    let filter = |(n, (column, _)): (usize, &(&str, String))| {
        let (beginning, rest) = (2 * n + 3, 2 * n + 4);
        let after = INDEXED_CHARS + 1;
        format!(" AND substr(e.{column}, 1, {INDEXED_CHARS}) = ${beginning} AND substr(e.{column}, {after}) = ${rest}")
    };
    let filters: String = equals.iter().enumerate().map(filter).collect();
    format!("{COLUMNS} WHERE e.event_offset < $1{filters} ORDER BY e.event_offset DESC LIMIT $2")
}

pub(super) async fn detail(pool: &AnyPool, offset: Offset) -> Result<Option<EventRow>, JournalError> {
    let sql = format!("{COLUMNS} WHERE e.event_offset = $1");
    let record: Option<EventRecord> =
        query_as(AssertSqlSafe(sql)).bind(offset.0).fetch_optional(pool).await.map_err(reading(LISTING))?;
    let Some(mut row) = with_runs(pool, record.into_iter().collect()).await?.pop() else { return Ok(None) };
    let body = query_scalar("SELECT body FROM events WHERE event_offset = $1").bind(offset.0);
    let body: Option<String> = body.fetch_optional(pool).await.map_err(reading(LISTING))?;
    row.event = body.map(|body: String| from_json(&format!("event {offset}"), &body)).transpose()?;
    row.attachments = attachments::of_event(pool, offset).await?;
    Ok(Some(row))
}

async fn with_runs(pool: &AnyPool, records: Vec<EventRecord>) -> Result<Vec<EventRow>, JournalError> {
    let offsets: Vec<i64> = records.iter().map(|record| record.event_offset).collect();
    let mut runs: HashMap<Offset, Vec<RunRow>> = HashMap::new();
    for run in runs::of_events(pool, &offsets).await? {
        runs.entry(run.event).or_default().push(run);
    }
    let row = |record: EventRecord| {
        let runs = runs.remove(&Offset(record.event_offset)).unwrap_or_default();
        record.into_row(runs)
    };
    records.into_iter().map(row).collect()
}

#[derive(FromRow)]
struct EventRecord {
    event_offset: i64,
    source: String,
    event_id: String,
    kind: String,
    subject: Option<String>,
    received_at: i64,
    decisions: Option<String>,
    failure: Option<String>,
}

impl EventRecord {
    fn into_row(self, runs: Vec<RunRow>) -> Result<EventRow, JournalError> {
        let what = format!("the decision of event {}", self.event_offset);
        Ok(EventRow {
            offset: Offset(self.event_offset),
            source: unescape(self.source),
            id: unescape(self.event_id),
            kind: unescape(self.kind),
            subject: self.subject.map(unescape),
            received_at: Timestamp::from_micros(self.received_at),
            decisions: self.decisions.map(|json| from_json(&what, &json)).transpose()?,
            failure: self.failure.map(|json| from_json(&what, &json)).transpose()?,
            runs,
            attachments: Vec::new(),
            event: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::any::AnyRow;
    use sqlx::{Row as _, query};

    use super::*;
    use crate::database::Database;
    use crate::location::Location;

    async fn check_plan(pool: &AnyPool, columns: &[&'static str], index: &str) {
        let equals: Vec<_> = columns.iter().map(|column| (*column, "x".to_owned())).collect();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", list_sql(&equals)));
        let mut explain = query(explain).bind(i64::MAX).bind(10_i64);
        for (_, text) in equals {
            explain = explain.bind(text).bind("");
        }
        let steps: Vec<AnyRow> = explain.fetch_all(pool).await.expect("explained");
        let detail: String = steps[0].try_get("detail").expect("a detail");
        assert!(detail.starts_with("SEARCH e") && detail.contains(index), "for {columns:?}: {detail}");
    }

    #[tokio::test]
    async fn filters_are_answered_by_an_index() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db").display().to_string();
        let db = Database::open(Location::parse(&path).expect("a path")).await.expect("opened");
        check_plan(db.readers(), &[], "PRIMARY KEY").await;
        check_plan(db.readers(), &["kind"], "events_by_kind").await;
        check_plan(db.readers(), &["subject"], "events_by_subject").await;
        check_plan(db.readers(), &["kind", "subject"], "events_by_").await;
    }
}
