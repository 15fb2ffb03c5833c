//! What a certificate says, read from its DER form.

use andon_model::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::names::{alternative_values, name_values};
use super::{AlternativeName, CertificateId, NameField, NamedValue, PkiError, Serial, pem};

/// The facts of a certificate that devices, policies and lists need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its fingerprint.
    pub id: CertificateId,
    /// Its serial number.
    pub serial: Serial,
    /// First moment of its validity.
    pub not_before: Timestamp,
    /// Last moment of its validity.
    pub not_after: Timestamp,
    /// Known parts of the subject, in order.
    pub subject: Vec<NamedValue<NameField>>,
    /// Known parts of the issuer, in order.
    pub issuer: Vec<NamedValue<NameField>>,
    /// Subject alternative names.
    pub subject_alternative: Vec<NamedValue<AlternativeName>>,
    /// Issuer alternative names.
    pub issuer_alternative: Vec<NamedValue<AlternativeName>>,
    /// Its public key: a DER-encoded `SubjectPublicKeyInfo`.
    pub public_key_der: Vec<u8>,
}

impl CertificateFacts {
    /// The public key as `PUBLIC KEY` in PEM.
    pub fn public_key_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.public_key_der)
    }
}

/// Identifiers of keys that stand in a certificate (RFC 5280 §4.2.1.1 and §4.2.1.2), in hex.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyIdentifiers {
    /// Of its own key.
    pub own: Option<String>,
    /// Of the key that signed it.
    pub issuer: Option<String>,
}

/// Reads the identifiers of keys from a certificate in DER.
pub fn key_identifiers(der: &[u8]) -> Result<KeyIdentifiers, PkiError> {
    let mut found = KeyIdentifiers::default();
    for extension in parse(der)?.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(own) => found.own = Some(hex::encode(own.0)),
            ParsedExtension::AuthorityKeyIdentifier(issuer) => {
                found.issuer = issuer.key_identifier.as_ref().map(|issuer| hex::encode(issuer.0));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Reads a certificate in DER. Nothing is verified: see [`super::Authority::verify`] and the registry.
pub fn read_certificate(der: &[u8]) -> Result<CertificateFacts, PkiError> {
    facts(&parse(der)?)
}

pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    let malformed = |why: String| PkiError::Malformed { what: "the certificate", why };
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|e| malformed(e.to_string()))?;
    if rest.is_empty() { Ok(certificate) } else { Err(malformed("bytes follow it".to_owned())) }
}

fn facts(certificate: &X509Certificate<'_>) -> Result<CertificateFacts, PkiError> {
    let mut facts = CertificateFacts {
        id: CertificateId::of(certificate.as_raw()),
        serial: Serial::from_bytes(certificate.raw_serial()),
        not_before: seconds(certificate.validity().not_before.timestamp()),
        not_after: seconds(certificate.validity().not_after.timestamp()),
        subject: name_values(certificate.subject()),
        issuer: name_values(certificate.issuer()),
        subject_alternative: Vec::new(),
        issuer_alternative: Vec::new(),
        public_key_der: certificate.public_key().raw.to_vec(),
    };
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(san) => {
                facts.subject_alternative = alternative_values(&san.general_names);
            }
            ParsedExtension::IssuerAlternativeName(ian) => {
                facts.issuer_alternative = alternative_values(&ian.general_names);
            }
            ParsedExtension::ParseError { error } => return Err(PkiError::malformed("the certificate", error)),
            _ => {}
        }
    }
    Ok(facts)
}

fn seconds(since_epoch: i64) -> Timestamp {
    Timestamp::from_micros(since_epoch.saturating_mul(1_000_000))
}
