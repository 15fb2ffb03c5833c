//! The two databases as fixtures of the journal's contract.

use andon_store::{MasterKey, SqlStore};
use andon_testkit::journal_contract::Fixture;
use andon_testkit::postgres;
use async_trait::async_trait;
use tempfile::TempDir;

pub(crate) fn key() -> MasterKey {
    MasterKey::from_bytes([42; MasterKey::BYTES])
}

/// SQLite in a folder of its own.
pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    pub(crate) fn location(&self) -> String {
        self.0.path().join("andon 50%?.db").display().to_string()
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
pub(crate) struct Postgres(pub(crate) postgres::Database);

#[async_trait]
impl Fixture for Postgres {
    type Store = SqlStore;

    async fn new() -> Self {
        Self(postgres::database().expect("a database"))
    }

    async fn open(&self) -> SqlStore {
        SqlStore::open(&self.0.url(), key()).await.expect("opened")
    }
}
