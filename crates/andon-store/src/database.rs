//! Connections: one that writes, a few that read.
//!
//! The writing connection is taken for one transaction at a time, in order of arrival. Whoever drops a
//! [`Write`] half-way (an error, a cancelled caller) throws the connection away with it, which rolls
//! back; the next writer connects anew. So no transaction can leak into the next one.

use std::time::Duration;

use andon_journal::JournalError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, raw_sql};
use tokio::sync::{Mutex, MutexGuard};

use crate::OpenError;
use crate::error::Fault;
use crate::head::Head;
use crate::location::{Dialect, Location};
use crate::schema;

/// Most readers at a time. More callers wait for up to [`READER_WAIT`].
const READERS: u32 = 6;

/// How long a read waits for a free connection before it fails.
const READER_WAIT: Duration = Duration::from_secs(10);

/// WAL with a sync per commit (J3); the write-ahead log is folded back every 32 MiB.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768; \
     PRAGMA temp_store = MEMORY";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON";
const POSTGRES_WRITER: &str = "SET synchronous_commit = on";
const POSTGRES_READER: &str = "SET default_transaction_read_only = on";

/// An open database.
pub(crate) struct Database {
    location: Location,
    options: AnyConnectOptions,
    writer: Mutex<Option<AnyConnection>>,
    readers: AnyPool,
}

impl Database {
    /// Connects and brings the schema up to date.
    pub(crate) async fn open(location: Location) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let failed = |cause: sqlx::Error| OpenError::database(&location, &cause);
        let options = location.connect_options()?.disable_statement_logging();
        let mut writer = connect(&options, writer_settings(location.dialect())).await.map_err(failed)?;
        schema::migrate(&mut writer, &location).await?;
        let readers = readers(&location, &options);
        Ok(Self { writer: Mutex::new(Some(writer)), options, readers, location })
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// The pool for reads. A read sees every write that was answered before it began.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// A connection of its own, outside the pool.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, sqlx::Error> {
        self.options.connect().await
    }

    /// Starts a transaction and locks the head; waits for the writers before.
    pub(crate) async fn begin(&self) -> Result<Write<'_>, sqlx::Error> {
        let mut slot = self.writer.lock().await;
        if self.readers.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => connect(&self.options, writer_settings(self.location.dialect())).await?,
        };
        sqlx::query("BEGIN").execute(&mut connection).await?;
        let head = Head::lock(&mut connection).await?;
        Ok(Write { slot, connection, loaded: head.clone(), head })
    }

    /// Closes every connection, for good; what was committed stays.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(cause) = writer.close().await
        {
            tracing::warn!(%cause, "the writing connection did not close cleanly");
        }
    }
}

/// A transaction that holds the head's lock.
pub(crate) struct Write<'a> {
    slot: MutexGuard<'a, Option<AnyConnection>>,
    /// Where to execute.
    pub(crate) connection: AnyConnection,
    /// The head; changes are written at commit.
    pub(crate) head: Head,
    loaded: Head,
}

impl Write<'_> {
    /// Commits. After an error the outcome is unknown.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        if self.head != self.loaded {
            self.head.save(&mut self.connection).await?;
        }
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        *self.slot = Some(self.connection);
        Ok(())
    }

    /// Gives everything up, keeping the connection if it still answers.
    pub(crate) async fn rollback(mut self) {
        match sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            Ok(_) => *self.slot = Some(self.connection),
            Err(cause) => tracing::warn!(%cause, "rolling back failed, the connection is given up"),
        }
    }

    /// Commits if `result` is good, rolls back otherwise.
    pub(crate) async fn end<T>(self, result: Result<T, Fault>, doing: &'static str) -> Result<T, JournalError> {
        match result {
            Ok(value) => self.commit().await.map(|()| value).map_err(|cause| Fault::Sql(cause).during(doing)),
            Err(fault) => {
                self.rollback().await;
                Err(fault.during(doing))
            }
        }
    }
}

fn writer_settings(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => SQLITE_WRITER,
        Dialect::Postgres => POSTGRES_WRITER,
    }
}

async fn connect(options: &AnyConnectOptions, settings: &'static str) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    raw_sql(settings).execute(&mut connection).await?;
    Ok(connection)
}

fn readers(location: &Location, options: &AnyConnectOptions) -> AnyPool {
    let settings = match location.dialect() {
        Dialect::Sqlite => SQLITE_READER,
        Dialect::Postgres => POSTGRES_READER,
    };
    AnyPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_WAIT)
        // A server may have gone away since; a file has not.
        .test_before_acquire(location.dialect() == Dialect::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move { raw_sql(settings).execute(&mut *connection).await.map(drop) })
        })
        .connect_lazy_with(options.clone())
}
