//! Objects that could not be read: each waits for itself, so that none holds up the others.

use std::collections::HashMap;
use std::time::Duration;

use andon_journal::Mark;
use andon_model::Timestamp;

use super::listing::Candidate;

/// First pause of an object; doubles with every failure up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);

/// Longest pause of an object.
const LONGEST: Duration = Duration::from_mins(1);

/// Most objects that wait; more are tried again with every listing.
const MAX_POSTPONED: usize = 10_000;

/// The objects that wait, by path.
#[derive(Debug, Default)]
pub(super) struct Postponed(HashMap<String, Pause>);

#[derive(Debug)]
struct Pause {
    version: String,
    failures: u32,
    until: Timestamp,
}

impl Postponed {
    /// Puts an object off that could not be read; gives how many times in a row that was so.
    pub(super) fn put_off(&mut self, object: &Mark, now: Timestamp) -> u32 {
        let before = self.0.get(&object.key).filter(|pause| pause.version == object.version);
        let failures = before.map_or(0, |pause| pause.failures).saturating_add(1);
        let wait = FIRST.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST);
        if self.0.len() >= MAX_POSTPONED && !self.0.contains_key(&object.key) {
            // Those whose time has come and that were not read: most of them are not there any more.
            self.0.retain(|_, pause| pause.until > now);
        }
        if self.0.len() < MAX_POSTPONED || self.0.contains_key(&object.key) {
            let pause = Pause { version: object.version.clone(), failures, until: now.after(wait) };
            self.0.insert(object.key.clone(), pause);
        }
        failures
    }

    /// Whether an object has to wait. One that was changed meanwhile has not.
    pub(super) fn holds(&self, candidate: &Candidate, now: Timestamp) -> bool {
        let pause = self.0.get(&candidate.path);
        pause.is_some_and(|pause| pause.version == candidate.version && pause.until > now)
    }

    /// Forgets an object that was read.
    pub(super) fn forget(&mut self, path: &str) {
        self.0.remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(path: &str, version: &str) -> Candidate {
        Candidate { last_modified: Timestamp::default(), path: path.into(), version: version.into() }
    }

    #[test]
    fn pauses_grow_per_object_and_version() {
        let second = |n: i64| Timestamp::from_micros(n * 1_000_000);
        let (mut postponed, bad) = (Postponed::default(), candidate("a", "1"));
        let mut now = 0;
        for (failures, pause) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60)] {
            assert_eq!(postponed.put_off(&bad.mark(), second(now)), failures);
            assert!(postponed.holds(&bad, second(now + pause - 1)) && !postponed.holds(&bad, second(now + pause)));
            now += pause;
        }
        assert!(!postponed.holds(&candidate("a", "2"), second(now - 60)), "a changed object is tried at once");
        assert!(!postponed.holds(&candidate("b", "1"), second(now - 60)), "others do not wait");
        postponed.forget("a");
        assert_eq!(postponed.put_off(&bad.mark(), second(now)), 1);
    }

    #[test]
    fn no_more_wait_than_allowed() {
        let (mut postponed, now) = (Postponed::default(), Timestamp::default());
        for n in 0..MAX_POSTPONED + 5 {
            postponed.put_off(&candidate(&n.to_string(), "1").mark(), now);
        }
        assert_eq!(postponed.0.len(), MAX_POSTPONED);
        postponed.put_off(&candidate("later", "1").mark(), now.after(LONGEST));
        assert_eq!(postponed.0.len(), 1);
    }
}
