//! Why the lake could not be read or written.

use andon_model::{Code, Problem};
use deltalake::DeltaTableError;
use deltalake::arrow::error::ArrowError;

use crate::raw::{CheckpointError, ReadError};

/// What went wrong with the lake. The next attempt begins where the tables are complete.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A Delta table cannot be read or written.
    #[error("{cause}")]
    Table {
        /// Name of the table.
        table: String,
        /// Delta Lake's own words.
        cause: Box<DeltaTableError>,
    },
    /// The object store refuses, or cannot be reached.
    #[error("{cause}")]
    Store {
        /// The object.
        path: String,
        /// The store's own words.
        cause: object_store::Error,
    },
    /// The state is there and is not what this program writes.
    #[error("{detail}")]
    State {
        /// The object.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The lake is not of this raw log, or ahead of it.
    #[error("{0}")]
    Origin(String),
    /// Rows would be taken away that the raw log cannot give back.
    #[error("{0}")]
    Lacking(String),
    /// Rows could not be made.
    #[error("{0}")]
    Rows(#[from] ArrowError),
    /// The raw log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The consumer's checkpoint cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A name or setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The work was given up because the process ends.
    #[error("the work was given up: {0}")]
    GivenUp(#[from] tokio::task::JoinError),
}

impl LakeError {
    /// An error of Delta Lake at `table`.
    pub(crate) fn at(table: &str) -> impl Fn(DeltaTableError) -> Self + '_ {
        |cause| Self::Table { table: table.to_owned(), cause: Box::new(cause) }
    }

    fn place(&self) -> Option<&str> {
        match self {
            Self::Table { table, .. } => Some(table),
            Self::Store { path, .. } | Self::State { path, .. } => Some(path),
            _ => None,
        }
    }
}

impl From<LakeError> for Problem {
    fn from(error: LakeError) -> Self {
        let code = match &error {
            LakeError::Log(ReadError::Archive(_) | ReadError::NoArchive(_)) => Code::Archive,
            LakeError::Log(_) | LakeError::Checkpoint(_) => Code::RawLog,
            LakeError::Setting(_) => Code::Setting,
            LakeError::Lacking(_) => Code::Conflict,
            _ => Code::Lake,
        };
        let problem = Self::new(code, error.to_string());
        match error.place() {
            Some(place) => problem.at(place),
            None => problem,
        }
    }
}
