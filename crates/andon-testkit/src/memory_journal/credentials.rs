//! The ports `Tokens` and `Secrets`.

use andon_journal::{JournalError, NewToken, Secrets, TokenRow, Tokens};
use andon_model::{Name, Secret, Timestamp};
use async_trait::async_trait;

use super::MemoryJournal;

#[async_trait]
impl Tokens for MemoryJournal {
    async fn put_token(&self, token: NewToken) -> Result<(), JournalError> {
        self.write("writing a token", |state| {
            state.tokens.insert(token.name.clone(), token);
            Ok(())
        })
    }

    async fn tokens(&self) -> Result<Vec<(TokenRow, String)>, JournalError> {
        let row = |token: &NewToken| {
            let (created_at, expires_at) = (token.at, token.expires_at);
            (TokenRow { name: token.name.clone(), role: token.role, created_at, expires_at }, token.sha256.clone())
        };
        Ok(self.read("reading tokens")?.tokens.values().map(row).collect())
    }

    async fn delete_token(&self, name: &Name) -> Result<bool, JournalError> {
        self.write("writing a token", |state| Ok(state.tokens.remove(name).is_some()))
    }
}

#[async_trait]
impl Secrets for MemoryJournal {
    async fn put_secret(&self, name: &Name, secret: Secret, at: Timestamp) -> Result<(), JournalError> {
        self.write("writing a secret", |state| {
            state.secrets.insert(name.clone(), (secret, at));
            Ok(())
        })
    }

    async fn secret(&self, name: &Name) -> Result<Option<Secret>, JournalError> {
        Ok(self.read("reading a secret")?.secrets.get(name).map(|(secret, _)| secret.clone()))
    }

    async fn secret_names(&self) -> Result<Vec<(Name, Timestamp)>, JournalError> {
        let state = self.read("reading a secret")?;
        Ok(state.secrets.iter().map(|(name, (_, at))| (name.clone(), *at)).collect())
    }

    async fn delete_secret(&self, name: &Name) -> Result<bool, JournalError> {
        self.write("writing a secret", |state| Ok(state.secrets.remove(name).is_some()))
    }
}
