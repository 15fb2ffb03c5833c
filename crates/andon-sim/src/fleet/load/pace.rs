//! When a device's next message is due.
//!
//! **Constraints.** The schedule does not wait for the broker: a device that was held up makes up for at most a second, and
//! what it skips beyond that is counted, so that a slow broker does not look like a lower load.

use std::time::Duration;

use tokio::time::Instant;

/// What is made up for.
const MAX_LAG: Duration = Duration::from_secs(1);

/// The schedule of one device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// None: as fast as it goes.
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// Messages per second, the first one after a `phase` (0 to 1) of the interval.
    pub(super) fn new(rate: Option<f64>, phase: f64, now: Instant) -> Self {
        let interval = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { interval, next: now + interval.unwrap_or_default().mul_f64(phase) }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// One was made. Gives how many are skipped.
    pub(super) fn advance(&mut self, now: Instant) -> u64 {
        let Some(interval) = self.interval else { return 0 };
        self.next += interval;
        let lag = now.saturating_duration_since(self.next);
        if lag <= MAX_LAG.max(interval) {
            return 0;
        }
        self.next = now;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quotient of two spans")]
        let skipped = (lag.as_secs_f64() / interval.as_secs_f64()) as u64;
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_at_their_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(10.0), 0.5, start);
        let mut due = Vec::new();
        for millis in 0..500 {
            let now = start + Duration::from_millis(millis);
            while pace.is_due(now) {
                due.push(millis);
                assert_eq!(pace.advance(now), 0);
            }
        }
        assert_eq!(due, [50, 150, 250, 350, 450]);
    }

    #[test]
    fn what_lies_far_back_is_skipped() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(10.0), 0.0, start);
        let late = start + Duration::from_millis(5_050);
        assert_eq!(pace.advance(late), 49);
        assert!(pace.is_due(late));
        assert_eq!(pace.advance(late), 0);
        assert!(!pace.is_due(late));
    }

    #[test]
    fn without_a_rate_it_is_always_time() {
        let start = Instant::now();
        let mut pace = Pace::new(None, 0.5, start);
        assert!(pace.is_due(start));
        assert_eq!(pace.advance(start + Duration::from_hours(1)), 0);
    }
}
