//! Values of a window, taken in one by one: memory does not grow with their number.

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::formula::Function;
use crate::value::Scalar;

/// A value and its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamped {
    pub(crate) ts: Timestamp,
    pub(crate) value: Scalar,
}

/// The numbers of a window, by Welford's method, and its first and last value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Aggregate {
    /// All values.
    count: u64,
    /// Those that are numbers, with their mean, squared distances from it, and sum.
    numbers: u64,
    mean: f64,
    squares: f64,
    sum: f64,
    min: Option<f64>,
    max: Option<f64>,
    pub(crate) first: Option<Stamped>,
    pub(crate) last: Option<Stamped>,
}

impl Aggregate {
    /// Takes a value in; it may be older than others.
    pub(crate) fn add(&mut self, ts: Timestamp, value: &Scalar) {
        self.count += 1;
        if let Some(number) = value.number() {
            self.add_number(number);
        }
        if self.first.as_ref().is_none_or(|first| ts < first.ts) {
            self.first = Some(Stamped { ts, value: value.clone() });
        }
        if self.last.as_ref().is_none_or(|last| ts >= last.ts) {
            self.last = Some(Stamped { ts, value: value.clone() });
        }
    }

    fn add_number(&mut self, number: f64) {
        self.numbers += 1;
        let distance = number - self.mean;
        self.mean += distance / self.numbers as f64;
        self.squares += distance * (number - self.mean);
        self.sum += number;
        self.min = Some(self.min.map_or(number, |min| min.min(number)));
        self.max = Some(self.max.map_or(number, |max| max.max(number)));
    }

    /// Both together.
    pub(crate) fn merge(&self, other: &Self) -> Self {
        let numbers = self.numbers + other.numbers;
        let share = if numbers == 0 { 0.0 } else { other.numbers as f64 / numbers as f64 };
        let distance = other.mean - self.mean;
        let later = |a: &Stamped, b: &Stamped| a.ts <= b.ts;
        Self {
            count: self.count + other.count,
            numbers,
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * self.numbers as f64 * share,
            sum: self.sum + other.sum,
            min: both(self.min, other.min, f64::min),
            max: both(self.max, other.max, f64::max),
            first: both(self.first.clone(), other.first.clone(), |a, b| if later(&a, &b) { a } else { b }),
            last: both(self.last.clone(), other.last.clone(), |a, b| if later(&a, &b) { b } else { a }),
        }
    }

    /// A function that only looks into the window.
    pub(crate) fn value(&self, function: Function) -> Option<Scalar> {
        let number = |number: f64| (self.numbers > 0 && number.is_finite()).then_some(Scalar::Double(number));
        match function {
            Function::Avg => number(self.mean),
            Function::Sum => number(self.sum),
            Function::Min => number(self.min?),
            Function::Max => number(self.max?),
            Function::Stdev => number((self.squares.max(0.0) / self.numbers as f64).sqrt()),
            Function::Count => Some(Scalar::Integer(self.count.cast_signed())),
            Function::First | Function::Earliest => self.first.as_ref().map(|first| first.value.clone()),
            Function::Last | Function::Latest => self.last.as_ref().map(|last| last.value.clone()),
        }
    }
}

fn both<T>(a: Option<T>, b: Option<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(join(a, b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> Aggregate {
        let mut aggregate = Aggregate::default();
        for (number, second) in numbers.iter().zip(0..) {
            aggregate.add(Timestamp::from_micros(second), &Scalar::Double(*number));
        }
        aggregate
    }

    fn check(numbers: &[f64], function: Function, expect: Option<f64>) {
        for cut in 0..=numbers.len() {
            let (head, tail) = numbers.split_at(cut);
            let mut tail_later = Aggregate::default();
            for (number, second) in tail.iter().zip(100..) {
                tail_later.add(Timestamp::from_micros(second), &Scalar::Double(*number));
            }
            let found = of(head).merge(&tail_later).value(function).and_then(|value| value.number());
            let near = match (found, expect) {
                (Some(found), Some(expect)) => (found - expect).abs() < 1e-9,
                (found, expect) => found == expect,
            };
            assert!(near, "{function:?} of {numbers:?} cut at {cut}: {found:?}, not {expect:?}");
        }
    }

    #[test]
    fn functions_of_a_window() {
        let numbers = [4.0, -2.0, 10.0, 0.0];
        check(&numbers, Function::Avg, Some(3.0));
        check(&numbers, Function::Sum, Some(12.0));
        check(&numbers, Function::Min, Some(-2.0));
        check(&numbers, Function::Max, Some(10.0));
        check(&numbers, Function::Count, Some(4.0));
        check(&numbers, Function::Stdev, Some(21.0_f64.sqrt()));
        check(&numbers, Function::First, Some(4.0));
        check(&numbers, Function::Last, Some(0.0));
        check(&[5.0], Function::Stdev, Some(0.0));
        check(&[], Function::Avg, None);
        check(&[], Function::Count, Some(0.0));
        check(&[], Function::Last, None);
    }

    #[test]
    fn text_counts_and_is_no_number() {
        let mut aggregate = Aggregate::default();
        aggregate.add(Timestamp::from_micros(2), &Scalar::String("b".into()));
        aggregate.add(Timestamp::from_micros(1), &Scalar::String("a".into()));
        assert_eq!(aggregate.value(Function::Count), Some(Scalar::Integer(2)));
        assert_eq!(aggregate.value(Function::First), Some(Scalar::String("a".into())));
        assert_eq!(aggregate.value(Function::Last), Some(Scalar::String("b".into())));
        assert_eq!(aggregate.value(Function::Avg), None);
    }
}
