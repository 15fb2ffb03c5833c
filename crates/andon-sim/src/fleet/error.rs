//! Why a fleet cannot go out.

use std::path::PathBuf;

/// Why there is no fleet, or no report of it.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A file or folder of identities cannot be read or written.
    #[error("{place}: {source}")]
    File {
        /// Which.
        place: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificates that devices trust cannot be used.
    #[error("the root certificates cannot be used: {0}")]
    Roots(String),
    /// A device's certificate or key cannot be used.
    #[error("device {device}: its certificate or key cannot be used: {what}")]
    Unusable {
        /// Its name.
        device: String,
        /// Why.
        what: String,
    },
    /// A key or signing request cannot be made.
    #[error("a key or signing request cannot be made: {0}")]
    Key(#[from] rcgen::Error),
    /// The plan contradicts itself or goes beyond a limit.
    #[error("{0}")]
    Plan(String),
    /// The broker's address cannot be used.
    #[error("{address}: {what}")]
    Broker {
        /// What was given.
        address: String,
        /// Why not.
        what: String,
    },
    /// The API did not answer.
    #[error("{place}: {what}")]
    Unreachable {
        /// Method and address.
        place: String,
        /// Why.
        what: String,
    },
    /// The API said no.
    #[error("{place}: answered {status}: {what}")]
    NotOnboarded {
        /// Method and address.
        place: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        what: String,
    },
    /// A part of the simulator ended too early.
    #[error("the simulator failed: {0}")]
    Failed(String),
}
