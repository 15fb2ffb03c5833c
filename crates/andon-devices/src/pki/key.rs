//! Key pairs and public keys: which kinds are made, and which are accepted from others.

use andon_model::Secret;
use rcgen::{KeyPair, PublicKeyData, RsaKeySize, SignatureAlgorithm, SubjectPublicKeyInfo};
use serde::{Deserialize, Serialize};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::{PublicKey as ParsedKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo as ParsedInfo;

use super::{KeyFingerprint, PkiError, pem};

/// Label of a private key in PKCS #8 form.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// Label of a public key, a `SubjectPublicKeyInfo`.
const PUBLIC_KEY: &str = "PUBLIC KEY";

/// Smallest RSA exponent that is accepted.
const MIN_RSA_EXPONENT: u64 = 65_537;

/// A kind of key. ECDSA P-256 unless something else is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// ECDSA on NIST P-256, signing with SHA-256.
    #[default]
    #[serde(rename = "ecdsa_p256")]
    EcdsaP256,
    /// ECDSA on NIST P-384, signing with SHA-384.
    #[serde(rename = "ecdsa_p384")]
    EcdsaP384,
    /// RSA of 2048 bits, signing with PKCS #1 v1.5 and SHA-256.
    #[serde(rename = "rsa_2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[serde(rename = "rsa_3072")]
    Rsa3072,
    /// RSA of 4096 bits.
    #[serde(rename = "rsa_4096")]
    Rsa4096,
}

impl KeyKind {
    fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            Self::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &rcgen::PKCS_RSA_SHA256,
        }
    }

    fn rsa_size(self) -> Option<RsaKeySize> {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 => None,
            Self::Rsa2048 => Some(RsaKeySize::_2048),
            Self::Rsa3072 => Some(RsaKeySize::_3072),
            Self::Rsa4096 => Some(RsaKeySize::_4096),
        }
    }

    fn of_rsa(key: &RSAPublicKey<'_>) -> Result<Self, PkiError> {
        let exponent = key.try_exponent().unwrap_or(0);
        match key.key_size() {
            2048 | 3072 | 4096 if exponent < MIN_RSA_EXPONENT || exponent.is_multiple_of(2) => {
                Err(PkiError::WeakKey(format!("an RSA exponent of {exponent}")))
            }
            2048 => Ok(Self::Rsa2048),
            3072 => Ok(Self::Rsa3072),
            4096 => Ok(Self::Rsa4096),
            bits => Err(PkiError::WeakKey(format!("RSA of {bits} bits"))),
        }
    }
}

/// A private key with its public half. Its text form is a [`Secret`]; it has no other.
pub struct PrivateKey(pub(super) KeyPair);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[private key]")
    }
}

impl PrivateKey {
    pub(crate) fn generate(kind: KeyKind) -> Result<Self, PkiError> {
        let made = match kind.rsa_size() {
            Some(size) => KeyPair::generate_rsa_for(kind.algorithm(), size),
            None => KeyPair::generate_for(kind.algorithm()),
        };
        made.map(Self).map_err(|error| PkiError::KeyGeneration { kind, why: error.to_string() })
    }

    /// Reads a PKCS #8 key in PEM form.
    pub fn from_pem(text: &Secret) -> Result<Self, PkiError> {
        let der = pem::decode(text.expose(), PRIVATE_KEY, &[])?;
        KeyPair::try_from(der).map(Self).map_err(|error| PkiError::malformed("the private key", error))
    }

    /// The key in PKCS #8 and PEM, for the one who is to have it.
    pub fn to_pem(&self) -> Secret {
        Secret::new(pem::encode(PRIVATE_KEY, self.0.serialized_der()))
    }

    /// The key in PKCS #8.
    pub(crate) fn der(&self) -> &[u8] {
        self.0.serialized_der()
    }

    /// The public half.
    pub fn public(&self) -> Result<PublicKey, PkiError> {
        PublicKey::from_der(&self.0.subject_public_key_info())
    }
}

/// A public key of an accepted kind. Its stored form is the PEM text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    kind: KeyKind,
    pub(super) info: SubjectPublicKeyInfo,
}

impl PublicKey {
    /// Reads a DER-encoded `SubjectPublicKeyInfo` and refuses weak and unknown keys.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        let malformed = |why: String| PkiError::Malformed { what: "the public key", why };
        let (rest, parsed) = ParsedInfo::from_der(der).map_err(|e| malformed(e.to_string()))?;
        if !rest.is_empty() {
            return Err(malformed("bytes follow it".to_owned()));
        }
        let info = SubjectPublicKeyInfo::from_der(der).map_err(|e| PkiError::WeakKey(e.to_string()))?;
        Ok(Self { kind: kind_of(&parsed, &info)?, info })
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key as `PUBLIC KEY` in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(PUBLIC_KEY, &self.to_der())
    }

    /// The DER-encoded `SubjectPublicKeyInfo`.
    pub fn to_der(&self) -> Vec<u8> {
        self.info.subject_public_key_info()
    }

    /// Its fingerprint.
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint::of(&self.to_der())
    }

    /// The numbers that the key is made of.
    pub(crate) fn parts(&self) -> Result<KeyParts, PkiError> {
        let bytes = self.info.der_bytes();
        if self.kind.rsa_size().is_none() {
            let half = bytes.len() / 2;
            return Ok(KeyParts::Ec { x: bytes[1..=half].to_vec(), y: bytes[half + 1..].to_vec() });
        }
        let (_, key) = RSAPublicKey::from_der(bytes).map_err(|e| PkiError::malformed("the public key", e))?;
        Ok(KeyParts::Rsa { modulus: without_zeros(key.modulus), exponent: without_zeros(key.exponent) })
    }
}

/// The numbers of a public key, big-endian without leading zeros (coordinates: of fixed length).
pub(crate) enum KeyParts {
    /// A point on a curve.
    Ec {
        /// First coordinate.
        x: Vec<u8>,
        /// Second coordinate.
        y: Vec<u8>,
    },
    /// Modulus and exponent.
    Rsa {
        /// Modulus.
        modulus: Vec<u8>,
        /// Exponent.
        exponent: Vec<u8>,
    },
}

fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    bytes[start..].to_vec()
}

impl TryFrom<String> for PublicKey {
    type Error = PkiError;
    fn try_from(text: String) -> Result<Self, PkiError> {
        Self::from_der(&pem::decode(&text, PUBLIC_KEY, &[])?)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_pem()
    }
}

fn kind_of(parsed: &ParsedInfo<'_>, info: &SubjectPublicKeyInfo) -> Result<KeyKind, PkiError> {
    match parsed.parsed().map_err(|e| PkiError::malformed("the public key", e))? {
        ParsedKey::RSA(key) => KeyKind::of_rsa(&key),
        ParsedKey::EC(point) if !is_uncompressed(point.data()) => {
            Err(PkiError::WeakKey("a compressed or malformed point".to_owned()))
        }
        ParsedKey::EC(_) if info.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256 => Ok(KeyKind::EcdsaP256),
        ParsedKey::EC(_) if info.algorithm() == &rcgen::PKCS_ECDSA_P384_SHA384 => Ok(KeyKind::EcdsaP384),
        ParsedKey::EC(_) => Err(PkiError::WeakKey("an unsupported elliptic curve".to_owned())),
        _ => Err(PkiError::WeakKey("neither ECDSA nor RSA".to_owned())),
    }
}

/// Whether a point is written in full (SEC 1 §2.3.3): 4, and two coordinates.
fn is_uncompressed(point: &[u8]) -> bool {
    matches!((point.first(), point.len()), (Some(4), 65 | 97))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: KeyKind) {
        let key = PrivateKey::generate(kind).expect("generated");
        let public = key.public().expect("accepted");
        assert_eq!(public.kind(), kind);
        let again = PrivateKey::from_pem(&key.to_pem()).expect("read");
        assert_eq!(again.public().expect("accepted"), public);
        assert!(public.to_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    }

    #[test]
    fn keys_of_each_kind_survive_their_text() {
        [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048].into_iter().for_each(check);
    }

    #[test]
    fn a_private_key_does_not_print_itself() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).expect("generated");
        assert_eq!(format!("{key:?} {:?}", key.to_pem()), "[private key] [secret]");
    }

    #[test]
    fn other_keys_are_refused() {
        let ed = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("generated");
        let error = PublicKey::from_der(&ed.subject_public_key_info()).expect_err("refused");
        assert!(matches!(error, PkiError::WeakKey(_)), "{error}");
        let p521 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).expect("generated");
        assert!(matches!(PublicKey::from_der(&p521.subject_public_key_info()), Err(PkiError::WeakKey(_))));
        let key = PrivateKey::generate(KeyKind::EcdsaP256).expect("generated").public().expect("accepted");
        let mut der = key.to_der();
        der.push(0);
        assert!(matches!(PublicKey::from_der(&der), Err(PkiError::Malformed { .. })));
    }
}
