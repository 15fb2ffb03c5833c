//! The keys of an external issuer as they were last fetched: when to fetch anew, and how long they are good without.
//!
//! The state only; who fetches is up to the caller. Fresh keys are used as they are. Old ones are fetched anew, and used
//! meanwhile and while the issuer cannot be reached, until they are stale. A token that names a key that is not there
//! asks for a fetch as well, but never more often than the terms say, so that tokens with invented keys cannot turn into
//! requests to the issuer.

use std::time::Duration;

use andon_model::Timestamp;

use super::{Jwks, VerificationKey};

/// When keys are fetched, and how long they are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCacheTerms {
    /// Age at which they are fetched anew.
    pub refresh: Duration,
    /// Shortest time between two fetches.
    pub pause: Duration,
    /// Age at which they are no longer used, when they cannot be fetched.
    pub stale: Duration,
}

/// The keys, and what is known of their age.
#[derive(Debug, Clone, Default)]
pub struct KeyCache {
    keys: Vec<VerificationKey>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl KeyCache {
    /// The keys, unless there are none yet or they are stale.
    pub fn keys(&self, terms: &KeyCacheTerms, now: Timestamp) -> Option<&[VerificationKey]> {
        self.fetched.filter(|fetched| now.since(*fetched) < terms.stale).map(|_| self.keys.as_slice())
    }

    /// Whether it is time to fetch; `unknown_key` when a token names a key that is not there.
    pub fn wants_fetch(&self, unknown_key: bool, terms: &KeyCacheTerms, now: Timestamp) -> bool {
        let is_old = self.fetched.is_none_or(|fetched| now.since(fetched) >= terms.refresh);
        let is_rested = self.tried.is_none_or(|tried| now.since(tried) >= terms.pause);
        is_rested && (is_old || unknown_key)
    }

    /// The cache after a fetch that brought `keys`.
    #[must_use]
    pub fn after_fetch(keys: &Jwks, now: Timestamp) -> Self {
        Self { keys: keys.verification_keys(), fetched: Some(now), tried: Some(now) }
    }

    /// The cache after a fetch that failed.
    #[must_use]
    pub fn after_failure(&self, now: Timestamp) -> Self {
        Self { tried: Some(now), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: KeyCacheTerms = KeyCacheTerms {
        refresh: Duration::from_mins(5),
        pause: Duration::from_secs(30),
        stale: Duration::from_hours(24),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(Duration::from_secs(seconds))
    }

    #[test]
    fn keys_are_fetched_when_old_or_unknown_and_rested() {
        let check = |cache: &KeyCache, second: u64, unknown: bool, expect: bool| {
            assert_eq!(cache.wants_fetch(unknown, &TERMS, at(second)), expect, "second {second}, unknown {unknown}");
        };
        check(&KeyCache::default(), 0, false, true);
        let fetched = KeyCache::after_fetch(&Jwks::default(), at(0));
        check(&fetched, 29, true, false);
        check(&fetched, 30, true, true);
        check(&fetched, 299, false, false);
        check(&fetched, 300, false, true);
        let failed = fetched.after_failure(at(300));
        check(&failed, 329, true, false);
        check(&failed, 330, false, true);
    }

    #[test]
    fn keys_are_used_until_they_are_stale() {
        let fetched = KeyCache::after_fetch(&Jwks::default(), at(0)).after_failure(at(300));
        let check = |cache: &KeyCache, second: u64, expect: bool| {
            assert_eq!(cache.keys(&TERMS, at(second)).is_some(), expect, "second {second}");
        };
        check(&fetched, 301, true);
        check(&fetched, 86_399, true);
        check(&fetched, 86_400, false);
        check(&KeyCache::default().after_failure(at(0)), 1, false);
    }
}
