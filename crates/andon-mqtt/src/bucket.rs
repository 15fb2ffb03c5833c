//! A token bucket: so many at once, so many per second, and how long the next one has to wait.
//!
//! A device has one, however many connections it makes and however often it makes them anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use tokio::time::Instant;

/// Counts what was taken, as the moment at which the bucket would be full again.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_token: Duration,
    capacity: Duration,
    full_at: Instant,
}

impl Bucket {
    /// A full bucket of `burst` tokens that gains `rate` a second; both are at least one.
    pub(crate) fn new(rate: u32, burst: u32, now: Instant) -> Self {
        let per_token = Duration::from_secs(1) / rate.max(1);
        Self { per_token, capacity: per_token * burst.max(1), full_at: now }
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Takes a token, if need be one that is not there yet: the answer is how long to wait for it.
    pub(crate) fn take(&mut self, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + self.per_token;
        self.full_at.duration_since(now).saturating_sub(self.capacity)
    }
}

/// Buckets beyond which those that are full again are forgotten; then beyond twice of what is left.
const MANY: usize = 1_024;

/// The buckets of those who publish, by name.
#[derive(Debug)]
pub(crate) struct Buckets {
    rate: u32,
    burst: u32,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    by_name: HashMap<String, Arc<Mutex<Bucket>>>,
    /// How many there may be before it is looked which of them are needed.
    most: usize,
}

impl Buckets {
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        Self { rate, burst, kept: Mutex::new(Kept { by_name: HashMap::new(), most: MANY }) }
    }

    /// The bucket of `name`: a full one when it has not published for as long as filling takes.
    pub(crate) fn of(&self, name: &str, now: Instant) -> Arc<Mutex<Bucket>> {
        let mut kept = self.kept.lock();
        if let Some(known) = kept.by_name.get(name) {
            return known.clone();
        }
        if kept.by_name.len() >= kept.most {
            kept.by_name.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.lock().is_full(now));
            kept.most = MANY.max(2 * kept.by_name.len());
        }
        let fresh = Arc::new(Mutex::new(Bucket::new(self.rate, self.burst, now)));
        kept.by_name.insert(name.to_owned(), fresh.clone());
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_burst_waits_its_turn() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        let mut check = |after_ms: u64, expect_ms: u64| {
            let wait = bucket.take(start + Duration::from_millis(after_ms));
            assert_eq!(wait, Duration::from_millis(expect_ms), "after {after_ms} ms");
        };
        check(0, 0);
        check(0, 0);
        check(0, 0);
        check(0, 100);
        check(0, 200);
        check(500, 0);
        check(10_000, 0);
        check(10_000, 0);
        check(10_000, 0);
        check(10_000, 100);
    }

    #[test]
    fn who_comes_again_finds_the_bucket_as_it_was() {
        let (start, buckets) = (Instant::now(), Buckets::new(10, 1));
        let check = |name: &str, after_ms: u64, expect_ms: u64| {
            let now = start + Duration::from_millis(after_ms);
            let wait = buckets.of(name, now).lock().take(now);
            assert_eq!(wait, Duration::from_millis(expect_ms), "{name} after {after_ms} ms");
        };
        check("pump-01", 0, 0);
        check("pump-01", 0, 100);
        check("pump-02", 0, 0);
        check("pump-01", 200, 0);
        for number in 0..2 * MANY {
            check(&format!("tag-{number}"), 250, 0);
        }
        check("pump-01", 250, 50);
        for number in 0..3 * MANY {
            check(&format!("later-{number}"), 10_000, 0);
        }
        assert!(buckets.kept.lock().by_name.len() <= 6 * MANY, "what is full again is forgotten");
        assert!(!buckets.kept.lock().by_name.contains_key("pump-01"));
    }
}
