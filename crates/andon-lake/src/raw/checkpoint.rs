//! How far each consumer of the log is, across restarts.

use std::io;

use andon_model::{IngestId, Name};
use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::read::Position;

const CHECKPOINTS: &str = "checkpoints";
const ENDING: &str = ".json";
const MAX_BYTES: usize = 4_096;

/// Why a checkpoint was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It was asked to go back (invariant J2).
    #[error("checkpoint {name} cannot go back from {from} to {to}")]
    WentBack {
        /// Its name.
        name: Name,
        /// The next id as it is.
        from: IngestId,
        /// The next id that was asked for.
        to: IngestId,
    },
    /// The file was cut off, or its bytes have become others. Its consumer writes it anew; until then nobody knows where it is.
    #[error("checkpoint {name} is damaged: {detail}")]
    Damaged {
        /// Its name.
        name: Name,
        /// What is wrong with it.
        detail: String,
    },
    /// The disk refuses, or another version of the program has written the file.
    #[error("checkpoint {name}: {cause}")]
    Storage {
        /// Its name.
        name: Name,
        /// The system's own words.
        cause: io::Error,
    },
    /// The folder of the checkpoints cannot be listed.
    #[error("the checkpoints cannot be listed: {0}")]
    List(io::Error),
}

#[derive(Serialize, Deserialize)]
struct File {
    v: u8,
    position: Position,
}

fn path(name: &Name) -> String {
    format!("{CHECKPOINTS}/{name}{ENDING}")
}

/// Where the consumer is; `None` if it has never said.
pub(crate) fn load(disk: &dyn Disk, name: &Name) -> Result<Option<Position>, CheckpointError> {
    let failed = |cause| CheckpointError::Storage { name: name.clone(), cause };
    let bytes = match disk.read(&path(name), 0, MAX_BYTES) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(failed)?,
    };
    let damaged = |e: serde_json::Error| CheckpointError::Damaged { name: name.clone(), detail: e.to_string() };
    let file: File = serde_json::from_slice(&bytes).map_err(damaged)?;
    if file.v == 1 { Ok(Some(file.position)) } else { Err(failed(io::Error::other("its version is not 1"))) }
}

/// As [`load`], for a consumer that knows itself where it is: a damaged file tells nothing.
pub(crate) fn known(disk: &dyn Disk, name: &Name) -> Result<Option<Position>, CheckpointError> {
    match load(disk, name) {
        Err(CheckpointError::Damaged { detail, .. }) => {
            tracing::warn!(consumer = %name, detail, "a damaged checkpoint is written anew");
            Ok(None)
        }
        read => read,
    }
}

/// The consumer has everything before `to` and keeps it. Durable when this returns.
pub(crate) fn save(disk: &dyn Disk, name: &Name, to: Position) -> Result<(), CheckpointError> {
    if let Some(from) = known(disk, name)?
        && to < from
    {
        return Err(CheckpointError::WentBack { name: name.clone(), from: from.next, to: to.next });
    }
    let failed = |cause| CheckpointError::Storage { name: name.clone(), cause };
    let bytes = serde_json::to_vec(&File { v: 1, position: to }).map_err(|e| failed(e.into()))?;
    disk.replace(&path(name), &bytes).map_err(failed)
}

/// The position of every consumer that has one.
pub(crate) fn all(disk: &dyn Disk) -> Result<Vec<(Name, Position)>, CheckpointError> {
    let files = disk.list(CHECKPOINTS).map_err(CheckpointError::List)?;
    let name = |path: &str| Name::new(path.strip_prefix(CHECKPOINTS)?.strip_prefix('/')?.strip_suffix(ENDING)?).ok();
    let names = files.iter().filter_map(|file| name(&file.path));
    names.filter_map(|name| load(disk, &name).map(|p| Some((name, p?))).transpose()).collect()
}
