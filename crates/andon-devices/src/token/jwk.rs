//! Public keys for verifying tokens: one (RFC 7517), the set of them that an issuer publishes, and its use.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Algorithm;
use crate::pki::{KeyParts, PkiError, PublicKey};

/// Most keys of one set.
pub const MAX_KEYS: usize = 64;

/// Bytes of a coordinate on P-256.
const COORDINATE: usize = 32;

/// A public key as issuers publish it. Members of other kinds of keys are skipped when read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Its id, which tokens name; ours are thumbprints (RFC 7638).
    #[serde(default)]
    pub kid: String,
    /// `EC` or `RSA`.
    pub kty: String,
    /// `ES256` or `RS256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The curve, `P-256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// First coordinate, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// Exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

/// A set of keys, as at `jwks_uri`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

impl Jwk {
    pub(super) fn of(key: &PublicKey) -> Result<Self, PkiError> {
        let encode = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = Self::empty();
        match key.parts()? {
            KeyParts::Ec { x, y } => {
                (jwk.kty, jwk.alg, jwk.crv) = ("EC".to_owned(), Some("ES256".to_owned()), Some("P-256".to_owned()));
                (jwk.x, jwk.y) = (encode(&x), encode(&y));
            }
            KeyParts::Rsa { modulus, exponent } => {
                (jwk.kty, jwk.alg) = ("RSA".to_owned(), Some("RS256".to_owned()));
                (jwk.n, jwk.e) = (encode(&modulus), encode(&exponent));
            }
        }
        jwk.kid = jwk.thumbprint();
        Ok(jwk)
    }

    fn empty() -> Self {
        let purpose = Some("sig".to_owned());
        Self {
            kid: String::new(),
            kty: String::new(),
            alg: None,
            purpose,
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
        }
    }

    /// The SHA-256 of the required members in their order (RFC 7638), in base64url.
    pub(super) fn thumbprint(&self) -> String {
        let member = |value: &Option<String>| value.clone().unwrap_or_default();
        let text = match self.kty.as_str() {
            "EC" => {
                format!(
                    r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                    member(&self.crv),
                    member(&self.x),
                    member(&self.y)
                )
            }
            _ => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, member(&self.e), member(&self.n)),
        };
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }
}

impl Jwks {
    /// The algorithms of the keys, each once.
    pub fn algorithms(&self) -> Vec<String> {
        let named: BTreeSet<&String> = self.keys.iter().filter_map(|key| key.alg.as_ref()).collect();
        named.into_iter().cloned().collect()
    }

    /// The keys of the set that can verify tokens; others are skipped.
    pub fn verification_keys(&self) -> Vec<VerificationKey> {
        self.keys.iter().take(MAX_KEYS).filter_map(VerificationKey::from_jwk).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    /// The uncompressed point.
    Point(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// A key that verifies tokens, with the one algorithm that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationKey {
    /// Its id.
    pub kid: String,
    material: Material,
}

impl VerificationKey {
    /// Reads a key: ES256 on P-256 or RS256, meant for signatures.
    pub fn from_jwk(jwk: &Jwk) -> Option<Self> {
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let (material, alg) = match jwk.kty.as_str() {
            "EC" if jwk.crv.as_deref() == Some("P-256") => (point(jwk)?, "ES256"),
            "RSA" => (rsa(jwk)?, "RS256"),
            _ => return None,
        };
        let fits = jwk.alg.as_deref().is_none_or(|named| named == alg);
        fits.then(|| Self { kid: jwk.kid.clone(), material })
    }

    /// The algorithm that it is for.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Point(_) => Algorithm::Es256,
            Material::Rsa { .. } => Algorithm::Rs256,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Point(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Rsa { modulus: n, exponent: e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.is_ok()
    }
}

fn decoded(value: Option<&String>) -> Option<Vec<u8>> {
    value.filter(|text| text.len() <= 2_048).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
}

fn point(jwk: &Jwk) -> Option<Material> {
    let (x, y) = (decoded(jwk.x.as_ref())?, decoded(jwk.y.as_ref())?);
    (x.len() == COORDINATE && y.len() == COORDINATE).then(|| Material::Point([&[4], x.as_slice(), &y].concat()))
}

fn rsa(jwk: &Jwk) -> Option<Material> {
    let (modulus, exponent) = (decoded(jwk.n.as_ref())?, decoded(jwk.e.as_ref())?);
    (!modulus.is_empty() && !exponent.is_empty()).then_some(Material::Rsa { modulus, exponent })
}
