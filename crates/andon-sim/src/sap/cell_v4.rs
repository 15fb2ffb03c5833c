//! Values as OData V4 writes them: in bodies, URL literals and answers.
//!
//! | type | in a body and an answer | in a URL |
//! |---|---|---|
//! | date | `2024-03-05` | `2024-03-05` |
//! | moment | `2024-03-05T14:00:00Z` | the same |
//! | time | `14:00:00` | the same |
//! | double, decimal | number | `1.5` |
//! | guid | text | without quotes |
//!
//! A text is never null.

use std::io::Write as _;

use andon_model::Timestamp;
use serde_json::Value;

use super::cell::{
    Cell, Literal, Misfit, bare_number, decimal, guid, int, iso_with_zone, iso_without_zone, not_a, string,
};
use super::fields::{Edm, Field};

/// Reads a value of a JSON body; `None` for null.
pub(crate) fn from_json(field: &Field, value: &Value) -> Result<Option<Cell>, Misfit> {
    let found = match (value, field.edm) {
        (Value::Null, Edm::Date | Edm::Moment | Edm::Time | Edm::Guid) => return Ok(None),
        (Value::Null, _) => return Err("cannot be null: leave it out or send its initial value".to_owned()),
        (Value::Bool(flag), Edm::Flag) => Some(Cell::Flag(*flag)),
        (Value::Number(number), Edm::Double) => number.as_f64().map(Cell::Number),
        (Value::Number(number), Edm::Decimal(..)) => return decimal(field, &number.to_string()).map(Some),
        (Value::Number(number), Edm::Int) => return number.as_i64().map_or(Err(misfit(Edm::Int)), int),
        (Value::String(text), Edm::Text(_) | Edm::Digits(_)) => return string(field, text).map(Some),
        (Value::String(text), edm) => temporal(edm, text),
        _ => None,
    };
    found.map(Some).ok_or_else(|| misfit(field.edm))
}

/// Reads a literal of a URL.
pub(crate) fn from_literal(field: &Field, literal: Literal<'_>) -> Result<Option<Cell>, Misfit> {
    let found = match (literal, field.edm) {
        (Literal::Bare("null"), _) => return Ok(None),
        (Literal::Quoted("", text), Edm::Text(_) | Edm::Digits(_)) => return string(field, text).map(Some),
        (Literal::Bare(word), Edm::Flag) => word.parse().ok().map(Cell::Flag),
        (Literal::Bare(word), Edm::Double | Edm::Int | Edm::Decimal(..)) => bare_number(word),
        (Literal::Bare(word), edm) => temporal(edm, word),
        _ => None,
    };
    found.map(Some).ok_or_else(|| misfit(field.edm))
}

/// Appends the JSON form of a value, or of the initial value when there is none.
pub(crate) fn print(cell: Option<&Cell>, edm: Edm, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = match cell {
        Some(Cell::Text(text)) => serde_json::to_writer(out, text.as_ref()).map_err(Into::into),
        Some(Cell::Millis(millis)) if edm == Edm::Moment => write!(out, "\"{}\"", stamp(*millis)),
        Some(Cell::Millis(millis)) => write!(out, "\"{}\"", stamp(*millis).get(..10).unwrap_or_default()),
        Some(Cell::Seconds(s)) => write!(out, "\"{:02}:{:02}:{:02}\"", s / 3_600, s / 60 % 60, s % 60),
        Some(Cell::Flag(flag)) => write!(out, "{flag}"),
        Some(Cell::Number(number)) => write!(out, "{number}"),
        None => match Cell::initial(edm) {
            Some(initial) => return print(Some(&initial), edm, out),
            None => out.write_all(b"null"),
        },
    };
}

fn stamp(millis: i64) -> String {
    Timestamp::from_micros(millis.saturating_mul(1_000)).to_string()
}

fn temporal(edm: Edm, text: &str) -> Option<Cell> {
    match edm {
        Edm::Date if text.len() == 10 => iso_without_zone(&format!("{text}T00:00:00")).map(Cell::Millis),
        Edm::Moment => iso_with_zone(text).map(Cell::Millis),
        Edm::Time => time_of_day(text).map(Cell::Seconds),
        Edm::Guid => guid(text),
        _ => None,
    }
}

/// `hh:mm:ss`, seconds may be left out or have a fraction.
fn time_of_day(text: &str) -> Option<u32> {
    let mut parts = text.split(':');
    let mut part = |limit: u32| {
        let digits = parts.next()?.split('.').next()?;
        (digits.len() == 2).then(|| digits.parse().ok()).flatten().filter(|count: &u32| *count < limit)
    };
    let (hours, minutes) = (part(24)?, part(60)?);
    let seconds = part(60).unwrap_or(0);
    parts.next().is_none().then_some(hours * 3_600 + minutes * 60 + seconds)
}

fn misfit(edm: Edm) -> Misfit {
    match edm {
        Edm::Date => "is not a date such as 2024-03-05".to_owned(),
        Edm::Moment => "is not a point in time such as 2024-03-05T14:00:00Z".to_owned(),
        Edm::Time => "is not a time of day such as 14:00:00".to_owned(),
        other => not_a(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fields::{date, decimal, field, flag, moment, text, time};
    use super::*;

    fn check(field: Field, value: &Value, expect: &str) {
        let found = match from_json(&field, value) {
            Ok(cell) => {
                let mut out = Vec::new();
                print(cell.as_ref(), field.edm, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(misfit) => misfit,
        };
        assert_eq!(found, expect, "for {value}");
    }

    #[test]
    fn bodies_are_read_and_printed() {
        check(text("F", 3), &json!("abc"), r#""abc""#);
        check(text("F", 3), &json!(null), "cannot be null: leave it out or send its initial value");
        check(date("F"), &json!("2023-03-28"), r#""2023-03-28""#);
        check(date("F"), &json!("/Date(1687824000000)/"), "is not a date such as 2024-03-05");
        check(date("F"), &json!(null), "null");
        check(moment("F"), &json!("2023-06-27T08:12:33Z"), r#""2023-06-27T08:12:33Z""#);
        check(time("F"), &json!("08:12:30"), r#""08:12:30""#);
        check(time("F"), &json!("PT8H"), "is not a time of day such as 14:00:00");
        check(decimal("F", 13, 3), &json!(1.5), "1.5");
        check(decimal("F", 13, 3), &json!("1.5"), "is not a number");
        check(flag("F"), &json!(true), "true");
        check(field("F", Edm::Guid), &json!("zz"), "is not a GUID of 36 characters");
    }

    #[test]
    fn literals_are_read() {
        let ok = |f: Field, l| from_literal(&f, l).unwrap();
        assert_eq!(ok(date("F"), Literal::Bare("2023-06-27")), Some(Cell::Millis(1_687_824_000_000)));
        assert_eq!(ok(text("F", 4), Literal::Quoted("", "a")), Some(Cell::text("a")));
        assert_eq!(ok(time("F"), Literal::Bare("00:01")), Some(Cell::Seconds(60)));
        assert!(from_literal(&date("F"), Literal::Quoted("datetime", "2023-06-27T00:00:00")).is_err());
    }
}
