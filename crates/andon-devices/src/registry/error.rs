//! What can go wrong with the registry.

use andon_model::{Code, Problem};

use super::Kind;

/// Why the registry did not answer as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The entry is not the one that was expected; nothing was stored.
    #[error("the {} {key} was changed by somebody else at the same time", kind.word())]
    Changed {
        /// What it is.
        kind: Kind,
        /// Its name.
        key: String,
    },
    /// A certificate belongs to another device; nothing was stored.
    #[error("a certificate of {device} belongs to another device")]
    Taken {
        /// The device that was to be stored.
        device: String,
    },
    /// More than one commit may hold.
    #[error("{count} changes at once, at most {limit} are allowed")]
    TooMany {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The storage does not answer; whether a commit happened is not known.
    #[error("the registry failed while {doing}: {cause}")]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// The storage's own words.
        cause: String,
    },
    /// What is stored is not what this program writes.
    #[error("{what} in the registry cannot be read: {cause}")]
    Corrupt {
        /// What.
        what: String,
        /// Why not.
        cause: String,
    },
}

impl RegistryError {
    /// What is stored as `kind` under `key` cannot be read.
    pub fn corrupt(kind: Kind, key: &str, cause: &impl ToString) -> Self {
        Self::Corrupt { what: format!("the {} {key}", kind.word()), cause: cause.to_string() }
    }

    /// What kind of error this is to an operator.
    pub fn code(&self) -> Code {
        match self {
            Self::Changed { .. } | Self::Taken { .. } => Code::Conflict,
            Self::TooMany { .. } => Code::TooLarge,
            Self::Storage { .. } | Self::Corrupt { .. } => Code::Journal,
        }
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
