//! Signing requests (PKCS #10, RFC 2986): the way of getting a certificate on which the key never leaves the device.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::{PkiError, PrivateKey, PublicKey, pem};

/// Longest accepted request, in bytes of its text or DER form.
pub const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// Label of a request, and the one that older tools write.
const LABEL: &str = "CERTIFICATE REQUEST";
const OLD_LABEL: &str = "NEW CERTIFICATE REQUEST";

/// Signature algorithms that are not accepted although the library knows them: SHA-1 with RSA.
const REFUSED_ALGORITHMS: &[&str] = &["1.2.840.113549.1.1.5", "1.3.14.3.2.29"];

/// A request that proved that its sender has the private key. Nothing else of it is kept: subject, alternative names and
/// extensions are set by us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    key: PublicKey,
}

impl SigningRequest {
    /// Reads and verifies a request in PEM.
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        check_size(text.len())?;
        Self::from_der(&pem::decode(text, LABEL, &[OLD_LABEL])?)
    }

    /// Reads and verifies a request in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        check_size(der.len())?;
        let malformed = |why: String| PkiError::Malformed { what: "the signing request", why };
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|e| malformed(e.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed("bytes follow it".to_owned()));
        }
        let key = PublicKey::from_der(request.certification_request_info.subject_pki.raw)?;
        let algorithm = request.signature_algorithm.algorithm.to_id_string();
        if REFUSED_ALGORITHMS.contains(&algorithm.as_str()) || request.verify_signature().is_err() {
            return Err(PkiError::RequestSignature);
        }
        Ok(Self { key })
    }

    /// A request in PEM for whoever has `key`. It wishes for nothing beside a certificate for it.
    pub fn of(key: &PrivateKey) -> Result<String, PkiError> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        Ok(params.serialize_request(&key.0)?.pem()?)
    }

    /// The key to certify.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

fn check_size(bytes: usize) -> Result<(), PkiError> {
    if bytes <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    Err(PkiError::TooLarge { bytes, limit: MAX_REQUEST_BYTES })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, CustomExtension, KeyPair};

    use super::*;

    fn request(key: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["somebody-else".to_owned()]).expect("a name");
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55_555, 1], vec![5, 0])];
        params.serialize_request(key).expect("a request").der().to_vec()
    }

    #[test]
    fn a_request_is_read_and_only_its_key_is_kept() {
        let key = KeyPair::generate().expect("a key");
        let der = request(&key);
        let read = SigningRequest::from_der(&der).expect("accepted");
        assert_eq!(read.key().to_pem(), key.public_key_pem());
        for label in [LABEL, OLD_LABEL] {
            assert_eq!(SigningRequest::from_pem(&pem::encode(label, &der)), Ok(read.clone()));
        }
    }

    #[test]
    fn no_changed_byte_brings_another_key() {
        let key = KeyPair::generate().expect("a key");
        let der = request(&key);
        let read = SigningRequest::from_der(&der).expect("accepted");
        for at in 0..der.len() {
            let mut changed = der.clone();
            changed[at] ^= 1;
            // The wrapping around the signature is not signed; whatever is, is noticed.
            assert!(SigningRequest::from_der(&changed).map_or(true, |r| r == read), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let key = KeyPair::generate().expect("a key");
        let mut long = request(&key);
        long.push(0);
        assert!(matches!(SigningRequest::from_der(&long), Err(PkiError::Malformed { .. })));
        assert!(matches!(SigningRequest::from_der(&[]), Err(PkiError::Malformed { .. })));
        assert!(matches!(SigningRequest::from_pem("no PEM"), Err(PkiError::Pem { .. })));
        let huge = "A".repeat(MAX_REQUEST_BYTES + 1);
        assert!(matches!(SigningRequest::from_pem(&huge), Err(PkiError::TooLarge { .. })));
    }
}
