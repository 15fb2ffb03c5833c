//! Settings of an external issuer of access tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_devices::enrolment::is_safe_address;
use andon_devices::token::{Expected, KeyCacheTerms, ScopeMapping, Scopes};
use serde::{Deserialize, Serialize};

/// `[oidc]`: an issuer that gives out access tokens instead of this program; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// Its address, exactly as its tokens have it in `iss`. Its discovery document is below
    /// `/.well-known/openid-configuration`.
    pub issuer: String,
    /// For whom tokens must be: one of these as `aud`, or as `client_id` where there is no `aud`.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// To whom tokens must have been given: one of these as `client_id`, `azp` or `appid`. Audiences or clients must be
    /// named; where both are, both must fit.
    #[serde(default)]
    pub clients: Vec<String>,
    /// The claim that says what a token may do; a dot leads into an object. Default `scope`.
    #[serde(default = "default_claim")]
    pub claim: String,
    /// Scopes by value of that claim. Default: the values are the scopes.
    #[serde(default)]
    pub scopes: BTreeMap<String, Scopes>,
    /// The claim that names the author of changes. Default `sub`.
    #[serde(default = "default_name_claim")]
    pub name_claim: String,
    /// Age at which its keys are fetched anew, in seconds. Default 300.
    #[serde(default = "default_refresh")]
    pub refresh_seconds: u32,
    /// Shortest time between two fetches, also for unknown keys, in seconds. Default 30.
    #[serde(default = "default_pause")]
    pub pause_seconds: u32,
    /// How long its keys are used while it cannot be reached, in hours. Default 24.
    #[serde(default = "default_stale")]
    pub stale_hours: u32,
    /// How far clocks may differ, in seconds. Default 30.
    #[serde(default = "default_leeway")]
    pub leeway_seconds: u32,
}

fn default_claim() -> String {
    "scope".to_owned()
}

fn default_name_claim() -> String {
    "sub".to_owned()
}

const fn default_refresh() -> u32 {
    300
}

const fn default_pause() -> u32 {
    30
}

const fn default_stale() -> u32 {
    24
}

const fn default_leeway() -> u32 {
    30
}

impl OidcSettings {
    /// An issuer with the defaults, for tokens of these audiences.
    pub fn new(issuer: impl Into<String>, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences,
            clients: Vec::new(),
            claim: default_claim(),
            scopes: BTreeMap::new(),
            name_claim: default_name_claim(),
            refresh_seconds: default_refresh(),
            pause_seconds: default_pause(),
            stale_hours: default_stale(),
            leeway_seconds: default_leeway(),
        }
    }

    /// Whether they can be used; what is wrong, with its key.
    ///
    /// # Errors
    /// The key and what it must be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !is_safe_address(&self.issuer) {
            return Err(("issuer", "the address of an issuer opens with https://, or with http:// on this machine"));
        }
        if self.audiences.is_empty() && self.clients.is_empty() {
            return Err((
                "audiences",
                "name audiences or clients: tokens that were meant for others must not be taken",
            ));
        }
        if self.pause_seconds == 0 || self.leeway_seconds > 600 {
            return Err(("pause_seconds", "pauses are at least a second, and clocks differ by at most 600"));
        }
        Ok(())
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            issuer: self.issuer.clone(),
            audiences: self.audiences.clone(),
            clients: self.clients.clone(),
            leeway: Duration::from_secs(self.leeway_seconds.into()),
        }
    }

    pub(super) fn cache_terms(&self) -> KeyCacheTerms {
        KeyCacheTerms {
            refresh: Duration::from_secs(self.refresh_seconds.max(self.pause_seconds).into()),
            pause: Duration::from_secs(self.pause_seconds.into()),
            stale: Duration::from_hours(self.stale_hours.into()),
        }
    }

    pub(super) fn mapping(&self) -> ScopeMapping {
        ScopeMapping { claim: self.claim.clone(), values: self.scopes.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_needs_an_address_and_somebody_to_be_for() {
        let check = |issuer: &str, audiences: &[&str], clients: &[&str], expect: Option<&str>| {
            let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let settings = OidcSettings { clients: texts(clients), ..OidcSettings::new(issuer, texts(audiences)) };
            assert_eq!(settings.check().err().map(|(key, _)| key), expect, "{issuer}");
        };
        check("https://login.plant.example/realms/plant", &["andon"], &[], None);
        check("https://login.plant.example", &[], &["gateway"], None);
        check("http://127.0.0.1:8080", &["andon"], &[], None);
        check("http://login.plant.example", &["andon"], &[], Some("issuer"));
        check("https://login.plant.example", &[], &[], Some("audiences"));
    }
}
