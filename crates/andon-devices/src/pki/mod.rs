//! Keys, signing requests, certificates and revocation lists: what X.509 (RFC 5280) and PKCS #10 (RFC 2986) ask for.
//!
//! **Constraints.** Time, serial numbers and key pairs are given, never taken. What a signing request wishes for beside
//! its key is not read: subject, names and usages are set by us.
//!
//! **Life of a certificate.** A device brings a [`SigningRequest`], or a [`PrivateKey`] is made for it; the issuing
//! [`Authority`] turns the public half into an [`IssuedCertificate`]; a revoked one stands in the [`RevocationList`]
//! until it would have expired anyway.

mod authority;
mod error;
mod inspect;
mod issue;
mod key;
mod names;
mod pem;
mod request;
mod revocation;
mod serial;
#[cfg(test)]
mod tests;

pub use authority::{Authority, AuthorityTerms, MAX_AUTHORITY_DAYS, is_signed_by};
pub use error::PkiError;
pub use inspect::{CertificateFacts, KeyIdentifiers, key_identifiers, read_certificate};
pub use issue::{CertificateTerms, IssuedCertificate, MAX_CERTIFICATE_DAYS, ServerTerms};
pub(crate) use key::KeyParts;
pub use key::{KeyKind, PrivateKey, PublicKey};
pub use names::{AlternativeName, NameField, NamedValue};
pub use request::{MAX_REQUEST_BYTES, SigningRequest};
pub use revocation::{MAX_REVOKED, RevocationList, RevocationReason, RevokedEntry};
pub use serial::{CertificateId, KeyFingerprint, Serial};

use andon_model::Timestamp;
use time::OffsetDateTime;

/// Label of a certificate in PEM.
const CERTIFICATE: &str = "CERTIFICATE";

/// The DER form of a certificate in PEM.
pub fn certificate_der(text: &str) -> Result<Vec<u8>, PkiError> {
    pem::decode(text, CERTIFICATE, &[])
}

/// A point in time as certificates write it: whole seconds.
fn certificate_time(at: Timestamp) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(at.as_micros().div_euclid(1_000_000)).map_err(|_| PkiError::Time(at))
}

/// `at` without its fraction of a second, as a certificate would say it.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros().div_euclid(1_000_000) * 1_000_000)
}
