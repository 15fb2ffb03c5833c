//! The one row that every write locks: counters, the checkpoint of deciding, the lease's epoch.

use andon_journal::JournalError;
use sqlx::{AnyConnection, FromRow, query, query_as};

/// Locks the row until the end of the transaction, in either database, and reads it.
const LOCK: &str = "UPDATE head SET writes = writes + 1 WHERE id = 1 \
     RETURNING epoch, last_offset, decided_up_to, events_kept, last_run, runs_kept, last_quarantine";

const SAVE: &str = "UPDATE head SET epoch = $1, last_offset = $2, decided_up_to = $3, events_kept = $4, \
     last_run = $5, runs_kept = $6, last_quarantine = $7 WHERE id = 1";

/// A number of rows as the counters hold it.
pub(crate) fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The row, while it is locked.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Head {
    /// Epoch of the newest lease.
    pub(crate) epoch: i64,
    /// Offset of the newest event (J1).
    pub(crate) last_offset: i64,
    /// Every event up to here is decided.
    pub(crate) decided_up_to: i64,
    /// Events that retention has left.
    pub(crate) events_kept: i64,
    /// Highest sequence number of a run.
    pub(crate) last_run: i64,
    /// Runs that retention has left.
    pub(crate) runs_kept: i64,
    /// Highest number of a quarantine entry.
    pub(crate) last_quarantine: i64,
}

impl Head {
    /// Locks and reads the row.
    pub(crate) async fn lock(connection: &mut AnyConnection) -> Result<Self, sqlx::Error> {
        query_as(LOCK).fetch_one(connection).await
    }

    /// Writes the row back.
    pub(crate) async fn save(&self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let save = query(SAVE).bind(self.epoch).bind(self.last_offset).bind(self.decided_up_to);
        let save = save.bind(self.events_kept).bind(self.last_run).bind(self.runs_kept);
        save.bind(self.last_quarantine).execute(connection).await?;
        Ok(())
    }

    /// Moves the checkpoint of deciding, forward only (J2).
    pub(crate) fn decide_up_to(&mut self, offset: i64) -> Result<(), JournalError> {
        if offset < self.decided_up_to {
            let (from, to) = (self.decided_up_to, offset);
            return Err(JournalError::CheckpointWentBack { name: "decided_up_to".to_owned(), from, to });
        }
        self.decided_up_to = offset;
        Ok(())
    }
}
