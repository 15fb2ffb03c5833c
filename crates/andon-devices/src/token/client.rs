//! Clients: who may ask for tokens.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use andon_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::{RefreshTerms, Scopes, SecretHash, TokenError, TokenErrorKind, TokenRequest};

/// Version tag of the stored form.
const FORMAT: u8 = 1;

/// Shortest and longest life of an access token, and the usual one.
const MIN_ACCESS: u32 = 60;
const MAX_ACCESS: u32 = 86_400;
const DEFAULT_ACCESS: u32 = 3_600;

/// Longest life of an access token: a key that signs no more is needed this long.
pub const MAX_ACCESS_LIFE: Duration = Duration::from_secs(MAX_ACCESS as u64);

/// Compared with when a client has no secret or is not known, so that this takes as long.
const NOBODY: &str = "";

/// The public name of a client: up to 128 printable characters without space and colon.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Checks `text` against the rules.
    pub fn new(text: &str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_graphic() && b != b':';
        ((1..=128).contains(&text.len()) && text.bytes().all(legal)).then(|| Self(text.to_owned()))
    }

    /// From 128 bits that were never handed out before: 26 characters, as Amazon Cognito makes them.
    pub fn from_bits(mut bits: u128) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let mut text = String::new();
        for _ in 0..26 {
            text.push(char::from(DIGITS[(bits % 32) as usize]));
            bits /= 32;
        }
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a client may come to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// With its secret.
    ClientCredentials,
    /// With a refresh token.
    RefreshToken,
}

const fn default_access() -> u32 {
    DEFAULT_ACCESS
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Version tag of this form.
    pub v: u8,
    /// Its id.
    pub id: ClientId,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The hash of its secret; a public client has none and may only refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretHash>,
    /// How it may come to a token.
    pub grants: BTreeSet<GrantKind>,
    /// The scopes that it may have.
    pub scopes: Scopes,
    /// Life of its access tokens, in seconds: 60 to 86,400.
    #[serde(default = "default_access")]
    pub access_seconds: u32,
    /// How its refresh tokens are dealt with.
    #[serde(default)]
    pub refresh: RefreshTerms,
    /// Whether it gets nothing at present.
    #[serde(default)]
    pub disabled: bool,
    /// When it was made: what was given to another client of its id before is not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
}

impl Client {
    /// A client without a secret.
    pub fn new(id: ClientId, grants: impl IntoIterator<Item = GrantKind>, scopes: Scopes) -> Self {
        Self {
            v: FORMAT,
            id,
            name: String::new(),
            secret: None,
            grants: grants.into_iter().collect(),
            scopes,
            access_seconds: default_access(),
            refresh: RefreshTerms::default(),
            disabled: false,
            created: None,
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let client: Self = serde_json::from_str(text)?;
        if client.v == FORMAT {
            return Ok(client);
        }
        Err(serde::de::Error::custom(format!("client of format {}, this program reads {FORMAT}", client.v)))
    }

    /// Life of its access tokens.
    pub fn access_life(&self) -> Duration {
        Duration::from_secs(self.access_seconds.clamp(MIN_ACCESS, MAX_ACCESS).into())
    }

    /// Whether the request comes from this client, and may use its grant.
    pub(super) fn admit(&self, request: &TokenRequest, kind: GrantKind) -> Result<(), TokenError> {
        let refused = |kind, detail: &str| Err(TokenError::new(kind, format!("client {}: {detail}", self.id)));
        let given = request.client_secret.as_ref().map(Secret::expose);
        let proved = match (&self.secret, given) {
            (Some(hash), given) => hash.matches(given.unwrap_or(NOBODY)),
            (None, None) => true,
            (None, Some(_)) => false,
        };
        if !proved || self.disabled {
            return refused(TokenErrorKind::InvalidClient, "wrong secret, or disabled");
        }
        if !self.grants.contains(&kind) || (kind == GrantKind::ClientCredentials && self.secret.is_none()) {
            return refused(TokenErrorKind::UnauthorizedClient, "this grant is not for it");
        }
        Ok(())
    }

    /// The scopes that it gets. Amazon Cognito tells apart a scope that nobody has (`known` are all there are) and one
    /// that this client may not have.
    pub(super) fn scopes_for(&self, asked: Option<&Scopes>, known: &Scopes) -> Result<Scopes, TokenError> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(self.scopes.clone()) };
        if !asked.are_among(known) {
            return Err(TokenError::new(TokenErrorKind::InvalidScope, "a scope that there is not"));
        }
        if !asked.are_among(&self.scopes) {
            return Err(TokenError::new(TokenErrorKind::InvalidGrant, "a scope that the client may not have"));
        }
        Ok(asked.clone())
    }
}
