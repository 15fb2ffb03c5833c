//! When a reading was measured, as far as it says so.
//!
//! **Constraints.** The same time as that of the values which assets take from the reading: the path is one of the
//! columns' names, in lower case, and the first scalar that it leads to counts.

use andon_model::{Reading, Timestamp};
use serde_json::Value;

use super::cells::Cell;
use super::walk::WHOLE;

/// From here on a number counts milliseconds, below it seconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;
/// Microseconds that fit their type.
const MICROSECONDS_BELOW: f64 = 9e18;

/// The time at `path` in the payload, a dotted path in lower case: a number of seconds or milliseconds since 1970, also as
/// text, or RFC 3339. Where it is not there or not a time, the time of receipt; so too for times before 1678 or after 2261,
/// which stand for "none" or "for ever", and which SQL's functions cannot count in nanoseconds.
pub fn event_time(reading: &Reading, path: &str) -> Timestamp {
    time_at(&reading.payload, path).unwrap_or(reading.received)
}

fn time_at(payload: &[u8], path: &str) -> Option<Timestamp> {
    if path.is_empty() {
        return None;
    }
    let payload: Value = serde_json::from_slice(payload).ok()?;
    let found = if payload.is_object() { find(&payload, path) } else { (path == WHOLE).then_some(&payload) };
    match found? {
        Value::String(text) => of_text(text),
        Value::Number(number) => of_number(number.as_f64()?),
        _ => None,
    }
}

/// The first scalar that `path` leads to.
fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find_map(|(name, member)| match behind(path, name)? {
        "" => (member.is_boolean() || member.is_number() || member.is_string()).then_some(member),
        rest => find(member, rest.strip_prefix('.')?),
    })
}

/// What is left of `path` behind a member, whose name counts in lower case.
pub(super) fn behind<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let mut rest = path.chars();
    for of_name in name.chars().flat_map(char::to_lowercase) {
        if rest.next() != Some(of_name) {
            return None;
        }
    }
    Some(rest.as_str())
}

/// The time that a value of a column is.
pub(super) fn of_cell(cell: Cell<'_>) -> Option<Timestamp> {
    match cell {
        Cell::String(text) => of_text(text),
        Cell::Int(number) => of_number(number as f64),
        Cell::Double(number) => of_number(number),
        Cell::Boolean(_) | Cell::Array(_) => None,
    }
}

fn of_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = text.parse().ok().or_else(|| of_number(text.parse().ok()?));
    time.filter(|time: &Timestamp| time.fits_nanoseconds())
}

#[expect(clippy::cast_possible_truncation, reason = "the number is within the range that was checked")]
fn of_number(number: f64) -> Option<Timestamp> {
    let micros = if number.abs() >= MILLISECONDS_FROM { number * 1e3 } else { number * 1e6 };
    let time = (micros.abs() < MICROSECONDS_BELOW).then(|| Timestamp::from_micros(micros.round() as i64));
    time.filter(|time| time.fits_nanoseconds())
}
