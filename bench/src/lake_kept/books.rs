//! What must be in the tables, and what readers find there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Every such reading goes to the quarantine: a name in it is too long for a column.
const BAD: u64 = 97;
/// Every such reading has an array of two.
const TAGGED: u64 = 10;
/// Longer than a column's name may be.
const LONG_NAME: usize = 300;
/// Devices that report in turn.
const DEVICES: u64 = 200;

/// What different readings come to, however often each was received.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// Readings with a row, and the sums of their number and value.
    readings: u64,
    numbers: u64,
    values: f64,
    /// The sum of the elements of all arrays.
    tags: u64,
    quarantined: u64,
}

impl Expected {
    /// Of the readings with the numbers 1 to `last`.
    pub(super) fn of(last: u64) -> Self {
        let good = || (1..=last).filter(|number| number % BAD != 0);
        Self {
            readings: good().count() as u64,
            numbers: good().sum(),
            values: good().map(value).sum(),
            tags: good().filter(|number| number.is_multiple_of(TAGGED)).map(|number| number + 1).sum(),
            quarantined: last / BAD,
        }
    }
}

/// Quarters, so that sums are exact in whatever order they are made.
fn value(number: u64) -> f64 {
    number as f64 / 4.0
}

/// The line of a batch for the reading with this number.
pub(super) fn line(number: u64) -> String {
    let (device, value) = (number % DEVICES, value(number));
    let begin = format!(r#"{{"device":"line-{device:03}","payload":{{"n":{number},"v":{value:.2}"#);
    match number {
        _ if number.is_multiple_of(BAD) => format!("{begin},\"{}\":1}}}}\n", "x".repeat(LONG_NAME)),
        _ if number.is_multiple_of(TAGGED) => format!("{begin},\"tags\":[{number},1]}}}}\n"),
        _ => format!("{begin}}}}}\n"),
    }
}

/// What a reader finds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    pub(super) reader: String,
    /// Rows of the root table and of the quarantine.
    rows: u64,
    quarantined: u64,
    /// Different places of the raw log in both, and their sum.
    ids: u64,
    sum_of_ids: u64,
    /// Arrays that readings have, and elements in the child table.
    arrays: u64,
    elements: u64,
    /// What is left without repetitions.
    pub(super) distinct: Expected,
}

impl Found {
    /// Each of `received` readings has one row, or is in the quarantine; each array has its two elements.
    pub(super) const fn is_each_once(&self, received: u64) -> bool {
        self.rows + self.quarantined == received
            && self.ids == received
            && self.sum_of_ids == received * (received + 1) / 2
            && self.elements == 2 * self.arrays
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { readings, numbers, values, tags, quarantined } = self;
        write!(f, "{readings} readings (sums {numbers}, {values}, {tags}) and {quarantined} in the quarantine")
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, quarantined, elements, distinct, .. } = self;
        write!(
            f,
            "{rows} rows, {quarantined} in the quarantine, {elements} elements of arrays; without repetitions {distinct}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_too_many_or_too_few_shows() {
        let found = |rows, ids, sum_of_ids, elements| Found {
            reader: String::new(),
            rows,
            quarantined: 1,
            ids,
            sum_of_ids,
            arrays: 1,
            elements,
            distinct: Expected::of(3),
        };
        assert!(found(3, 4, 10, 2).is_each_once(4));
        for wrong in [found(4, 4, 10, 2), found(2, 3, 6, 2), found(3, 3, 10, 2), found(3, 4, 11, 2), found(3, 4, 10, 3)]
        {
            assert!(!wrong.is_each_once(4), "{wrong}");
        }
        let expected = Expected { readings: 192, numbers: 18_624, values: 4_656.0, tags: 1_919, quarantined: 2 };
        assert_eq!(Expected::of(194), expected);
    }
}
