//! Secrets of 256 random bits: how they are made, kept and compared.
//!
//! What is random throughout cannot be guessed from its hash, so that one round of SHA-256 is enough; secrets that people
//! choose are not taken.

use andon_model::Secret;
use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::{Entropy, EntropyFailed};

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// The SHA-256 of a secret, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// The hash of `secret`.
    pub fn of(secret: &str) -> Self {
        Self(hex::encode(digest::digest(&digest::SHA256, secret.as_bytes())))
    }

    /// Whether `secret` is the one. Takes the same time for every secret of the same length.
    pub fn matches(&self, secret: &str) -> bool {
        let theirs = Self::of(secret);
        constant_time::verify_slices_are_equal(self.0.as_bytes(), theirs.0.as_bytes()).is_ok()
    }
}

/// A fresh secret: 43 characters of base64url.
pub fn generate_secret(entropy: &dyn Entropy) -> Result<Secret, EntropyFailed> {
    let mut bytes = [0; SECRET_BYTES];
    entropy.fill(&mut bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
