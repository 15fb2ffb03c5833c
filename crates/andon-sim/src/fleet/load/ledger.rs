//! The ledger: a line of JSON for each message of each device, with whether the broker acknowledged it.
//!
//! ```json
//! {"device":"sim-00001","sequence":7,"qos":1,"acknowledged":true}
//! {"device":"sim-00001","sequence":8,"qos":1,"acknowledged":false,"refused":"NotAuthorized"}
//! ```
//!
//! Lines come in the order in which messages were settled; what was never settled, and every message of QoS 0, comes with
//! `false`. *Acknowledged* means PUBACK at QoS 1 and PUBREC at QoS 2: with these the broker takes the message over. Whoever
//! finds a message with `true` missing behind the broker has found a loss.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::fleet::error::FleetError;

/// Batches that wait to be written; then devices wait.
const MAX_BATCHES: usize = 1_024;

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The device's name.
    pub device: Arc<str>,
    /// The message's number, as in its payload.
    pub sequence: u64,
    /// Its quality of service.
    pub qos: u8,
    /// Whether the broker took it over.
    pub acknowledged: bool,
    /// Why it did not, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Where devices hand their lines in.
#[derive(Clone)]
pub(super) struct LedgerDesk(Option<Sender<Vec<LedgerEntry>>>);

impl LedgerDesk {
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Whether lines are wanted.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Hands in; waits while the disk is behind. A ledger that cannot be written is told at the end.
    pub(super) async fn hand_in(&self, entries: Vec<LedgerEntry>) {
        if let Some(desk) = &self.0 {
            let _ = desk.send(entries).await;
        }
    }
}

/// The one that writes.
pub(super) struct LedgerWriter {
    task: JoinHandle<io::Result<()>>,
}

impl LedgerWriter {
    /// Opens a new file.
    pub(super) fn open(path: &Path) -> Result<(LedgerDesk, Self), FleetError> {
        let file = File::create(path).map_err(|source| FleetError::File { place: path.to_owned(), source })?;
        let (desk, batches) = channel(MAX_BATCHES);
        let task = tokio::task::spawn_blocking(move || write(file, batches));
        Ok((LedgerDesk(Some(desk)), Self { task }))
    }

    /// Waits for the last line, after all desks are closed.
    pub(super) async fn finish(self, path: &Path) -> Result<(), FleetError> {
        let ended = self.task.await.map_err(|error| FleetError::Failed(error.to_string()))?;
        ended.map_err(|source| FleetError::File { place: path.to_owned(), source })
    }
}

/// The file is flushed whenever nothing waits, so that a reader of a long run is not far behind.
fn write(file: File, mut batches: Receiver<Vec<LedgerEntry>>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 16, file);
    while let Some(batch) = batches.blocking_recv() {
        for entry in batch {
            serde_json::to_writer(&mut file, &entry)?;
            file.write_all(b"\n")?;
        }
        if batches.is_empty() {
            file.flush()?;
        }
    }
    file.flush()
}
