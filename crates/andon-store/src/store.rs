//! The store: opening, closing, and what its ports share.

use std::path::Path;
use std::sync::Arc;

use crate::database::Database;
use crate::lease::LiveLockSlot;
use crate::location::Location;
use crate::ports::door_memory::DoorWrites;
use crate::writer::Writer;
use crate::{MasterKey, OpenError};

/// The journal, views, configuration, tokens and secrets on one database.
///
/// Implements [`andon_journal::Journal`], [`andon_journal::Views`], [`andon_journal::Configurations`],
/// [`andon_journal::Tokens`], [`andon_journal::Secrets`], [`andon_journal::DoorMemory`] and
/// [`andon_devices::registry::Registry`]. Share it by `Arc`. Several processes may open the same database; one of them at a time holds the lease.
pub struct SqlStore {
    pub(crate) db: Arc<Database>,
    pub(crate) writer: Writer,
    pub(crate) live: LiveLockSlot,
    pub(crate) key: MasterKey,
    pub(crate) door: DoorWrites,
}

impl SqlStore {
    /// Opens the database at `location`, creating or migrating it as needed.
    ///
    /// `location` is a file path, `sqlite:///path/andon.db` or `postgres://user:password@host/database`.
    /// For SQLite the folder is created when missing. Needs a Tokio runtime, now and as long as it lives.
    pub async fn open(location: &str, key: MasterKey) -> Result<Self, OpenError> {
        let location = Location::parse(location)?;
        if let Location::Sqlite(path) = &location {
            create_folder_of(path, &location)?;
        }
        let db = Arc::new(Database::open(location).await?);
        Ok(Self {
            writer: Writer::start(Arc::clone(&db)),
            live: LiveLockSlot::default(),
            door: DoorWrites::default(),
            db,
            key,
        })
    }

    /// Waits for the write that is under way, closes every connection and gives the lease's lock back;
    /// later calls fail. Dropping without closing is safe as well: nothing that was answered is lost.
    pub async fn close(&self) {
        self.db.close().await;
        self.live.release().await;
    }
}

fn create_folder_of(path: &Path, location: &Location) -> Result<(), OpenError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(|cause| OpenError::database(location, &cause))
}
