//! A token bucket: so many at once, so many per second, and how long the next one has to wait.

use std::time::Duration;

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

    /// Takes a token, if need be one that is not there yet: the answer is how long to wait for it.
    pub(crate) fn take(&mut self, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + self.per_token;
        self.full_at.duration_since(now).saturating_sub(self.capacity)
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
}
