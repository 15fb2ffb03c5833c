//! The two databases as fixtures, and a way around the store to plant faults in them.

use andon_journal::Append;
use andon_model::Event;
use andon_store::{MasterKey, SqlStore};
use andon_testkit::journal_contract::Fixture;
use andon_testkit::{door_memory_contract, postgres, registry_contract};
use async_trait::async_trait;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;

pub(crate) fn key() -> MasterKey {
    MasterKey::from_bytes([42; MasterKey::BYTES])
}

/// A database that tests may also change behind the store's back.
#[async_trait]
pub(crate) trait Database: Fixture<Store = SqlStore> {
    /// What the store is opened with.
    fn location(&self) -> String;

    /// What the driver is opened with.
    fn url(&self) -> String;

    /// Executes statements on a connection of their own.
    async fn execute(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url()).await.expect("connected");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("executed");
        connection.close().await.expect("closed");
    }
}

/// SQLite in a folder of its own.
pub(crate) struct Sqlite(TempDir);

impl Database for Sqlite {
    fn location(&self) -> String {
        self.0.path().join("andon 50%?.db").display().to_string()
    }

    fn url(&self) -> String {
        format!("sqlite://{}?mode=rwc", self.location().replace('%', "%25").replace('?', "%3F").replace(' ', "%20"))
    }
}

#[async_trait]
impl Fixture for Sqlite {
    type Store = SqlStore;

    async fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    async fn open(&self) -> SqlStore {
        SqlStore::open(&self.location(), key()).await.expect("opened")
    }
}

/// A database of the test process's own `PostgreSQL`.
pub(crate) struct Postgres(postgres::Database);

impl Database for Postgres {
    fn location(&self) -> String {
        self.0.url()
    }

    fn url(&self) -> String {
        self.0.url()
    }
}

#[async_trait]
impl Fixture for Postgres {
    type Store = SqlStore;

    async fn new() -> Self {
        Self(postgres::database().expect("a database"))
    }

    async fn open(&self) -> SqlStore {
        SqlStore::open(&self.location(), key()).await.expect("opened")
    }
}

macro_rules! further_contracts {
    ($($database:ty),*) => {$(
        #[async_trait]
        impl registry_contract::Fixture for $database {
            type Store = SqlStore;

            async fn new() -> Self {
                <Self as Fixture>::new().await
            }

            async fn open(&self) -> SqlStore {
                Fixture::open(self).await
            }
        }
        #[async_trait]
        impl door_memory_contract::Fixture for $database {
            type Store = SqlStore;

            async fn new() -> Self {
                <Self as Fixture>::new().await
            }

            async fn open(&self) -> SqlStore {
                Fixture::open(self).await
            }
        }
    )*};
}

further_contracts!(Sqlite, Postgres);

/// An append of one event.
pub(crate) fn append_of(id: &str, kind: &str) -> Append {
    Append { events: vec![Event::new("/plant", id, kind, serde_json::json!({ "id": id }))], ..Append::default() }
}
