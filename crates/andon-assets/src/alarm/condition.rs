//! What an alarm watches.

use std::collections::VecDeque;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::definition::{Direction, Operator};

/// Samples that a rate of change is computed from: one per fifteenth of its span.
const SAMPLES: i64 = 15;

/// A condition, its references resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    /// The value is beyond a limit.
    Threshold { operator: Operator, limit: Limit, hysteresis: f64 },
    /// The value changes by more than a limit within a span, in microseconds.
    Rate { change: f64, within: i64, direction: Direction, hysteresis: f64 },
    /// No value for longer than this, in microseconds.
    Silence { after: i64 },
}

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    /// The same for all.
    Number(f64),
    /// The value of the attribute at this position.
    Attribute(usize),
}

/// What a condition says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold any more.
    Over,
    /// It does not hold, but the value has not come back far enough either.
    Between,
}

/// How a value compares with a limit, with a band behind the limit in which neither is said.
pub(crate) fn compare(operator: Operator, value: f64, limit: f64, hysteresis: f64) -> Verdict {
    let behind = match operator {
        Operator::Greater | Operator::GreaterOrEqual => limit - hysteresis,
        Operator::Less | Operator::LessOrEqual => limit + hysteresis,
        Operator::Equal | Operator::NotEqual => limit,
    };
    if holds(operator, value, limit) {
        Verdict::Holds
    } else if holds(operator, value, behind) {
        Verdict::Between
    } else {
        Verdict::Over
    }
}

#[expect(clippy::float_cmp, reason = "whoever asks for equality means it")]
fn holds(operator: Operator, value: f64, limit: f64) -> bool {
    match operator {
        Operator::Less => value < limit,
        Operator::LessOrEqual => value <= limit,
        Operator::Equal => value == limit,
        Operator::NotEqual => value != limit,
        Operator::GreaterOrEqual => value >= limit,
        Operator::Greater => value > limit,
    }
}

/// Values of the last span, one per fifteenth of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Samples(VecDeque<(i64, f64)>);

impl Samples {
    /// How much the value has changed within the span, in the direction that counts: against the lowest or the highest
    /// of the samples. Takes the value in.
    pub(crate) fn change(&mut self, ts: Timestamp, value: f64, within: i64, direction: Direction) -> f64 {
        let ts = ts.as_micros();
        self.0.retain(|(at, _)| *at >= ts - within);
        let lowest = self.0.iter().map(|(_, value)| *value).fold(value, f64::min);
        let highest = self.0.iter().map(|(_, value)| *value).fold(value, f64::max);
        if self.0.back().is_none_or(|(at, _)| ts - at >= within / SAMPLES) {
            self.0.push_back((ts, value));
        }
        match direction {
            Direction::Rising => value - lowest,
            Direction::Falling => highest - value,
            Direction::Either => (value - lowest).max(highest - value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operator: Operator, hysteresis: f64, cases: &[(f64, Verdict)]) {
        for (value, expect) in cases {
            assert_eq!(compare(operator, *value, 70.0, hysteresis), *expect, "{value} {operator:?} 70 ± {hysteresis}");
        }
    }

    #[test]
    fn limits_have_a_band_behind_them() {
        use Verdict::{Between, Holds, Over};
        check(Operator::Greater, 0.0, &[(70.1, Holds), (70.0, Over), (69.0, Over)]);
        check(Operator::Greater, 2.0, &[(70.1, Holds), (70.0, Between), (68.1, Between), (68.0, Over)]);
        check(Operator::GreaterOrEqual, 2.0, &[(70.0, Holds), (68.0, Between), (67.9, Over)]);
        check(Operator::Less, 2.0, &[(69.9, Holds), (70.0, Between), (71.9, Between), (72.0, Over)]);
        check(Operator::LessOrEqual, 2.0, &[(70.0, Holds), (72.0, Between), (72.1, Over)]);
        check(Operator::Equal, 0.0, &[(70.0, Holds), (70.1, Over)]);
        check(Operator::NotEqual, 0.0, &[(70.0, Over), (70.1, Holds)]);
    }

    #[test]
    fn changes_are_measured_within_the_span() {
        let at = Timestamp::from_micros;
        let run = |direction, values: &[(i64, f64)]| {
            let mut samples = Samples::default();
            values.iter().map(|(ts, value)| samples.change(at(*ts), *value, 100, direction)).collect::<Vec<_>>()
        };
        let values = [(0, 10.0), (50, 14.0), (100, 12.0), (151, 12.0), (300, 5.0)];
        assert_eq!(run(Direction::Rising, &values), [0.0, 4.0, 2.0, 0.0, 0.0]);
        assert_eq!(run(Direction::Falling, &values), [0.0, 0.0, 2.0, 0.0, 0.0]);
        assert_eq!(run(Direction::Either, &values), [0.0, 4.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn samples_are_few() {
        let mut samples = Samples::default();
        for ts in 0..10_000 {
            samples.change(Timestamp::from_micros(ts), 0.0, 150, Direction::Either);
        }
        assert!(samples.0.len() <= 16, "{}", samples.0.len());
    }
}
