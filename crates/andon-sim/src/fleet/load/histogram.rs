//! A histogram that many tasks count into at once: whole microseconds, 32 steps for each power of two, so that what is
//! read from it is at most 3 % too high.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Steps of a power of two, and its logarithm.
const STEPS: usize = 1 << STEP_BITS;
const STEP_BITS: u32 = 5;
/// Powers of two above the first steps: up to 2^41 microseconds, more than three weeks.
const POWERS: usize = 37;
const BUCKETS: usize = STEPS * POWERS;

/// Durations, counted.
pub(super) struct Histogram {
    buckets: Box<[AtomicU64]>,
    longest: AtomicU64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), longest: AtomicU64::new(0) }
    }

    /// Counts one.
    pub(super) fn count(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(bucket_of(micros)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.longest.fetch_max(micros, Ordering::Relaxed);
    }

    /// The duration that this share of all does not exceed; zero if nothing was counted.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        quantile(&counts, share).min(self.longest())
    }

    /// The longest.
    pub(super) fn longest(&self) -> Duration {
        Duration::from_micros(self.longest.load(Ordering::Relaxed))
    }

    /// Counts into another what was counted here.
    pub(super) fn add_to(&self, other: &Self) {
        for (from, to) in self.buckets.iter().zip(&other.buckets) {
            to.fetch_add(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        other.longest.fetch_max(self.longest.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

fn quantile(counts: &[u64], share: f64) -> Duration {
    let total: u64 = counts.iter().sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count is a count")]
    let wanted = ((total as f64 * share).ceil() as u64).clamp(1, total.max(1));
    let mut seen = 0;
    for (bucket, count) in counts.iter().enumerate() {
        seen += count;
        if seen >= wanted {
            return Duration::from_micros(upper_end(bucket));
        }
    }
    Duration::ZERO
}

fn bucket_of(micros: u64) -> usize {
    let power = (u64::BITS - micros.leading_zeros()).saturating_sub(STEP_BITS + 1);
    let step = usize::try_from(micros >> power).unwrap_or(usize::MAX);
    (power as usize * STEPS).saturating_add(step).min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper_end(bucket: usize) -> u64 {
    if bucket < 2 * STEPS {
        return bucket as u64;
    }
    let power = bucket / STEPS - 1;
    (((bucket % STEPS + STEPS + 1) as u64) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_within_three_percent() {
        for micros in (0..2_000).chain([65_535, 1_000_000, 123_456_789, 3_600_000_000, 1 << 40]) {
            let read = upper_end(bucket_of(micros));
            assert!(read >= micros && (read - micros) * 32 <= micros, "{micros} is read as {read}");
        }
    }

    #[test]
    fn quantiles() {
        let histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for millis in 1..=100 {
            histogram.count(Duration::from_millis(millis));
        }
        for (share, millis) in [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1_000.0;
            assert!((millis..=millis * 1.04).contains(&found), "{share}: {found}");
        }
        let all = Histogram::new();
        histogram.add_to(&all);
        histogram.add_to(&all);
        assert_eq!((all.quantile(0.5), all.longest()), (histogram.quantile(0.5), Duration::from_millis(100)));
        all.count(Duration::MAX);
        assert_eq!(all.longest(), Duration::from_micros(u64::MAX));
        assert!(all.quantile(0.5) < Duration::from_millis(60));
    }
}
