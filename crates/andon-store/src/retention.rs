//! Deleting what is too old, a little at a time.
//!
//! Each chunk is a transaction of its own, so that the event lane never waits long. An event goes
//! together with its decision, runs and timeline, and only when it is decided and all its runs are
//! settled. Its key stays behind, so that a late duplicate is still recognised (J4); keys go later, and
//! never before their event.

use std::sync::LazyLock;

use andon_journal::{JournalError, Retention};
use sqlx::{Arguments as _, query, query_scalar};

use crate::bulk::Bulk;
use crate::database::{Database, Write};
use crate::error::{Fault, reading};
use crate::head::count;

/// Events or keys per transaction.
const CHUNK: usize = 500;

const RETAINING: &str = "deleting what is too old";

const OLD_EVENTS: &str = "SELECT event_offset FROM events WHERE received_at < $1 AND event_offset <= $2 AND NOT EXISTS \
     (SELECT 1 FROM runs WHERE runs.event_offset = events.event_offset AND status IN ('queued', 'sending', 'waiting')) \
     ORDER BY received_at LIMIT $3";

const DELETE_OLD_KEYS: &str = "DELETE FROM event_keys WHERE digest IN (SELECT digest FROM event_keys \
     WHERE received_at < $1 AND NOT EXISTS \
     (SELECT 1 FROM events WHERE events.event_offset = event_keys.event_offset) ORDER BY received_at LIMIT $2)";

static DELETE_TIMELINE: LazyLock<Bulk> = LazyLock::new(|| delete_from("timeline"));
static DELETE_RUNS: LazyLock<Bulk> = LazyLock::new(|| delete_from("runs"));
static DELETE_DECISIONS: LazyLock<Bulk> = LazyLock::new(|| delete_from("decisions"));
static DELETE_EVENTS: LazyLock<Bulk> = LazyLock::new(|| delete_from("events"));

fn delete_from(table: &str) -> Bulk {
    Bulk::new(&format!("DELETE FROM {table} WHERE event_offset IN ("), 1, ")")
}

/// Deletes up to `retention.limit` events, and as many keys; returns how many events went.
pub(crate) async fn retain(db: &Database, retention: Retention) -> Result<usize, JournalError> {
    let events_before = retention.events_before.as_micros();
    // Younger keys belong to kept events: looking through them would be in vain.
    let keys_before = retention.keys_before.as_micros().min(events_before);
    let events = delete_all_events(db, events_before, retention.limit).await?;
    delete_all_keys(db, keys_before, retention.limit).await?;
    Ok(events)
}

async fn delete_all_events(db: &Database, before: i64, limit: usize) -> Result<usize, JournalError> {
    let mut gone = 0;
    loop {
        let chunk = CHUNK.min(limit - gone);
        let deleted = delete_events(db, before, chunk).await?;
        gone += deleted;
        if deleted < chunk || gone == limit {
            return Ok(gone);
        }
    }
}

async fn delete_all_keys(db: &Database, before: i64, limit: usize) -> Result<(), JournalError> {
    let mut gone = 0;
    loop {
        let chunk = CHUNK.min(limit - gone);
        let deleted = delete_keys(db, before, chunk).await?;
        gone += deleted;
        if deleted < chunk || gone == limit {
            return Ok(());
        }
    }
}

async fn delete_events(db: &Database, before: i64, limit: usize) -> Result<usize, JournalError> {
    let mut write = db.begin().await.map_err(reading(RETAINING))?;
    let result = delete_chunk(&mut write, before, limit).await;
    write.end(result, RETAINING).await
}

async fn delete_chunk(write: &mut Write<'_>, before: i64, limit: usize) -> Result<usize, Fault> {
    let old = query_scalar(OLD_EVENTS).bind(before).bind(write.head.decided_up_to).bind(count(limit));
    let offsets: Vec<i64> = old.fetch_all(&mut write.connection).await?;
    let connection = &mut write.connection;
    DELETE_TIMELINE.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    let runs = DELETE_RUNS.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    DELETE_DECISIONS.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    DELETE_EVENTS.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    write.head.runs_kept -= count(runs);
    write.head.events_kept -= count(offsets.len());
    Ok(offsets.len())
}

async fn delete_keys(db: &Database, before: i64, limit: usize) -> Result<usize, JournalError> {
    let mut write = db.begin().await.map_err(reading(RETAINING))?;
    let delete = query(DELETE_OLD_KEYS).bind(before).bind(count(limit));
    let result = delete.execute(&mut write.connection).await;
    let deleted = result.map(|done| usize::try_from(done.rows_affected()).unwrap_or(usize::MAX));
    write.end(deleted.map_err(Fault::from), RETAINING).await
}
