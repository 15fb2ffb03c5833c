//! Scopes: what a token is good for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most scopes of one request or client.
const MAX_SCOPES: usize = 50;

/// Longest scope, in bytes.
const MAX_SCOPE_BYTES: usize = 128;

/// A set of scopes. Its text form has them in order, with a space between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(BTreeSet<String>);

/// Why a text is not a list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a list of scopes: at most {MAX_SCOPES} words of at most {MAX_SCOPE_BYTES} printable characters")]
pub struct InvalidScope;

impl Scopes {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `scope` is one of them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Those that are among `others` too.
    #[must_use]
    pub fn shared_with(&self, others: &Self) -> Self {
        Self(self.0.intersection(&others.0).cloned().collect())
    }

    /// These and `others`. Beyond the limit nothing is added.
    #[must_use]
    pub fn with(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().take(MAX_SCOPES.saturating_sub(self.0.len())).cloned());
        self
    }

    /// Whether all of them are among `others`.
    pub fn are_among(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }
}

impl FromStr for Scopes {
    type Err = InvalidScope;
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        // RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E.
        let legal = |word: &str| {
            word.len() <= MAX_SCOPE_BYTES && word.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        };
        let words: BTreeSet<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if words.len() <= MAX_SCOPES && words.iter().all(|word| legal(word)) {
            Ok(Self(words))
        } else {
            Err(InvalidScope)
        }
    }
}

impl TryFrom<String> for Scopes {
    type Error = InvalidScope;
    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            write!(f, "{space}{scope}")?;
        }
        Ok(())
    }
}
