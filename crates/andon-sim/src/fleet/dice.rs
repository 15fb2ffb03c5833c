//! Chance that repeats: every draw is a function of the seed, the device, a number and a purpose.
//!
//! **Constraints.** No state and no ambient randomness. What a device meets at its n-th message does not depend on how
//! its connection fared or on what the others did.

use std::time::Duration;

use crate::faults::{GOLDEN, fingerprint, mix, unit};

/// The dice of one device, or of the fleet as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of `subject` under `seed`.
    pub(super) fn of(seed: u64, subject: &str) -> Self {
        Self(mix(seed ^ mix(fingerprint([subject.as_bytes()]))))
    }

    /// 64 bits for the `number`-th draw of a purpose.
    pub(super) fn bits(self, number: u64, purpose: u64) -> u64 {
        mix(self.0 ^ mix(number.wrapping_mul(GOLDEN) ^ mix(purpose)))
    }

    /// From 0 (inclusive) to 1 (exclusive).
    pub(super) fn unit(self, number: u64, purpose: u64) -> f64 {
        unit(self.bits(number, purpose))
    }

    /// From -1 (inclusive) to 1 (exclusive).
    pub(super) fn swing(self, number: u64, purpose: u64) -> f64 {
        self.unit(number, purpose) * 2.0 - 1.0
    }

    /// Whether something of probability `rate` happens.
    pub(super) fn hits(self, rate: f64, number: u64, purpose: u64) -> bool {
        rate > 0.0 && self.unit(number, purpose) < rate
    }

    /// A part of `span`.
    pub(super) fn part_of(self, span: Duration, number: u64, purpose: u64) -> Duration {
        span.mul_f64(self.unit(number, purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ() {
        let draw = |seed, subject: &str, number, purpose| Dice::of(seed, subject).bits(number, purpose);
        assert_eq!(draw(1, "a", 2, 3), draw(1, "a", 2, 3));
        for other in [draw(2, "a", 2, 3), draw(1, "b", 2, 3), draw(1, "a", 3, 3), draw(1, "a", 2, 4)] {
            assert_ne!(other, draw(1, "a", 2, 3));
        }
    }

    #[test]
    fn rates_are_met() {
        let dice = Dice::of(1, "a");
        for (rate, expect) in [(0.0, 0), (0.25, 2_500), (1.0, 10_000)] {
            let hits = (0..10_000).filter(|number| dice.hits(rate, *number, 1)).count();
            assert!(hits.abs_diff(expect) < 250, "{rate}: {hits}");
        }
    }
}
