//! An external issuer: its keys, fetched when they are needed, and what its tokens are good for.
//!
//! **Constraints.** When to fetch is decided by [`KeyCache`]; at most one fetch is under way. Tokens with invented keys lead
//! to one fetch in a while. While the issuer cannot be reached, the keys that are known are used until they are stale.
//!
//! **Life of a token.** Its key is looked up among the known ones, fetched anew if it is not there, its claims are checked
//! by `andon_devices::token::verify`, and become scopes by the settings.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use andon_devices::enrolment::is_safe_address;
use andon_devices::token::{
    Discovery, Expected, Jwks, KeyCache, KeyCacheTerms, MAX_KEYS, ScopeMapping, TokenRejected, Verified, verify,
};
use andon_model::{Clock, Code, Problem};
use metrics::counter;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::OidcSettings;
use crate::outside::{Ask, Outside};

/// Longest discovery document and key set, each.
const MAX_BYTES: usize = 256 * 1024;

/// How long each of the two fetches may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// An external issuer of access tokens.
pub(crate) struct ExternalIssuer {
    settings: OidcSettings,
    expected: Expected,
    terms: KeyCacheTerms,
    mapping: ScopeMapping,
    outside: Arc<dyn Outside>,
    clock: Arc<dyn Clock>,
    cache: RwLock<Arc<KeyCache>>,
    fetching: Mutex<()>,
}

impl ExternalIssuer {
    pub(crate) fn new(settings: OidcSettings, outside: Arc<dyn Outside>, clock: Arc<dyn Clock>) -> Self {
        let (expected, terms, mapping) = (settings.expected(), settings.cache_terms(), settings.mapping());
        let (cache, fetching) = (RwLock::default(), Mutex::default());
        Self { settings, expected, terms, mapping, outside, clock, cache, fetching }
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        &self.settings.issuer
    }

    /// What a token says, with its scopes put into our words; or why it is not believed.
    ///
    /// # Errors
    /// [`Code::TokenIssuer`] when there are no keys to verify it with.
    pub(crate) async fn verify(&self, token: &str) -> Result<Result<Verified, TokenRejected>, Problem> {
        let known = self.keys(false).await?;
        let mut verified = self.judge(token, &known);
        if verified == Err(TokenRejected::UnknownKey) {
            let anew = self.keys(true).await?;
            if !Arc::ptr_eq(&known, &anew) {
                verified = self.judge(token, &anew);
            }
        }
        Ok(verified.map(|verified| self.mapped(verified)))
    }

    fn judge(&self, token: &str, cache: &KeyCache) -> Result<Verified, TokenRejected> {
        let now = self.clock.now();
        verify(token, cache.keys(&self.terms, now).unwrap_or_default(), &self.expected, now)
    }

    fn mapped(&self, verified: Verified) -> Verified {
        let name = verified.claims.get(&self.settings.name_claim).and_then(serde_json::Value::as_str);
        let subject = name.unwrap_or(&verified.subject).to_owned();
        Verified { scopes: self.mapping.scopes(&verified), subject, ..verified }
    }

    /// The keys, fetched if it is time. Whoever can do with the known ones does not wait for a fetch of others.
    async fn keys(&self, unknown_key: bool) -> Result<Arc<KeyCache>, Problem> {
        let known = self.known();
        if !known.wants_fetch(unknown_key, &self.terms, self.clock.now()) {
            return self.usable(known);
        }
        let _turn = match self.fetching.try_lock() {
            Ok(turn) => turn,
            Err(_) if !unknown_key && self.usable(Arc::clone(&known)).is_ok() => return Ok(known),
            Err(_) => self.fetching.lock().await,
        };
        let known = self.known();
        if known.wants_fetch(unknown_key, &self.terms, self.clock.now()) {
            self.fetch_into(&known).await;
        }
        self.usable(self.known())
    }

    fn known(&self) -> Arc<KeyCache> {
        Arc::clone(&self.cache.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn usable(&self, cache: Arc<KeyCache>) -> Result<Arc<KeyCache>, Problem> {
        if cache.keys(&self.terms, self.clock.now()).is_some() {
            return Ok(cache);
        }
        let detail = format!("the keys of {} could not be fetched; this is tried again shortly", self.settings.issuer);
        Err(Problem::new(Code::TokenIssuer, detail))
    }

    async fn fetch_into(&self, known: &KeyCache) {
        let (next, result) = match self.fetch().await {
            Ok(keys) => (KeyCache::after_fetch(&keys, self.clock.now()), "good"),
            Err(problem) => {
                tracing::warn!(%problem, "the keys of the issuer of access tokens could not be fetched");
                (known.after_failure(self.clock.now()), "failed")
            }
        };
        counter!("andon_oidc_key_fetches_total", "result" => result).increment(1);
        *self.cache.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    async fn fetch(&self) -> Result<Jwks, Problem> {
        let address = Discovery::address_of(&self.settings.issuer);
        let discovery: Discovery = self.read(&address).await?;
        let wrong = |detail: String| Problem::new(Code::TokenIssuer, detail).at(address.clone());
        if discovery.issuer != self.settings.issuer {
            return Err(wrong(format!("the issuer calls itself {}", discovery.issuer)));
        }
        let is_https = |address: &str| address.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        let is_weaker = is_https(&self.settings.issuer) && !is_https(&discovery.jwks_uri);
        if is_weaker || !is_safe_address(&discovery.jwks_uri) {
            return Err(wrong("the address of the keys does not open with https://".to_owned()));
        }
        let keys: Jwks = self.read(&discovery.jwks_uri).await?;
        if keys.keys.len() > MAX_KEYS || keys.verification_keys().is_empty() {
            let detail = format!("it publishes no key for ES256 or RS256, or more than {MAX_KEYS}");
            return Err(Problem::new(Code::TokenIssuer, detail).at(discovery.jwks_uri));
        }
        Ok(keys)
    }

    async fn read<T: DeserializeOwned>(&self, url: &str) -> Result<T, Problem> {
        let ask = Ask { url, body: None, headers: Vec::new(), limit_bytes: MAX_BYTES, deadline: DEADLINE };
        let wrong = |cause: &dyn std::fmt::Display| Problem::new(Code::TokenIssuer, cause.to_string()).at(url);
        let body = self.outside.ask(ask).await.map_err(|cause| wrong(&cause))?;
        serde_json::from_slice(&body).map_err(|cause| wrong(&cause))
    }
}

#[cfg(test)]
mod tests;
