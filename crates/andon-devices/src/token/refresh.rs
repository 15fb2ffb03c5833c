//! Refresh tokens: long-lived, stored as hashes, revocable, and rotated if the client wants it.
//!
//! All tokens that come from one another are a *family*: a token reads `<family>.<secret>`. With rotation each use gives a
//! new token and spends the old one. A spent token may be used again for a short grace, since the answer with the new one
//! may have been lost; after that its use means that two parties have it, and the whole family is revoked.

use std::time::Duration;

use andon_model::{Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Client, ClientId, Scopes, SecretHash, TokenError, TokenErrorKind, generate_secret};
use crate::{Entropy, EntropyFailed};

/// Version tag of the stored form.
const FORMAT: u8 = 1;

/// Longest life of a family, in days: ten years, as with Amazon Cognito.
const MAX_DAYS: u32 = 3_650;

/// Spent tokens that are remembered, newest last. A use of an older one is refused, but revokes nothing.
const MAX_SPENT: usize = 64;

/// Most good tokens of one family at a time: the newest, and those given out anew within the grace.
const MAX_GOOD: usize = 4;

/// How a client's refresh tokens are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshTerms {
    /// Life of a family, in days: 1 to 3,650.
    pub days: u32,
    /// Whether each use gives a new token and spends the old one.
    pub rotate: bool,
    /// How long a spent token may be used again, in seconds.
    pub grace_seconds: u32,
}

impl Default for RefreshTerms {
    fn default() -> Self {
        Self { days: 30, rotate: true, grace_seconds: 30 }
    }
}

/// The public half of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FamilyId(String);

impl FamilyId {
    /// The family that a token says it belongs to, to look it up.
    pub fn of_token(token: &Secret) -> Option<Self> {
        let (family, secret) = token.expose().split_once('.')?;
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let good = family.len() == 22 && !secret.is_empty() && secret.len() <= 128 && family.bytes().all(legal);
        good.then(|| Self(family.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    hash: SecretHash,
    at: Timestamp,
}

/// A family of refresh tokens, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFamily {
    /// Version tag of this form.
    pub v: u8,
    /// Its id.
    pub id: FamilyId,
    /// The client that it was given to.
    pub client: ClientId,
    /// On whose behalf.
    pub subject: String,
    /// The scopes of its access tokens.
    pub scopes: Scopes,
    /// When it began.
    pub created: Timestamp,
    /// Its last moment.
    pub expires: Timestamp,
    /// Since when none of its tokens is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// Hashes of the tokens that are good.
    good: Vec<SecretHash>,
    /// Those that were replaced, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spent: Vec<Spent>,
}

impl RefreshFamily {
    /// A new family and its first token.
    pub fn begin(
        client: &Client,
        subject: &str,
        scopes: Scopes,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<(Self, Secret), EntropyFailed> {
        let mut bits = [0; 16];
        entropy.fill(&mut bits)?;
        let days = client.refresh.days.clamp(1, MAX_DAYS);
        let mut family = Self {
            v: FORMAT,
            id: FamilyId(URL_SAFE_NO_PAD.encode(bits)),
            client: client.id.clone(),
            subject: subject.to_owned(),
            scopes,
            created: now,
            expires: now.after(Duration::from_hours(24 * u64::from(days))),
            revoked: None,
            good: Vec::new(),
            spent: Vec::new(),
        };
        let token = family.add(entropy)?;
        Ok((family, token))
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let family: Self = serde_json::from_str(text)?;
        if family.v == FORMAT {
            return Ok(family);
        }
        Err(serde::de::Error::custom(format!("refresh tokens of format {}, this program reads {FORMAT}", family.v)))
    }

    /// Revokes every token of the family. Doing it again changes nothing.
    pub fn revoke(&mut self, now: Timestamp) {
        self.revoked.get_or_insert(now);
    }

    /// Uses `token`. With rotation the answer is the token that replaces it. The family is to be stored in any case: a
    /// refusal may have revoked it.
    pub(super) fn redeem(
        &mut self,
        token: &Secret,
        terms: &RefreshTerms,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Option<Secret>, TokenError> {
        if self.revoked.is_some() || now > self.expires {
            return Err(self.refused("revoked or expired"));
        }
        if self.good.iter().any(|hash| hash.matches(token.expose())) {
            return if terms.rotate { self.rotate(entropy, now).map(Some) } else { Ok(None) };
        }
        let grace = Duration::from_secs(terms.grace_seconds.into());
        match self.spent.iter().find(|spent| spent.hash.matches(token.expose())) {
            None => Err(self.refused("not known")),
            Some(spent) if terms.rotate && now.since(spent.at) < grace => {
                self.add(entropy).map(Some).map_err(Into::into)
            }
            Some(_) => {
                self.revoke(now);
                Err(self.refused("used again, so that somebody else has it; all of the family are revoked"))
            }
        }
    }

    fn rotate(&mut self, entropy: &dyn Entropy, now: Timestamp) -> Result<Secret, TokenError> {
        let token = self.add(entropy)?;
        // Everything older than the new token is spent, also what was given out anew within a grace.
        let newest = self.good.split_off(self.good.len() - 1);
        let older = std::mem::replace(&mut self.good, newest);
        self.spent.extend(older.into_iter().map(|hash| Spent { hash, at: now }));
        let over = self.spent.len().saturating_sub(MAX_SPENT);
        self.spent.drain(..over);
        Ok(token)
    }

    fn add(&mut self, entropy: &dyn Entropy) -> Result<Secret, EntropyFailed> {
        let secret = generate_secret(entropy)?;
        let token = Secret::new(format!("{}.{}", self.id.0, secret.expose()));
        if self.good.len() >= MAX_GOOD {
            self.good.remove(0);
        }
        self.good.push(SecretHash::of(token.expose()));
        Ok(token)
    }

    fn refused(&self, why: &str) -> TokenError {
        TokenError::new(TokenErrorKind::InvalidGrant, format!("refresh token of client {}: {why}", self.client))
    }
}
