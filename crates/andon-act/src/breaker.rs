//! Circuit breaker: leaves a destination alone that fails again and again.
//!
//! Pure: the engine tells it what happened and asks whether the next request may go.

use andon_model::Timestamp;

use crate::DestinationLimits;

/// Whether a request may go to the destination now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Go.
    Granted,
    /// The circuit is open; ask again at this time.
    Until(Timestamp),
}

/// Counts failures in a row; after too many it opens, then lets one request through as a trial.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    failures: u32,
    open_until: Option<Timestamp>,
    trial_under_way: bool,
}

impl Breaker {
    /// Asks whether a request may go. A grant while the circuit is open is the trial request.
    pub fn admit(&mut self, limits: &DestinationLimits, now: Timestamp) -> Admission {
        match self.open_until {
            None => Admission::Granted,
            Some(until) if now < until => Admission::Until(until),
            Some(_) if self.trial_under_way => Admission::Until(now.after(limits.open_for)),
            Some(_) => {
                self.trial_under_way = true;
                Admission::Granted
            }
        }
    }

    /// The destination answered (also with a refusal): it is alive.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The destination was busy, unreachable, or the request was lost.
    pub fn failed(&mut self, limits: &DestinationLimits, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        if self.trial_under_way || self.failures >= limits.open_after {
            self.open_until = Some(now.after(limits.open_for));
            self.trial_under_way = false;
        }
    }

    /// The trial request was not sent after all.
    pub fn abandon_trial(&mut self) {
        self.trial_under_way = false;
    }

    /// Whether requests are held back at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: DestinationLimits =
        DestinationLimits { max_concurrency: 1, open_after: 3, open_for: Duration::from_secs(10) };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::default();
        breaker.failed(&LIMITS, at(0));
        breaker.failed(&LIMITS, at(0));
        breaker.succeeded();
        breaker.failed(&LIMITS, at(0));
        breaker.failed(&LIMITS, at(0));
        assert_eq!(breaker.admit(&LIMITS, at(0)), Admission::Granted);
        breaker.failed(&LIMITS, at(0));
        assert_eq!(breaker.admit(&LIMITS, at(1)), Admission::Until(at(10)));
        assert!(breaker.is_open(at(1)));
    }

    #[test]
    fn lets_one_trial_through_and_reopens_when_it_fails() {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.failed(&LIMITS, at(0)));
        assert_eq!(breaker.admit(&LIMITS, at(10)), Admission::Granted);
        assert_eq!(breaker.admit(&LIMITS, at(10)), Admission::Until(at(20)));
        breaker.failed(&LIMITS, at(11));
        assert_eq!(breaker.admit(&LIMITS, at(12)), Admission::Until(at(21)));
        assert_eq!(breaker.admit(&LIMITS, at(21)), Admission::Granted);
        breaker.succeeded();
        assert_eq!(breaker.admit(&LIMITS, at(21)), Admission::Granted);
        assert_eq!(breaker.admit(&LIMITS, at(21)), Admission::Granted);
    }
}
