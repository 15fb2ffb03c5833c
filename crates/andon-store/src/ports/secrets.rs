//! The port `Secrets`: only sealed bytes reach the database (K1).

use andon_journal::{JournalError, Secrets};
use andon_model::{Name, Secret, Timestamp};
use async_trait::async_trait;
use sqlx::{query, query_as, query_scalar};

use super::name;
use crate::SqlStore;
use crate::error::{Fault, reading};

const WRITING: &str = "writing a secret";
const READING: &str = "reading a secret";

#[async_trait]
impl Secrets for SqlStore {
    async fn put_secret(&self, name: &Name, secret: Secret, at: Timestamp) -> Result<(), JournalError> {
        let sql = "INSERT INTO secrets (name, sealed, changed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, changed_at = excluded.changed_at";
        let put = query(sql).bind(name.as_str()).bind(self.key.seal(name, &secret)?).bind(at.as_micros());
        let mut write = self.db.begin().await.map_err(reading(WRITING))?;
        let result = put.execute(&mut write.connection).await.map(drop).map_err(Fault::from);
        write.end(result, WRITING).await
    }

    async fn secret(&self, name: &Name) -> Result<Option<Secret>, JournalError> {
        let query = query_scalar("SELECT sealed FROM secrets WHERE name = $1").bind(name.as_str());
        let sealed: Option<Vec<u8>> = query.fetch_optional(self.db.readers()).await.map_err(reading(READING))?;
        sealed.map(|sealed| self.key.open(name, &sealed)).transpose()
    }

    async fn secret_names(&self) -> Result<Vec<(Name, Timestamp)>, JournalError> {
        let query = query_as("SELECT name, changed_at FROM secrets");
        let rows: Vec<(String, i64)> = query.fetch_all(self.db.readers()).await.map_err(reading(READING))?;
        let all = rows.into_iter().map(|(text, at)| Ok((name(&text)?, Timestamp::from_micros(at))));
        let mut names = all.collect::<Result<Vec<_>, JournalError>>()?;
        names.sort_unstable();
        Ok(names)
    }

    async fn delete_secret(&self, name: &Name) -> Result<bool, JournalError> {
        let mut write = self.db.begin().await.map_err(reading(WRITING))?;
        let delete = query("DELETE FROM secrets WHERE name = $1").bind(name.as_str());
        let result = delete.execute(&mut write.connection).await;
        write.end(result.map(|done| done.rows_affected() > 0).map_err(Fault::from), WRITING).await
    }
}
