//! The port `DoorMemory`.
//!
//! **Life of a change.** Callers put their changes into a list and wait for their turn; who gets it writes everything
//! that is in the list in one transaction and answers the others, so that a crowd of clients that connect at the same
//! time shares its syncs.

use andon_journal::{DoorMemory, MemoryChange, MemoryEntry, MemoryError, MemoryKind};
use async_trait::async_trait;
use parking_lot::Mutex;
use sqlx::{AnyConnection, FromRow, query, query_as};
use tokio::sync::{Mutex as Turn, oneshot};

use crate::SqlStore;

const KEEP: &str = "INSERT INTO door_memory (kind, owner, name, value) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (owner, kind, name) DO UPDATE SET value = excluded.value";

const FORGET: &str = "DELETE FROM door_memory WHERE kind = $1 AND owner = $2 AND name = $3";

/// What is retained has no owner, and is nobody's to forget.
const FORGET_CLIENT: &str = "DELETE FROM door_memory WHERE owner = $1 AND owner <> ''";

type Answer = oneshot::Sender<Result<(), MemoryError>>;

/// Changes that wait for the next transaction.
#[derive(Default)]
pub(crate) struct DoorWrites {
    waiting: Mutex<Vec<(Vec<MemoryChange>, Answer)>>,
    turn: Turn<()>,
}

#[async_trait]
impl DoorMemory for SqlStore {
    async fn load(&self) -> Result<Vec<MemoryEntry>, MemoryError> {
        let rows = query_as("SELECT kind, owner, name, value FROM door_memory ORDER BY owner, kind, name");
        let rows: Vec<Row> = rows.fetch_all(self.db.readers()).await.map_err(|cause| failed(&cause))?;
        Ok(rows.into_iter().filter_map(Row::into_entry).collect())
    }

    async fn change(&self, changes: Vec<MemoryChange>) -> Result<(), MemoryError> {
        let (answer, mut answered) = oneshot::channel();
        self.door.waiting.lock().push((changes, answer));
        let turn = self.door.turn.lock().await;
        if let Ok(result) = answered.try_recv() {
            return result;
        }
        self.write_waiting().await;
        drop(turn);
        answered.await.map_err(|_| MemoryError("whoever wrote it has gone".to_owned()))?
    }
}

impl SqlStore {
    async fn write_waiting(&self) {
        let (changes, answers): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.door.waiting.lock()).into_iter().unzip();
        let written = self.write_all(changes.iter().flatten()).await.map_err(|cause| failed(&cause));
        for answer in answers {
            // Nobody to answer is no fault: the connection is gone.
            let _ = answer.send(written.clone());
        }
    }

    async fn write_all(&self, changes: impl Iterator<Item = &MemoryChange>) -> Result<(), sqlx::Error> {
        let mut write = self.db.begin().await?;
        for change in changes {
            if let Err(error) = apply(&mut write.connection, change).await {
                write.rollback().await;
                return Err(error);
            }
        }
        write.commit().await
    }
}

async fn apply(connection: &mut AnyConnection, change: &MemoryChange) -> Result<(), sqlx::Error> {
    let query = match change {
        MemoryChange::Keep(MemoryEntry { kind, owner, name, value }) => {
            query(KEEP).bind(kind.word()).bind(owner.clone()).bind(name.clone()).bind(value.clone())
        }
        MemoryChange::Forget { kind, owner, name } => {
            query(FORGET).bind(kind.word()).bind(owner.clone()).bind(name.clone())
        }
        MemoryChange::ForgetClient(owner) => query(FORGET_CLIENT).bind(owner.clone()),
    };
    query.execute(connection).await.map(drop)
}

fn failed(cause: &sqlx::Error) -> MemoryError {
    MemoryError(cause.to_string())
}

#[derive(FromRow)]
struct Row {
    kind: String,
    owner: String,
    name: String,
    value: String,
}

impl Row {
    /// Nothing for a kind that this version does not know.
    fn into_entry(self) -> Option<MemoryEntry> {
        let Self { kind, owner, name, value } = self;
        let known = MemoryKind::ALL.into_iter().find(|known| known.word() == kind)?;
        Some(MemoryEntry { kind: known, owner, name, value })
    }
}
