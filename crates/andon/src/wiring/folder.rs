//! The data folder and the store in it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use andon_model::Problem;
use andon_store::{MasterKey, SqlStore};

use crate::config::Settings;
use crate::output::Failure;
use crate::scenario::local;

/// Journal, configuration, tokens and secrets.
const DATABASE_FILE: &str = "andon.db";
/// The key that encrypts secrets.
const KEY_FILE: &str = "master.key";
/// Only the owner may look into the data folder.
const FOLDER_MODE: u32 = 0o700;
/// Only the owner may read keys and tokens.
const FILE_MODE: u32 = 0o600;

/// Opens the store that the settings name; makes the data folder when it is missing.
pub(super) async fn open_store(settings: &Settings) -> anyhow::Result<Arc<SqlStore>> {
    let folder = &settings.data.folder;
    make(folder)?;
    let problem = |error: andon_store::OpenError| Failure::from(Problem::from(&error));
    let key = MasterKey::from_file(&folder.join(KEY_FILE)).map_err(problem)?;
    let file = folder.join(DATABASE_FILE).display().to_string();
    let location = settings.database.url.as_ref().map_or(file.as_str(), |url| url.expose());
    Ok(Arc::new(SqlStore::open(location, key).await.map_err(problem)?))
}

fn make(folder: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            local(folder, "there is a file where a folder is needed")
        }
        _ => local(folder, error.to_string()),
    })
}

/// Writes a new file that only its owner can read; an existing one is not touched and is an error.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => local(file, "the file exists already; move it away first"),
        _ => local(file, error.to_string()),
    };
    let mut opened = fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(file).map_err(failed)?;
    opened.write_all(format!("{text}\n").as_bytes()).and_then(|()| opened.sync_all()).map_err(failed)
}
