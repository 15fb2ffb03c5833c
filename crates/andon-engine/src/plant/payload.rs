//! The fields of a payload: its scalars by dotted lower-case path, as flattening names columns.
//!
//! **Constraints.** Pure; memory is bounded by the payload. Arrays have no path: they are in the lake, with tables of
//! their own. A payload that is not JSON has no fields, and is in the lake's quarantine.

use andon_assets::Given;
use andon_model::{MAX_JSON_DEPTH, Timestamp};
use serde_json::Value;

/// Most fields of one payload that are looked at.
const MAX_FIELDS: usize = 4_096;

/// Path of a payload that is a bare value.
const BARE: &str = "value";

/// A scalar with its path.
pub(super) type Field<'a> = (String, Given<'a>);

/// All scalars of `value`, in its order.
pub(super) fn fields(value: &Value) -> Vec<Field<'_>> {
    let mut found = Vec::new();
    match value {
        Value::Object(_) => walk(value, &mut String::new(), 0, &mut found),
        bare => found.extend(given(bare).map(|given| (BARE.to_owned(), given))),
    }
    found
}

fn walk<'a>(value: &'a Value, path: &mut String, depth: usize, found: &mut Vec<Field<'a>>) {
    let Value::Object(members) = value else {
        found.extend(given(value).map(|given| (path.clone(), given)));
        return;
    };
    if depth >= MAX_JSON_DEPTH {
        return;
    }
    for (name, value) in members {
        if found.len() >= MAX_FIELDS {
            return;
        }
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        path.extend(name.chars().flat_map(char::to_lowercase));
        walk(value, path, depth + 1, found);
        path.truncate(before);
    }
}

fn given(value: &Value) -> Option<Given<'_>> {
    match value {
        Value::Bool(truth) => Some(Given::Boolean(*truth)),
        Value::Number(number) => number.as_i64().map(Given::Integer).or_else(|| number.as_f64().map(Given::Double)),
        Value::String(text) => Some(Given::Text(text)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Seconds up to here are seconds; larger numbers are milliseconds. As seconds, it is the year 5138.
const SECONDS_LIMIT: f64 = 1e11;

/// The time that the field at `path` says: RFC 3339, or seconds or milliseconds since 1970. Times before 1678 or after 2261 are
/// none.
pub(super) fn time(fields: &[Field<'_>], path: &str) -> Option<Timestamp> {
    let (_, given) = fields.iter().find(|(known, _)| known == path)?;
    let time = match given {
        Given::Text(text) => text.trim().parse().ok().or_else(|| from_number(text.trim().parse().ok()?)),
        Given::Integer(number) => from_number(*number as f64),
        Given::Double(number) => from_number(*number),
        Given::Boolean(_) => None,
    };
    time.filter(|time: &Timestamp| time.fits_nanoseconds())
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked, and less than a microsecond does not count")]
fn from_number(number: f64) -> Option<Timestamp> {
    let micros = if number.abs() < SECONDS_LIMIT { number * 1e6 } else { number * 1e3 };
    (micros.abs() < 9e18).then(|| Timestamp::from_micros(micros.round() as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_have_the_path_of_their_column() {
        let payload = json!({"device": {"deviceId": "d1"}, "Measurements": {"T": 21.5, "on": true, "n": 3, "none": null,
            "list": [1, 2]}});
        let expect = [
            ("device.deviceid".to_owned(), Given::Text("d1")),
            ("measurements.t".to_owned(), Given::Double(21.5)),
            ("measurements.on".to_owned(), Given::Boolean(true)),
            ("measurements.n".to_owned(), Given::Integer(3)),
        ];
        assert_eq!(fields(&payload), expect);
        assert_eq!(fields(&json!(7)), [("value".to_owned(), Given::Integer(7))]);
        assert_eq!(fields(&json!([7])), []);
    }

    #[test]
    fn payloads_are_looked_at_up_to_a_limit() {
        let wide: Value =
            (0..MAX_FIELDS + 9).map(|n| (n.to_string(), json!(n))).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(fields(&wide).len(), MAX_FIELDS);
        let deep = (0..=MAX_JSON_DEPTH).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(fields(&deep), []);
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        let check = |value: Value, expect: Option<&str>| {
            let payload = json!({ "ts": value });
            let expect = expect.map(|text| text.parse().expect("a time"));
            assert_eq!(time(&fields(&payload), "ts"), expect, "{payload}");
        };
        check(json!("2026-03-05T14:00:00.5Z"), Some("2026-03-05T14:00:00.5Z"));
        check(json!(1_772_719_200), Some("2026-03-05T14:00:00Z"));
        check(json!(1_772_719_200_500_i64), Some("2026-03-05T14:00:00.5Z"));
        check(json!("1772719200"), Some("2026-03-05T14:00:00Z"));
        check(json!(true), None);
        check(json!("yesterday"), None);
        check(json!(1e300), None);
    }
}
