//! What names a certificate: its serial number, unique per authority, and its fingerprint; and what names a key.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::{Entropy, EntropyFailed};

/// Bytes of a serial number; RFC 5280 §4.1.2.2 allows 20.
const SERIAL_BYTES: usize = 16;

/// Longest serial number of a foreign certificate that is read, in bytes.
const MAX_SERIAL_BYTES: usize = 20;

/// Hex digits of a SHA-256 digest.
const ID_DIGITS: usize = 64;

/// A serial number: lower-case hex, no leading zero byte. Ours have 127 bits, all but one of them random.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(String);

/// Why a text is not a [`Serial`] or [`CertificateId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}")]
pub struct InvalidIdentifier {
    what: &'static str,
    text: String,
}

impl Serial {
    /// A fresh one, positive and of fixed length.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyFailed> {
        let mut bytes = [0; SERIAL_BYTES];
        entropy.fill(&mut bytes)?;
        bytes[0] = bytes[0] & 0x7f | 0x40;
        Ok(Self(hex::encode(bytes)))
    }

    /// From the bytes of a certificate, big-endian.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len().saturating_sub(1));
        Self(hex::encode(&bytes[start..]))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        hex::decode(&self.0).unwrap_or_default()
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A certificate's fingerprint: 64 lower-case hex digits of the SHA-256 of its DER form. It is what AWS IoT Core calls
/// `certificateId`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateId(String);

impl CertificateId {
    /// The fingerprint of a certificate in DER form.
    pub fn of(der: &[u8]) -> Self {
        Self(hex::encode(digest::digest(&digest::SHA256, der)))
    }

    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A public key's fingerprint: 64 lower-case hex digits of the SHA-256 of its `SubjectPublicKeyInfo` in DER.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyFingerprint(String);

impl KeyFingerprint {
    /// The fingerprint of a `SubjectPublicKeyInfo` in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(hex::encode(digest::digest(&digest::SHA256, der)))
    }

    /// The fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn invalid(what: &'static str, text: &str) -> InvalidIdentifier {
    InvalidIdentifier { what, text: text.chars().take(ID_DIGITS).collect() }
}

impl FromStr for Serial {
    type Err = InvalidIdentifier;

    /// Reads hex as people and tools write it: upper case and colons are accepted.
    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        let legal = is_lower_hex(&digits)
            && digits.len().is_multiple_of(2)
            && (2..=2 * MAX_SERIAL_BYTES).contains(&digits.len());
        legal.then_some(Self(digits)).ok_or_else(|| invalid("a serial number in hex", text))
    }
}

impl FromStr for CertificateId {
    type Err = InvalidIdentifier;
    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let legal = text.len() == ID_DIGITS && is_lower_hex(text);
        legal.then(|| Self(text.to_owned())).ok_or_else(|| invalid("a SHA-256 fingerprint in hex", text))
    }
}

impl FromStr for KeyFingerprint {
    type Err = InvalidIdentifier;
    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        let legal = text.len() == ID_DIGITS && is_lower_hex(text);
        legal.then(|| Self(text.to_owned())).ok_or_else(|| invalid("a SHA-256 fingerprint in hex", text))
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidIdentifier;
            fn try_from(text: String) -> Result<Self, InvalidIdentifier> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

as_text!(Serial, CertificateId, KeyFingerprint);

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn serials_are_positive_and_of_fixed_length() {
        for byte in [0, 0x7f, 0x80, 0xff] {
            let serial = Serial::generate(&Constant(byte)).expect("entropy");
            assert_eq!(serial.as_str().len(), 2 * SERIAL_BYTES);
            assert!((0x40..0x80).contains(&serial.to_bytes()[0]), "{serial}");
        }
    }

    #[test]
    fn identifiers_are_read_as_tools_write_them() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(text.parse::<Serial>().ok().map(String::from).as_deref(), expect, "{text}");
        };
        check("4A:0B", Some("4a0b"));
        check("4a0b", Some("4a0b"));
        check("4a0", None);
        check("", None);
        check("zz", None);
        check(&"ab".repeat(21), None);
        assert!("ab".repeat(32).parse::<CertificateId>().is_ok());
        assert!("AB".repeat(32).parse::<CertificateId>().is_err());
    }
}
