//! What can go wrong between a key and a certificate.

use std::fmt;

use andon_model::{Code, Problem, Timestamp};

use super::KeyKind;
use crate::EntropyFailed;

/// Why a key, request, certificate or revocation list is refused or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PkiError {
    /// Not the PEM block that was expected.
    #[error("expected one PEM block {expected:?}: {found}")]
    Pem {
        /// The label, as between `-----BEGIN` and `-----`.
        expected: &'static str,
        /// What was there.
        found: String,
    },
    /// Not a DER structure of the right form.
    #[error("{what} cannot be read: {why}")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// The parser's words.
        why: String,
    },
    /// More bytes than accepted.
    #[error("{bytes} bytes, at most {limit} are accepted")]
    TooLarge {
        /// How many came.
        bytes: usize,
        /// How many may come.
        limit: usize,
    },
    /// A request that is not signed by the key that it brings.
    #[error("the request is not signed by its own key, or with SHA-1 or an unknown algorithm")]
    RequestSignature,
    /// A key that is too weak or of an unsupported kind.
    #[error("the key is not accepted: {0}; use ECDSA P-256 or P-384, or RSA of 2048, 3072 or 4096 bits")]
    WeakKey(String),
    /// Key and certificate do not belong together.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The certificate may not sign others.
    #[error("the certificate is not that of a certificate authority that may sign certificates and revocation lists")]
    NotAnAuthority,
    /// Not signed by the authority that was asked.
    #[error("the certificate was not signed by this authority")]
    NotOurs,
    /// The authority is past its end or before its begin.
    #[error("the certificate authority is not valid at {now}: it ends at {ends}")]
    AuthorityExpired {
        /// When it was asked.
        now: Timestamp,
        /// Its last moment.
        ends: Timestamp,
    },
    /// A lifetime of zero or beyond the limit.
    #[error("a lifetime of {days} days, it must be 1 to {limit}")]
    Lifetime {
        /// What was asked for.
        days: u32,
        /// The limit.
        limit: u32,
    },
    /// A name that a certificate cannot carry.
    #[error("{0:?} cannot stand in a certificate")]
    Name(String),
    /// More revoked certificates than one list may hold.
    #[error("{count} revoked certificates, one list holds at most {limit}")]
    TooManyRevoked {
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// A time that certificates cannot write.
    #[error("{0} cannot be written in a certificate")]
    Time(Timestamp),
    /// The cryptographic library could not make or use a key.
    #[error("a key of kind {kind:?} cannot be made: {why}")]
    KeyGeneration {
        /// Which kind.
        kind: KeyKind,
        /// The library's words.
        why: String,
    },
    /// Signing failed.
    #[error("signing failed: {0}")]
    Signing(String),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyFailed),
}

impl PkiError {
    pub(super) fn malformed(what: &'static str, why: impl fmt::Display) -> Self {
        Self::Malformed { what, why: format!("{why}") }
    }

    /// Whose fault it is: what was sent, the authority, or this machine.
    pub fn code(&self) -> Code {
        match self {
            Self::KeyMismatch | Self::NotAnAuthority | Self::AuthorityExpired { .. } | Self::TooManyRevoked { .. } => {
                Code::Authority
            }
            Self::Time(_) | Self::KeyGeneration { .. } | Self::Signing(_) | Self::Entropy(_) => Code::Internal,
            _ => Code::SigningRequest,
        }
    }
}

impl From<rcgen::Error> for PkiError {
    fn from(why: rcgen::Error) -> Self {
        Self::Signing(why.to_string())
    }
}

impl From<PkiError> for Problem {
    fn from(error: PkiError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
