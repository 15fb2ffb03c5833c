//! Tokens that are made beside the API: the first administrator's, and those made while no server runs.

use std::time::Duration;

use andon_journal::{NewToken, Role, Tokens};
use andon_model::{Clock, Code, Name, Problem, Secret, SystemClock, Timestamp};
use andon_store::SqlStore;

use super::folder::{open_store, write_private};
use crate::client::TOKEN_FILE;
use crate::config::Settings;
use crate::output::Failure;

/// A token that was made.
pub(crate) struct MadeToken {
    /// Its text, to be shown once.
    pub(crate) text: Secret,
    /// When it stops working.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Makes a token in the data folder of a server that does not run.
pub(crate) async fn create_in_folder(
    settings: &Settings,
    name: &Name,
    role: Role,
    expires_in: Option<Duration>,
) -> anyhow::Result<MadeToken> {
    let store = open_store(settings).await?;
    let known = store.tokens().await.map_err(|error| Problem::from(&error))?;
    if known.iter().any(|(row, _)| row.name == *name) {
        return Err(Failure::new(Code::Conflict, format!("there is a token {name} already")).into());
    }
    create(&store, name, role, expires_in).await
}

/// Makes the first administrator's token when there is no token at all. `None`: there are tokens.
pub(super) async fn create_first(settings: &Settings, store: &SqlStore) -> anyhow::Result<Option<Secret>> {
    if !store.tokens().await.map_err(|error| Problem::from(&error))?.is_empty() {
        return Ok(None);
    }
    let made = create(store, &Name::new("admin")?, Role::Admin, None).await?;
    let file = settings.data.folder.join(TOKEN_FILE);
    write_private(&file, made.text.expose())?;
    tracing::info!(file = %file.display(), "the administrator's token is in this file");
    Ok(Some(made.text))
}

async fn create(store: &SqlStore, name: &Name, role: Role, expires_in: Option<Duration>) -> anyhow::Result<MadeToken> {
    let (text, sha256) = andon_server::fresh_token()?;
    let at = SystemClock.now();
    let expires_at = expires_in.map(|time| at.after(time));
    let token = NewToken { name: name.clone(), role, sha256, expires_at, at };
    store.put_token(token).await.map_err(|error| Problem::from(&error))?;
    Ok(MadeToken { text, expires_at })
}
