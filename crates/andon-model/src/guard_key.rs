//! The duplicate-guard key of a step.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The stable key of one step of one run: 20 characters of upper-case base32 (100 bits), which fits
/// SAP reference fields such as `MaintNotifExtReferenceNumber` (20 characters, upper case).
///
/// Derived by `andon-act` from event key, action and step; never from the attempt (invariant A1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Arc<str>);

impl Key {
    /// Length in characters.
    pub const CHARS: usize = 20;

    /// Wraps a key that was derived by `andon-act` or read back from the journal.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
