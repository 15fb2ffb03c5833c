//! Checks that keep the house as `ARCHITECTURE.md` says it is.
//!
//! **Purpose.** What a compiler cannot see is checked here and runs with the tests: which crate may
//! use which, how long files and functions are, whether the documents still name code that exists.
//! [`readme`] runs the commands of `README.md` word for word.
//!
//! **Constraints.** Reads the checkout and nothing else; no network. Only `readme` starts processes.
//!
//! **Life of a finding.** [`tidy::check`] reads every file once into a [`workspace::Workspace`]; each
//! check looks at it and returns [`tidy::Finding`]s; an empty list is a tidy house.

pub mod readme;
pub mod source;
pub mod tidy;
pub mod workspace;

use std::path::PathBuf;

/// The root of the checkout that this binary was built from.
pub fn checkout() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}
