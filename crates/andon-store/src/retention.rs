//! Deleting what is too old, a little at a time.
//!
//! Each chunk is a transaction of its own, so that the event lane never waits long. An event goes
//! together with its decision, runs and timeline, and only when it is decided and all its runs are
//! settled; a parked run that holds its episode is not. Its attachments go with it unless another event has them. Its key stays behind, so that a late duplicate is still recognised (J4); keys go later, and
//! never before their event. Quarantine entries that were replayed go with the events of their time, open
//! ones by a limit of their own. Marks go only when somebody asked for it: an object that outlives its mark
//! is read again, and once the keys of its events are gone, too, it would be acted on again.

use std::sync::LazyLock;

use andon_journal::{JournalError, Retained, Retention};
use sqlx::{Arguments as _, query, query_scalar};

use crate::bulk::Bulk;
use crate::database::{Database, Write};
use crate::error::{Fault, reading};
use crate::head::count;

/// Events, or rows of one kind, per transaction.
const CHUNK: usize = 500;

const RETAINING: &str = "deleting what is too old";

const OLD_EVENTS: &str = "SELECT event_offset FROM events WHERE received_at < $1 AND event_offset <= $2 AND NOT EXISTS \
     (SELECT 1 FROM runs WHERE runs.event_offset = events.event_offset AND (status IN ('queued', 'sending', 'waiting') OR holds_episode = 1)) \
     ORDER BY received_at LIMIT $3";

const DELETE_OLD_KEYS: &str = "DELETE FROM event_keys WHERE digest IN (SELECT digest FROM event_keys \
     WHERE received_at < $1 AND NOT EXISTS \
     (SELECT 1 FROM events WHERE events.event_offset = event_keys.event_offset) ORDER BY received_at LIMIT $2)";

const DELETE_REPLAYED: &str = "DELETE FROM quarantine WHERE id IN \
     (SELECT id FROM quarantine WHERE is_open = 0 AND received_at < $1 ORDER BY received_at LIMIT $2)";

const DELETE_QUARANTINE: &str = "DELETE FROM quarantine WHERE id IN \
     (SELECT id FROM quarantine WHERE is_open = 1 AND received_at < $1 ORDER BY received_at LIMIT $2)";

const DELETE_MARKS: &str = "DELETE FROM marks WHERE digest IN \
     (SELECT digest FROM marks WHERE marked_at < $1 ORDER BY marked_at LIMIT $2)";

const DELETE_EPISODES: &str = "DELETE FROM episodes WHERE touched_at < $1 AND (action, episode_key) IN \
     (SELECT action, episode_key FROM episodes WHERE touched_at < $1 ORDER BY touched_at LIMIT $2)";

static DELETE_TIMELINE: LazyLock<Bulk> = LazyLock::new(|| delete_from("timeline"));
static DELETE_RUNS: LazyLock<Bulk> = LazyLock::new(|| delete_from("runs"));
static DELETE_DECISIONS: LazyLock<Bulk> = LazyLock::new(|| delete_from("decisions"));
static ATTACHED: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("SELECT DISTINCT digest FROM event_attachments WHERE event_offset IN (", 1, ")"));
static DELETE_NAMES: LazyLock<Bulk> = LazyLock::new(|| delete_from("event_attachments"));
static DELETE_UNNAMED: LazyLock<Bulk> = LazyLock::new(|| {
    let unnamed = "NOT EXISTS (SELECT 1 FROM event_attachments n WHERE n.digest = attachments.digest)";
    Bulk::new(&format!("DELETE FROM attachments WHERE {unnamed} AND digest IN ("), 1, ")")
});
static DELETE_EVENTS: LazyLock<Bulk> = LazyLock::new(|| delete_from("events"));

fn delete_from(table: &str) -> Bulk {
    Bulk::new(&format!("DELETE FROM {table} WHERE event_offset IN ("), 1, ")")
}

/// Deletes up to `retention.limit` of each kind.
pub(crate) async fn retain(db: &Database, retention: Retention) -> Result<Retained, JournalError> {
    let (limit, events_before) = (retention.limit, retention.events_before.as_micros());
    // Younger keys belong to kept events: looking through them would be in vain.
    let keys_before = retention.keys_before.as_micros().min(events_before);
    let (events, attachments) = delete_all_events(db, events_before, limit).await?;
    delete_rows(db, DELETE_OLD_KEYS, keys_before, limit).await?;
    Ok(Retained {
        events,
        attachments,
        replayed: delete_rows(db, DELETE_REPLAYED, events_before, limit).await?,
        quarantine: delete_rows(db, DELETE_QUARANTINE, retention.quarantine_before.as_micros(), limit).await?,
        marks: match retention.marks_before {
            Some(before) => delete_rows(db, DELETE_MARKS, before.as_micros(), limit).await?,
            None => 0,
        },
        episodes: delete_rows(db, DELETE_EPISODES, events_before, limit).await?,
    })
}

/// How far a deletion has come, chunk by chunk.
struct Progress {
    gone: usize,
    limit: usize,
    is_over: bool,
}

impl Progress {
    fn new(limit: usize) -> Self {
        Self { gone: 0, limit, is_over: limit == 0 }
    }

    fn chunk(&self) -> usize {
        CHUNK.min(self.limit - self.gone)
    }

    /// Over when a chunk was not full, or the limit is reached.
    fn took(&mut self, deleted: usize) {
        let was_full = deleted == self.chunk();
        self.gone += deleted;
        self.is_over = !was_full || self.gone == self.limit;
    }
}

/// How many events went, and how many attachments with them.
async fn delete_all_events(db: &Database, before: i64, limit: usize) -> Result<(usize, usize), JournalError> {
    let (mut progress, mut attachments) = (Progress::new(limit), 0);
    while !progress.is_over {
        let (events, attached) = delete_events(db, before, progress.chunk()).await?;
        progress.took(events);
        attachments += attached;
    }
    Ok((progress.gone, attachments))
}

/// By one statement, whose `$1` is a time or another place up to which, and `$2` the number of rows.
pub(crate) async fn delete_rows(
    db: &Database,
    sql: &'static str,
    before: i64,
    limit: usize,
) -> Result<usize, JournalError> {
    let mut progress = Progress::new(limit);
    while !progress.is_over {
        progress.took(delete_chunk_of_rows(db, sql, before, progress.chunk()).await?);
    }
    Ok(progress.gone)
}

async fn delete_events(db: &Database, before: i64, limit: usize) -> Result<(usize, usize), JournalError> {
    let mut write = db.begin().await.map_err(reading(RETAINING))?;
    let result = delete_chunk(&mut write, before, limit).await;
    write.end(result, RETAINING).await
}

async fn delete_chunk(write: &mut Write<'_>, before: i64, limit: usize) -> Result<(usize, usize), Fault> {
    let old = query_scalar(OLD_EVENTS).bind(before).bind(write.head.decided_up_to).bind(count(limit));
    let offsets: Vec<i64> = old.fetch_all(&mut write.connection).await?;
    let attachments = delete_attachments(write, &offsets).await?;
    let connection = &mut write.connection;
    DELETE_TIMELINE.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    let runs = DELETE_RUNS.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    DELETE_DECISIONS.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    DELETE_EVENTS.execute(connection, &offsets, |offset, a| a.add(*offset)).await?;
    write.head.runs_kept -= count(runs);
    write.head.events_kept -= count(offsets.len());
    Ok((offsets.len(), attachments))
}

/// Takes the names that these events gave, then the bytes that have no name left.
async fn delete_attachments(write: &mut Write<'_>, offsets: &[i64]) -> Result<usize, Fault> {
    let connection = &mut write.connection;
    let attached: Vec<(String,)> = ATTACHED.fetch(connection, offsets, |offset, a| a.add(*offset)).await?;
    if attached.is_empty() {
        return Ok(0);
    }
    DELETE_NAMES.execute(connection, offsets, |offset, a| a.add(*offset)).await?;
    DELETE_UNNAMED.execute(connection, &attached, |(digest,), a| a.add(digest.as_str())).await
}

async fn delete_chunk_of_rows(
    db: &Database,
    sql: &'static str,
    before: i64,
    limit: usize,
) -> Result<usize, JournalError> {
    let mut write = db.begin().await.map_err(reading(RETAINING))?;
    let result = query(sql).bind(before).bind(count(limit)).execute(&mut write.connection).await;
    let deleted = result.map(|done| usize::try_from(done.rows_affected()).unwrap_or(usize::MAX));
    write.end(deleted.map_err(Fault::from), RETAINING).await
}
