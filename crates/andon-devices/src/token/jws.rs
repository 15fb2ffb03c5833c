//! Signing: compact JWS (RFC 7515) with ES256 or RS256 (RFC 7518).

use andon_model::Secret;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::Jwk;
use crate::pki::{KeyKind, PkiError, PrivateKey};

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA with PKCS #1 v1.5 and SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

/// The header of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) typ: Option<String>,
    /// Extensions that must be understood: there are none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crit: Option<Vec<String>>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A key that signs tokens.
pub struct SigningKey {
    pair: Pair,
    jwk: Jwk,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.jwk.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Takes a key pair: ECDSA on P-256 signs with ES256, RSA with RS256.
    pub fn new(key: &PrivateKey) -> Result<Self, PkiError> {
        let public = key.public()?;
        let rejected = |error: aws_lc_rs::error::KeyRejected| PkiError::WeakKey(error.to_string());
        let pair = match public.kind() {
            KeyKind::EcdsaP256 => {
                Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.der()).map_err(rejected)?)
            }
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                Pair::Rsa(RsaKeyPair::from_pkcs8(key.der()).map_err(rejected)?)
            }
            KeyKind::EcdsaP384 => return Err(PkiError::WeakKey("tokens are not signed with P-384".to_owned())),
        };
        Ok(Self { pair, jwk: Jwk::of(&public)? })
    }

    /// A stored key, in PKCS #8 and PEM.
    pub fn from_pem(text: &Secret) -> Result<Self, PkiError> {
        Self::new(&PrivateKey::from_pem(text)?)
    }

    /// The public half, with its key id.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Ecdsa(_) => Algorithm::Es256,
            Pair::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, PkiError> {
        let alg = match self.algorithm() {
            Algorithm::Es256 => "ES256",
            Algorithm::Rs256 => "RS256",
        };
        let header =
            Header { alg: alg.to_owned(), kid: Some(self.jwk.kid.clone()), typ: Some("JWT".to_owned()), crit: None };
        let signed = format!("{}.{}", encoded(&header)?, encoded(claims)?);
        let signature = self.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        let failed = |_| PkiError::Signing("the library refused".to_owned());
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(failed),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

fn encoded(value: &impl Serialize) -> Result<String, PkiError> {
    let json = serde_json::to_vec(value).map_err(|error| PkiError::Signing(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}
