//! What can go wrong when opening, and how faults inside a write are told apart.

use std::path::PathBuf;

use andon_journal::JournalError;
use andon_model::{Code, Problem};
use sqlx::error::BoxDynError;

use crate::location::Location;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The location is neither a path nor a known URL.
    #[error(
        "{location:?} is not a place for the journal: give a file path, sqlite:///path or postgres://user@host/database"
    )]
    Location {
        /// As given, without a password.
        location: String,
    },
    /// The database does not open or answer.
    #[error("the database {location} cannot be opened: {cause}")]
    Database {
        /// Path or address, without a password.
        location: String,
        /// The database's own words.
        cause: String,
    },
    /// The database was written by a newer Andon.
    #[error("the database {location} has schema version {found}, this program knows up to {known}: use a newer Andon")]
    NewerSchema {
        /// Path or address, without a password.
        location: String,
        /// Version found.
        found: i64,
        /// Newest version known.
        known: i64,
    },
    /// The file with the master key cannot be used.
    #[error("the master key in {} cannot be used: {cause}", path.display())]
    MasterKey {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it and what to do.
        cause: String,
    },
}

impl OpenError {
    pub(crate) fn database(location: &Location, cause: &impl ToString) -> Self {
        Self::Database { location: location.to_string(), cause: cause.to_string() }
    }
}

/// The code under which a failure to open is shown to operators.
impl From<&OpenError> for Problem {
    fn from(error: &OpenError) -> Self {
        Self::new(Code::Journal, error.to_string())
    }
}

/// A fault inside a transaction.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The request itself cannot be granted; others in the same transaction can.
    Refused(JournalError),
    /// The database said no, or did not answer.
    Sql(sqlx::Error),
}

impl Fault {
    /// As the port tells it.
    pub(crate) fn during(self, doing: &'static str) -> JournalError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(cause) => JournalError::Storage { doing, cause: cause.to_string() },
        }
    }

    /// Whether the database itself answered, so that only a request is at fault.
    pub(crate) fn is_of_a_request(cause: &sqlx::Error) -> bool {
        matches!(cause, sqlx::Error::Database(_) | sqlx::Error::Encode(_))
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<BoxDynError> for Fault {
    fn from(error: BoxDynError) -> Self {
        Self::Sql(sqlx::Error::Encode(error))
    }
}

/// Turns a failed read into the port's error.
pub(crate) fn reading(doing: &'static str) -> impl Fn(sqlx::Error) -> JournalError {
    move |cause| JournalError::Storage { doing, cause: cause.to_string() }
}

/// What is stored as `what` is not what this program writes.
pub(crate) fn corrupt(what: impl Into<String>, cause: &impl ToString) -> JournalError {
    JournalError::Corrupt { what: what.into(), cause: cause.to_string() }
}

/// `value` as JSON text. Serialising the model's own types cannot fail but for a broken map key.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, BoxDynError> {
    Ok(serde_json::to_string(value)?)
}
