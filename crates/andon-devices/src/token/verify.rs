//! Reading an access token again: ours, or one of an external issuer.
//!
//! What is checked is what API Gateway's authorizer for JWT checks: signature by `kid`, `iss`, `exp`, `nbf` and `iat`, and
//! `aud` or, in its absence, `client_id`; and, where clients are named, that the token was given to one of them. An id
//! token is not an access token, nor is a refresh token, whatever words the issuer has for them.

use std::time::Duration;

use andon_model::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::jws::Header;
use super::{Algorithm, Scopes, VerificationKey};

/// Longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What a token must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Who must have signed it.
    pub issuer: String,
    /// For whom it must be: one of these as `aud` or `client_id`. None means anybody, which is right for our own issuer.
    pub audiences: Vec<String>,
    /// To whom it must have been given: one of these as `client_id`, `azp` or `appid`. None means anybody.
    pub clients: Vec<String>,
    /// How far clocks may differ.
    pub leeway: Duration,
}

/// A token that was believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who it speaks for.
    pub subject: String,
    /// The client that it was given to.
    pub client_id: Option<String>,
    /// The name of whom it speaks for.
    pub username: Option<String>,
    /// What it is good for.
    pub scopes: Scopes,
    /// Its last moment.
    pub expires: Timestamp,
    /// Everything that it says, for a [`super::ScopeMapping`].
    pub claims: Map<String, Value>,
}

/// Why a token is not believed; the text is the `error_description` of `WWW-Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenRejected {
    /// Not three parts of base64url with JSON in two of them.
    #[error("the token is malformed")]
    Malformed,
    /// No key of the issuer has this id.
    #[error("the token is signed by an unknown key")]
    UnknownKey,
    /// Another algorithm than that of the key, or an extension.
    #[error("the token is signed by an algorithm that is not accepted")]
    Algorithm,
    /// The signature does not fit.
    #[error("the signature of the token is not valid")]
    Signature,
    /// Another issuer.
    #[error("the token does not have a valid issuer")]
    Issuer,
    /// Too late.
    #[error("the token has expired")]
    Expired,
    /// Too early.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Meant for others.
    #[error("the token does not have a valid audience")]
    Audience,
    /// Given to others.
    #[error("the token was given to another client")]
    Client,
    /// Its client or the refresh token that it came from is gone or revoked.
    #[error("the token is revoked")]
    Revoked,
    /// An id token.
    #[error("the token is not an access token")]
    NotAccess,
}

/// The token of an `Authorization` header, with or without `Bearer`.
pub fn bearer(header: &str) -> Option<&str> {
    let header = header.trim();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) => return None,
        None => header,
    };
    (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then_some(token)
}

/// One text or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// The claims that are looked at, of whatever issuer.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Option<Texts>,
    #[serde(default)]
    client_id: Option<String>,
    /// The client, in the words of OpenID Connect.
    #[serde(default)]
    azp: Option<String>,
    /// The client, in those of Microsoft Entra.
    #[serde(default)]
    appid: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    token_use: Option<String>,
    /// The kind of token, in the words of Keycloak.
    #[serde(default)]
    typ: Option<String>,
    /// Id tokens alone have these two.
    #[serde(default)]
    nonce: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    at_hash: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    scope: Option<Texts>,
    #[serde(default)]
    scp: Option<Texts>,
}

impl Claims {
    /// The client that the token was given to.
    fn client(&self) -> Option<&String> {
        self.client_id.as_ref().or(self.azp.as_ref()).or(self.appid.as_ref())
    }

    /// Whether nothing says that it is another kind of token.
    fn is_access(&self) -> bool {
        let other = |typ: &str| ["id", "refresh"].iter().any(|kind| typ.eq_ignore_ascii_case(kind));
        self.token_use.as_deref().is_none_or(|used| used == "access")
            && !self.typ.as_deref().is_some_and(other)
            && self.nonce.is_none()
            && self.at_hash.is_none()
    }
}

/// Whether `token` is good at `now`, by one of `keys`.
pub fn verify(
    token: &str,
    keys: &[VerificationKey],
    expected: &Expected,
    now: Timestamp,
) -> Result<Verified, TokenRejected> {
    let all: Map<String, Value> = payload(token, keys)?;
    let claims = Claims::deserialize(Value::Object(all.clone())).map_err(|_| TokenRejected::Malformed)?;
    check_times(&claims, expected.leeway, now)?;
    if claims.iss != expected.issuer {
        return Err(TokenRejected::Issuer);
    }
    if !claims.is_access() {
        return Err(TokenRejected::NotAccess);
    }
    if !is_for_us(&claims, &expected.audiences) {
        return Err(TokenRejected::Audience);
    }
    let client = claims.client().cloned();
    if !expected.clients.is_empty() && client.as_ref().is_none_or(|client| !expected.clients.contains(client)) {
        return Err(TokenRejected::Client);
    }
    let subject = claims.sub.clone().or_else(|| client.clone()).ok_or(TokenRejected::Malformed)?;
    let scopes = scopes(&claims)?;
    let expires = at(claims.exp);
    Ok(Verified { subject, client_id: client, username: claims.username, scopes, expires, claims: all })
}

/// The claims of a token whose signature fits.
fn payload<T: DeserializeOwned>(token: &str, keys: &[VerificationKey]) -> Result<T, TokenRejected> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenRejected::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenRejected::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenRejected::Malformed)?;
    let header: Header = json(header)?;
    if !is_access(&header) {
        return Err(TokenRejected::NotAccess);
    }
    let key = key_for(&header, keys)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenRejected::Malformed)?;
    if !key.verifies(signed.as_bytes(), &signature) {
        return Err(TokenRejected::Signature);
    }
    json(payload)
}

/// The types of RFC 7519 and RFC 9068, or none.
fn is_access(header: &Header) -> bool {
    let types = ["JWT", "at+jwt", "application/at+jwt"];
    header.typ.as_deref().is_none_or(|typ| types.iter().any(|known| typ.eq_ignore_ascii_case(known)))
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, TokenRejected> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRejected::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenRejected::Malformed)
}

/// The key that the header names, or the only one there is. Its algorithm must be the one that the header names.
fn key_for<'k>(header: &Header, keys: &'k [VerificationKey]) -> Result<&'k VerificationKey, TokenRejected> {
    if header.crit.is_some() {
        return Err(TokenRejected::Algorithm);
    }
    let key = match (&header.kid, keys) {
        (Some(kid), keys) => keys.iter().find(|key| key.kid == *kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let key = key.ok_or(TokenRejected::UnknownKey)?;
    let fits =
        matches!((key.algorithm(), header.alg.as_str()), (Algorithm::Es256, "ES256") | (Algorithm::Rs256, "RS256"));
    if fits { Ok(key) } else { Err(TokenRejected::Algorithm) }
}

fn check_times(claims: &Claims, leeway: Duration, now: Timestamp) -> Result<(), TokenRejected> {
    if now > at(claims.exp).after(leeway) {
        return Err(TokenRejected::Expired);
    }
    let begins = [claims.nbf, claims.iat].into_iter().flatten().max();
    if begins.is_some_and(|begin| now.after(leeway) < at(begin)) {
        return Err(TokenRejected::NotYetValid);
    }
    Ok(())
}

fn is_for_us(claims: &Claims, audiences: &[String]) -> bool {
    if audiences.is_empty() {
        return true;
    }
    match (&claims.aud, &claims.client_id) {
        (Some(aud), _) => aud.as_slice().iter().any(|audience| audiences.contains(audience)),
        (None, Some(client)) => audiences.contains(client),
        (None, None) => false,
    }
}

fn scopes(claims: &Claims) -> Result<Scopes, TokenRejected> {
    let texts = claims.scope.as_ref().or(claims.scp.as_ref());
    let text = texts.map(|texts| texts.as_slice().join(" ")).unwrap_or_default();
    text.parse().map_err(|_| TokenRejected::Malformed)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}
