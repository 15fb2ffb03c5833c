//! The key that secrets are encrypted with, and the encryption itself.
//!
//! Cipher: XChaCha20-Poly1305. A sealed secret is the random 24-byte nonce followed by the ciphertext
//! with its tag; the secret's name is associated data, so one row cannot be passed off as another.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use andon_journal::JournalError;
use andon_model::{Name, Secret};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::OpenError;
use crate::error::corrupt;

const NONCE_BYTES: usize = 24;

/// 32 bytes that open every secret of a store. Cannot print itself.
#[derive(Clone)]
pub struct MasterKey(XChaCha20Poly1305);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[master key]")
    }
}

impl MasterKey {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// A key that the caller keeps (a secret manager, a test).
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(&bytes.into()))
    }

    /// The key in the file at `path`: 32 bytes, nothing else. A missing file is created with a random
    /// key, readable by its owner only. Keep a copy: without it the stored secrets are lost.
    pub fn from_file(path: &Path) -> Result<Self, OpenError> {
        let unusable = |cause: String| OpenError::MasterKey { path: path.to_owned(), cause };
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => create(path).map_err(|e| unusable(e.to_string()))?.to_vec(),
            read => read.map_err(|e| unusable(e.to_string()))?,
        };
        warn_if_readable_by_others(path);
        let found = bytes.len();
        let key = bytes.try_into().map_err(|_| unusable(wrong_length(found)))?;
        Ok(Self::from_bytes(key))
    }

    /// Encrypts `secret` under `name`.
    pub(crate) fn seal(&self, name: &Name, secret: &Secret) -> Result<Vec<u8>, JournalError> {
        self.seal_under(name.as_str(), secret)
    }

    /// Decrypts what [`Self::seal`] made of a secret of this `name`.
    pub(crate) fn open(&self, name: &Name, sealed: &[u8]) -> Result<Secret, JournalError> {
        self.open_under(name.as_str(), sealed)
    }

    /// Encrypts `secret` under a text that is not a name, so that it cannot be passed off as a named secret.
    pub(crate) fn seal_under(&self, place: &str, secret: &Secret) -> Result<Vec<u8>, JournalError> {
        let failed = |cause: String| JournalError::Storage { doing: "encrypting a secret", cause };
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|e| failed(e.to_string()))?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: place.as_bytes() };
        let ciphertext = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|e| failed(e.to_string()))?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Decrypts what [`Self::seal_under`] made at this `place`.
    pub(crate) fn open_under(&self, place: &str, sealed: &[u8]) -> Result<Secret, JournalError> {
        let failed = || {
            corrupt(
                format!("secret {place}"),
                &"it does not open with this master key: use the key file that it was stored with, or store the secret anew",
            )
        };
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(failed)?;
        let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
        let plain = self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| failed())?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| failed())
    }
}

fn wrong_length(found: usize) -> String {
    format!("it has {found} bytes instead of {}; restore it, or remove it to start with a new key", MasterKey::BYTES)
}

fn create(path: &Path) -> std::io::Result<[u8; MasterKey::BYTES]> {
    let mut key = [0; MasterKey::BYTES];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

fn warn_if_readable_by_others(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "the master key can be read by others: chmod 600 it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).expect("valid name")
    }

    #[test]
    fn a_sealed_secret_opens_under_its_name_and_key_only() {
        let key = MasterKey::from_bytes([7; 32]);
        let sealed = key.seal(&name("sap"), &Secret::new("s3cret")).expect("sealed");
        assert!(!sealed.windows(6).any(|w| w == b"s3cret"));
        assert_eq!(key.open(&name("sap"), &sealed).expect("opened").expose(), "s3cret");
        for (key, name, sealed) in [
            (MasterKey::from_bytes([8; 32]), name("sap"), sealed.as_slice()),
            (key.clone(), name("other"), sealed.as_slice()),
            (key.clone(), name("sap"), &sealed[..10]),
        ] {
            let refused = key.open(&name, sealed).expect_err("must not open").to_string();
            assert!(refused.contains("does not open with this master key"), "{refused}");
        }
    }

    #[test]
    fn a_missing_file_is_created_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("master.key");
        let sealed = MasterKey::from_file(&path).expect("created").seal(&name("a"), &Secret::new("x")).expect("sealed");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        MasterKey::from_file(&path).expect("read again").open(&name("a"), &sealed).expect("same key");
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("master.key");
        std::fs::write(&path, b"short").expect("written");
        let refused = MasterKey::from_file(&path).expect_err("must be refused").to_string();
        assert!(refused.contains("it has 5 bytes instead of 32"), "{refused}");
    }
}
