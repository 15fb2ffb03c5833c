//! The registry: what is stored of devices and of those who manage them, as a port.
//!
//! **Constraints.** The port decides nothing. [`Registry::commit`] is all or nothing, and durable when it answers. Every
//! entry carries the *revision* of its last change; revisions are numbers that only grow, over all kinds together, also
//! when an entry is removed. Secrets (keys of authorities and of signatures) are encrypted at rest, and come back by
//! [`Registry::secret`] alone.
//!
//! **Life of an entry.** Somebody reads it with its revision, decides by the rules of this crate, and commits the new one
//! *expecting* that revision: if another was faster, nothing is stored, [`RegistryError::Changed`] says so, and the
//! decision is made again. Who keeps live sessions follows [`Registry::changes`] and asks [`admit()`] again for what
//! changed.

mod admit;
pub mod authorities;
mod error;
mod filter;
mod key_use;
mod letter;
mod records;
mod typed;

use andon_model::{Secret, Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::pki::RevokedEntry;
use crate::{CertificateId, Device, Serial};

pub use admit::{Admitted, NotLetIn, admit};
pub use error::RegistryError;
pub use filter::{DeviceFilter, Due, InvalidLabel, Label, MAX_LABELS, Moment};
pub use key_use::KeyUse;
pub use letter::{Letter, LetterStatus, TAKEN};
pub use records::{
    AuthorityRecord, AuthorityRole, Claim, CrossCertificate, Import, ImportStatus, KeyRecord, MAX_CLAIM_PROFILES,
    PolicyRecord, Record,
};
pub use typed::{Versioned, expecting, get, list, put};

/// Most entries of one page or one commit.
pub const MAX_ENTRIES: usize = 1_000;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A [`Device`], by its name.
    Device,
    /// An [`crate::enrolment::Enrolment`], by the name of its device.
    Enrolment,
    /// A [`crate::Profile`].
    Profile,
    /// A [`crate::Group`].
    Group,
    /// A [`PolicyRecord`].
    Policy,
    /// An [`AuthorityRecord`], with its key.
    Authority,
    /// A [`crate::token::Client`].
    Client,
    /// A [`crate::token::RefreshFamily`].
    Family,
    /// A [`KeyRecord`], with the key that signs tokens.
    SigningKey,
    /// A [`Claim`], by the id of the client that may make use of it.
    Claim,
    /// An [`Import`].
    Import,
    /// A [`Letter`], with the refresh token that it brings.
    Letter,
    /// A [`KeyUse`], by the fingerprint of a public key.
    KeyUse,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Device,
        Self::Enrolment,
        Self::Profile,
        Self::Group,
        Self::Policy,
        Self::Authority,
        Self::Client,
        Self::Family,
        Self::SigningKey,
        Self::Claim,
        Self::Import,
        Self::Letter,
        Self::KeyUse,
    ];

    /// The word under which it is stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Enrolment => "enrolment",
            Self::Profile => "profile",
            Self::Group => "group",
            Self::Policy => "policy",
            Self::Authority => "authority",
            Self::Client => "client",
            Self::Family => "family",
            Self::SigningKey => "signing_key",
            Self::Claim => "claim",
            Self::Import => "import",
            Self::Letter => "letter",
            Self::KeyUse => "key_use",
        }
    }

    /// The kind of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What is expected to be stored before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is.
    Anything,
    /// Nothing.
    Absent,
    /// The entry of this revision.
    Revision(i64),
}

/// One part of a commit. A commit names each entry once.
#[derive(Debug, Clone)]
pub enum Write {
    /// Stores a device; its certificates, labels and revocations become findable with it.
    Device {
        /// The device.
        device: Box<Device>,
        /// What it replaces.
        expected: Expected,
    },
    /// Stores any other entry.
    Entry {
        /// What it is.
        kind: Kind,
        /// Its name, unique within its kind.
        key: String,
        /// Its JSON form.
        body: String,
        /// What is kept encrypted beside it. None keeps the secret that is there.
        secret: Option<Secret>,
        /// What it replaces.
        expected: Expected,
    },
    /// Removes an entry, with its secret. It is no fault if there is none, unless one is expected.
    Remove {
        /// What it is.
        kind: Kind,
        /// Its name.
        key: String,
        /// What is removed.
        expected: Expected,
    },
}

impl Write {
    /// Kind and name of the entry, and what is expected of it.
    pub fn target(&self) -> (Kind, &str, Expected) {
        match self {
            Self::Device { device, expected } => (Kind::Device, device.name.as_str(), *expected),
            Self::Entry { kind, key, expected, .. } | Self::Remove { kind, key, expected } => (*kind, key, *expected),
        }
    }
}

/// Everything that is stored in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The entries.
    pub writes: Vec<Write>,
    /// Revocations beside those of the devices that are written: of certificates that no device has any more.
    pub revoked: Vec<RevokedEntry>,
}

impl Changes {
    /// The changes with one more write.
    #[must_use]
    pub fn and(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// The revision of its last change.
    pub revision: i64,
    /// Its JSON form.
    pub body: String,
}

/// A line of the change feed: the last change of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its revision.
    pub revision: i64,
    /// What changed.
    pub kind: Kind,
    /// Its name.
    pub key: String,
    /// Whether it is gone.
    pub removed: bool,
}

/// How a certificate is named by who presents it: by its serial number (which is unique, as ours are random), and by its
/// fingerprint where the door sees the whole certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its serial number.
    pub serial: Serial,
    /// Its fingerprint, if it is known.
    pub fingerprint: Option<CertificateId>,
}

/// The storage of devices and of those who manage them.
#[async_trait]
pub trait Registry: Send + Sync {
    /// The revision of the newest change; 0 for an empty registry.
    async fn revision(&self) -> Result<i64, RegistryError>;

    /// Stores all of `changes`, or nothing, and returns the revision of the last write that changed anything; the newest
    /// one if none did. Its writes have consecutive revisions, in their order. At most [`MAX_ENTRIES`] writes.
    ///
    /// # Errors
    /// [`RegistryError::Changed`] when an entry is not what was expected, [`RegistryError::Taken`] when a certificate
    /// is one of another device.
    async fn commit(&self, changes: Changes) -> Result<i64, RegistryError>;

    /// The entry of this name.
    async fn entry(&self, kind: Kind, key: &str) -> Result<Option<Entry>, RegistryError>;

    /// Several entries in the order in which they are asked for, at most [`MAX_ENTRIES`]; they may have been read one after
    /// the other.
    async fn several(&self, wanted: &[(Kind, String)]) -> Result<Vec<Option<Entry>>, RegistryError> {
        let mut found = Vec::with_capacity(wanted.len());
        for (kind, key) in wanted {
            found.push(self.entry(*kind, key).await?);
        }
        Ok(found)
    }

    /// Up to `limit` entries whose names come after `after`, in the order of their bytes.
    async fn entries(&self, kind: Kind, after: &str, limit: usize) -> Result<Vec<Entry>, RegistryError>;

    /// What is kept encrypted beside an entry.
    async fn secret(&self, kind: Kind, key: &str) -> Result<Option<Secret>, RegistryError>;

    /// Up to `filter.limit` devices in the order of their names.
    async fn devices(&self, filter: &DeviceFilter) -> Result<Vec<Entry>, RegistryError>;

    /// The device that has this certificate, in whatever state.
    async fn device_with(&self, certificate: &Presented) -> Result<Option<Entry>, RegistryError>;

    /// Up to `limit` changes after the revision `after`, oldest first. An entry that changed several times is named
    /// once, with its last change.
    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>, RegistryError>;

    /// Forgets up to `limit` entries that were removed, by changes up to the revision `up_to`; how many. The feed no longer
    /// tells of them: whoever follows it has to be past that revision.
    async fn forget_removed(&self, up_to: i64, limit: usize) -> Result<usize, RegistryError>;

    /// Revoked certificates that do not expire before `now`, up to `limit`.
    async fn revoked(&self, now: Timestamp, limit: usize) -> Result<Vec<RevokedEntry>, RegistryError>;
}
