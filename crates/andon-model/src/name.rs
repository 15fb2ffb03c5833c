//! Names that people give to configuration objects, and the identifier of a run.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest accepted [`Name`], in bytes.
const MAX_NAME_BYTES: usize = 80;

/// The name of a configuration object or of a step: lower-case letters, digits, `-`, `_` and `.`,
/// starting with a letter or digit, at most 80 bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a name: use 1 to {MAX_NAME_BYTES} of a-z, 0-9, '-', '_', '.', starting with a letter or digit"
)]
pub struct InvalidName {
    text: String,
}

impl Name {
    /// Checks `text` against the rules of a name.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if starts_well && text.len() <= MAX_NAME_BYTES && text.bytes().all(legal) {
            return Ok(Self(text.into()));
        }
        Err(InvalidName { text: text.chars().take(MAX_NAME_BYTES).collect() })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Name {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.to_string()
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// One execution of an action for an event: 26 upper-case base32 characters, derived from the event's
/// key and the action's name, so that deciding the same event again finds the same run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// Wraps an identifier that was derived by `andon-act` or read back from the journal.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["a", "lookout-equipment", "s4.prod_2", "0day"] {
            assert_eq!(Name::new(good).map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "A", "a b", "ä", "a/b", &"x".repeat(81)] {
            assert!(Name::new(bad).is_err(), "{bad:?} must be refused");
        }
    }
}
