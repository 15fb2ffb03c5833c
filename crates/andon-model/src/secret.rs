//! A text that cannot print itself.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password, token or key: wiped from memory when dropped, shown as `[secret]` when printed, and
/// without a serialised form (invariant K1).
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
