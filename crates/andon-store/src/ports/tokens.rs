//! The port `Tokens`.

use andon_journal::{JournalError, NewToken, Role, TokenRow, Tokens};
use andon_model::{Name, Timestamp};
use async_trait::async_trait;
use sqlx::{FromRow, query, query_as};

use super::{from_json, name, timestamp};
use crate::SqlStore;
use crate::error::{Fault, reading, to_json};

const WRITING: &str = "writing a token";

#[async_trait]
impl Tokens for SqlStore {
    async fn put_token(&self, token: NewToken) -> Result<(), JournalError> {
        let sql = "INSERT INTO tokens (name, role, sha256, expires_at, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (name) DO UPDATE SET role = excluded.role, sha256 = excluded.sha256, \
             expires_at = excluded.expires_at, created_at = excluded.created_at";
        let role = to_json(&token.role).map_err(|cause| Fault::from(cause).during(WRITING))?;
        let put = query(sql).bind(String::from(token.name)).bind(role).bind(token.sha256);
        let put = put.bind(token.expires_at.map(Timestamp::as_micros)).bind(token.at.as_micros());
        let mut write = self.db.begin().await.map_err(reading(WRITING))?;
        let result = put.execute(&mut write.connection).await.map(drop).map_err(Fault::from);
        write.end(result, WRITING).await
    }

    async fn tokens(&self) -> Result<Vec<(TokenRow, String)>, JournalError> {
        let query = query_as("SELECT name, role, sha256, expires_at, created_at FROM tokens");
        let records: Vec<TokenRecord> = query.fetch_all(self.db.readers()).await.map_err(reading("reading tokens"))?;
        let mut tokens = records.into_iter().map(TokenRecord::into_row).collect::<Result<Vec<_>, _>>()?;
        tokens.sort_unstable_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(tokens)
    }

    async fn delete_token(&self, name: &Name) -> Result<bool, JournalError> {
        let mut write = self.db.begin().await.map_err(reading(WRITING))?;
        let delete = query("DELETE FROM tokens WHERE name = $1").bind(name.as_str().to_owned());
        let result = delete.execute(&mut write.connection).await;
        write.end(result.map(|done| done.rows_affected() > 0).map_err(Fault::from), WRITING).await
    }
}

#[derive(FromRow)]
struct TokenRecord {
    name: String,
    role: String,
    sha256: String,
    expires_at: Option<i64>,
    created_at: i64,
}

impl TokenRecord {
    fn into_row(self) -> Result<(TokenRow, String), JournalError> {
        let role: Role = from_json(&format!("token {}", self.name), &self.role)?;
        let (created_at, expires_at) = (Timestamp::from_micros(self.created_at), timestamp(self.expires_at));
        Ok((TokenRow { name: name(&self.name)?, role, created_at, expires_at }, self.sha256))
    }
}
