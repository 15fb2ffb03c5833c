//! When a reading was measured, as far as it says so.

use andon_model::{Reading, Timestamp};
use serde_json::Value;

use super::cells::Cell;

/// From here on a number counts milliseconds, below it seconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// The time at `path` in the payload: a number of seconds or milliseconds since 1970, or RFC 3339. Where it is not
/// there or not a time, the time of receipt.
pub fn event_time(reading: &Reading, path: &[String]) -> Timestamp {
    time_at(&reading.payload, path).unwrap_or(reading.received)
}

fn time_at(payload: &[u8], path: &[String]) -> Option<Timestamp> {
    if path.is_empty() {
        return None;
    }
    let payload: Value = serde_json::from_slice(payload).ok()?;
    time_of(path.iter().try_fold(&payload, |value, member| value.get(member))?)
}

fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => of_number(number.as_f64()?),
        _ => None,
    }
}

/// The time that a value of a column is.
pub(super) fn of_cell(cell: Cell<'_>) -> Option<Timestamp> {
    match cell {
        Cell::String(text) => text.parse().ok(),
        Cell::Int(number) => of_number(number as f64),
        Cell::Double(number) => of_number(number),
        Cell::Boolean(_) | Cell::Array(_) => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the number is within the range that was checked")]
fn of_number(number: f64) -> Option<Timestamp> {
    let micros = if number.abs() >= MILLISECONDS_FROM { number * 1e3 } else { number * 1e6 };
    (micros.abs() < 9e18).then(|| Timestamp::from_micros(micros.round() as i64))
}
