//! What an alarm watches.

use std::collections::VecDeque;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::definition::{Direction, Operator};

/// A rate of change is computed from the lowest and the highest value of each fifteenth of its span.
const SLOTS: i64 = 15;

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

/// Values of the last span: the lowest and the highest of each fifteenth of it, so that their number is bounded and a
/// change as short as you like is seen. Only where the extreme of a slot has just left the span, others of that slot
/// count no more either.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Samples(VecDeque<Slot>);

/// A time, in microseconds since 1970, and the value then.
type Sample = (i64, f64);

/// What is kept of a fifteenth of the span. As JSON `[[ts, lowest], [ts, highest]]`; earlier snapshots have one sample,
/// `[ts, value]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
struct Slot(Sample, Sample);

#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Both(Sample, Sample),
    One(i64, f64),
}

impl From<Stored> for Slot {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Both(lowest, highest) => Self(lowest, highest),
            Stored::One(ts, value) => Self((ts, value), (ts, value)),
        }
    }
}

impl Slot {
    /// Takes a value in; of equal ones the newer counts, since it stays longer.
    fn add(&mut self, (ts, value): Sample) {
        if value <= self.0.1 {
            self.0 = (ts, value);
        }
        if value >= self.1.1 {
            self.1 = (ts, value);
        }
    }
}

impl Samples {
    /// How much the value has changed within the span, in the direction that counts: against the lowest or the highest
    /// of the samples. Takes the value in.
    pub(crate) fn change(&mut self, ts: Timestamp, value: f64, within: i64, direction: Direction) -> f64 {
        let ts = ts.as_micros();
        self.take((ts, value), within);
        let from = ts - within;
        let samples = || self.0.iter().flat_map(|slot| [slot.0, slot.1]).filter(move |(at, _)| *at >= from);
        let lowest = samples().map(|(_, value)| value).fold(value, f64::min);
        let highest = samples().map(|(_, value)| value).fold(value, f64::max);
        match direction {
            Direction::Rising => value - lowest,
            Direction::Falling => highest - value,
            Direction::Either => (value - lowest).max(highest - value),
        }
    }

    /// Takes a sample into its slot, and gives up slots that are before the span.
    fn take(&mut self, sample: Sample, within: i64) {
        let width = (within / SLOTS).max(1);
        let number = |ts: i64| ts.div_euclid(width);
        self.0.retain(|slot| slot.0.0.max(slot.1.0) >= sample.0 - within);
        match self.0.back_mut().filter(|slot| number(slot.0.0) == number(sample.0)) {
            Some(slot) => slot.add(sample),
            None => self.0.push_back(Slot(sample, sample)),
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

    #[test]
    fn a_change_within_a_slot_is_seen() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let minute = 60_000_000;
        let mut samples = Samples::default();
        let mut rise = |(second, value)| samples.change(at(second), value, minute, Direction::Rising);
        let values = [(0, 20.0), (1, 10.0), (2, 20.0), (3, 19.0), (61, 18.0), (62, 18.0)];
        let rises: Vec<f64> = values.into_iter().map(&mut rise).collect();
        assert_eq!(rises, [0.0, 0.0, 10.0, 9.0, 8.0, 0.0], "at last the low has left the span");
    }

    #[test]
    fn samples_of_earlier_snapshots_are_read() {
        let mut samples: Samples = serde_json::from_str("[[0,10.0],[5,14.0]]").expect("reads");
        let rise = samples.change(Timestamp::from_micros(90), 15.0, 100, Direction::Rising);
        assert_eq!(vec![rise], [5.0]);
        let text = serde_json::to_string(&samples).expect("serialises");
        assert!(text.starts_with("[[[0,10.0],[0,10.0]],"), "{text}");
        assert_eq!(serde_json::from_str::<Samples>(&text).expect("reads"), samples);
    }
}
