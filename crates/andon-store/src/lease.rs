//! One engine per journal: a lock that dies with its process, and an epoch that outlives it.
//!
//! The lock answers "is another engine alive?": for SQLite a lock on the file `<database>.lock`, for
//! PostgreSQL a session advisory lock on a connection of its own. Both vanish when the process is
//! killed, so a restart needs no waiting. The epoch answers "am I still the one?": it grows with every
//! lease, and every commit compares it inside its transaction, so a process that lost its lock without
//! noticing (a cut connection, a frozen machine) is fenced off.

use std::fs::File;
use std::path::Path;

use andon_journal::{JournalError, Lease};
use andon_model::Timestamp;
use sqlx::{AnyConnection, query, query_scalar, raw_sql};
use tokio::sync::Mutex;

use crate::database::Database;
use crate::error::{Fault, reading};
use crate::location::Location;
use crate::text;

const TAKING: &str = "taking the lease";

/// The server needs a moment to notice that a killed process is gone; a vanished machine is noticed
/// by keep-alives after about 30 seconds.
const POSTGRES_LOCK_SESSION: &str = "SET lock_timeout = '2s'; SET tcp_keepalives_idle = 10; \
     SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4";

/// `PostgreSQL`'s code for a lock that was not granted in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Proof that this process is the one engine; given back when dropped.
enum LiveLock {
    File { _locked: File },
    Session { _locked: AnyConnection },
}

/// The place for this process's [`LiveLock`].
#[derive(Default)]
pub(crate) struct LiveLockSlot(Mutex<Option<LiveLock>>);

impl LiveLockSlot {
    /// Takes the live lock, unless this process has it, and then the next epoch.
    pub(crate) async fn take(&self, db: &Database, owner: &str, now: Timestamp) -> Result<Lease, JournalError> {
        let mut slot = self.0.lock().await;
        if slot.is_none() {
            let lock = match db.location() {
                Location::Sqlite(path) => lock_file(path)?,
                Location::Postgres(_) => lock_session(db).await.map_err(reading(TAKING))?,
            };
            *slot = Some(lock.ok_or(JournalError::Held { owner: owner_in(db).await? })?);
        }
        next_epoch(db, owner, now).await
    }

    /// Gives the live lock back.
    pub(crate) async fn release(&self) {
        self.0.lock().await.take();
    }
}

/// `None`: another process has it.
fn lock_file(database: &Path) -> Result<Option<LiveLock>, JournalError> {
    let failed = |cause: std::io::Error| JournalError::Storage { doing: TAKING, cause: cause.to_string() };
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(LiveLock::File { _locked: file })),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// `None`: another process has it.
async fn lock_session(db: &Database) -> Result<Option<LiveLock>, sqlx::Error> {
    let mut connection = db.connect().await?;
    raw_sql(POSTGRES_LOCK_SESSION).execute(&mut connection).await?;
    match raw_sql("SELECT pg_advisory_lock(74612002)").execute(&mut connection).await {
        Ok(_) => Ok(Some(LiveLock::Session { _locked: connection })),
        Err(sqlx::Error::Database(cause)) if cause.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => Ok(None),
        Err(cause) => Err(cause),
    }
}

async fn owner_in(db: &Database) -> Result<String, JournalError> {
    let owner = query_scalar("SELECT lease_owner FROM head WHERE id = 1").fetch_one(db.readers()).await;
    owner.map(text::unescape).map_err(reading(TAKING))
}

async fn next_epoch(db: &Database, owner: &str, now: Timestamp) -> Result<Lease, JournalError> {
    let mut write = db.begin().await.map_err(reading(TAKING))?;
    write.head.epoch += 1;
    let lease = Lease { epoch: write.head.epoch };
    let named = query("UPDATE head SET lease_owner = $1, lease_at = $2 WHERE id = 1");
    let named = named.bind(text::escape(owner).into_owned()).bind(now.as_micros());
    let result = named.execute(&mut write.connection).await.map(|_| lease).map_err(Fault::from);
    write.end(result, TAKING).await
}
