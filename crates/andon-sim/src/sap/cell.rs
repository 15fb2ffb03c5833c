//! Values of properties: read from JSON bodies and URL literals, printed as SAP prints them.
//!
//! | type | in a body | in a URL | in an answer |
//! |---|---|---|---|
//! | date | `/Date(ms)/` or `2024-03-05T00:00:00` | `datetime'…'` | `/Date(ms)/` or `null` |
//! | moment | `/Date(ms+0000)/` or `2024-03-05T14:00:00Z` | `datetimeoffset'…'` | `/Date(ms+0000)/` or `null` |
//! | time | `PT14H00M00S` | `time'…'` | `PT14H00M00S` |
//! | double, decimal | number or text | `1.5`, `1.5d`, `1.5m` | text |
//! | guid | text | `guid'…'` | text or `null` |
//!
//! What OData V4 writes differently stands in `cell_v4`.

use std::io::Write as _;

use andon_model::Timestamp;
use serde_json::Value;

use super::fields::{Edm, Field};

/// Milliseconds of a day.
pub(super) const DAY_MILLIS: i64 = 86_400_000;

/// A value that is not initial by necessity.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Cell {
    Text(Box<str>),
    /// Milliseconds since the epoch, for dates and moments.
    Millis(i64),
    /// Seconds since midnight.
    Seconds(u32),
    Flag(bool),
    Number(f64),
}

/// Why a value does not fit, to be put after the property's name.
pub(crate) type Misfit = String;

impl Cell {
    pub(crate) fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// What a property has that was never given; `None` is OData's null.
    pub(crate) fn initial(edm: Edm) -> Option<Self> {
        match edm {
            Edm::Text(_) | Edm::Digits(_) => Some(Self::Text("".into())),
            Edm::Date | Edm::Moment | Edm::Guid => None,
            Edm::Time => Some(Self::Seconds(0)),
            Edm::Flag => Some(Self::Flag(false)),
            Edm::Double | Edm::Int | Edm::Decimal(..) => Some(Self::Number(0.0)),
        }
    }

    /// The day of a point in time.
    pub(crate) fn day(at: Timestamp) -> Self {
        Self::Millis(at.as_millis() - at.as_millis().rem_euclid(DAY_MILLIS))
    }

    /// The time of day of a point in time.
    pub(crate) fn time_of_day(at: Timestamp) -> Self {
        Self::Seconds(u32::try_from(at.as_millis().rem_euclid(DAY_MILLIS) / 1_000).unwrap_or(0))
    }

    /// A point in time, in whole seconds as SAP's short time stamps are.
    pub(crate) fn moment(at: Timestamp) -> Self {
        Self::Millis(at.as_millis() - at.as_millis().rem_euclid(1_000))
    }

    /// Reads a value of a JSON body; `None` for null.
    pub(crate) fn from_json(field: &Field, value: &Value) -> Result<Option<Self>, Misfit> {
        let text = match (value, field.edm) {
            (Value::Null, _) => return Ok(None),
            (Value::Bool(flag), Edm::Flag) => return Ok(Some(Self::Flag(*flag))),
            (Value::Number(number), Edm::Double) => return Ok(number.as_f64().map(Self::Number)),
            (Value::Number(number), Edm::Decimal(..)) => return decimal(field, &number.to_string()).map(Some),
            (Value::Number(number), Edm::Int) => return number.as_i64().map_or(Err(not_a(Edm::Int)), int),
            (Value::String(text), Edm::Text(_) | Edm::Digits(_)) => return string(field, text).map(Some),
            (Value::String(text), Edm::Decimal(..)) => return decimal(field, text).map(Some),
            (Value::String(text), Edm::Guid) => return guid(text).map(Some).ok_or_else(|| not_a(Edm::Guid)),
            (Value::String(text), Edm::Date | Edm::Moment | Edm::Time | Edm::Double) => text.as_str(),
            _ => return Err(not_a(field.edm)),
        };
        let found = match field.edm {
            Edm::Date => date_of_json(text)?,
            Edm::Moment => json_date(text).or_else(|| iso_with_zone(text)).map(Self::Millis),
            Edm::Time => time_of_day(text).map(Self::Seconds),
            _ => text.parse().ok().filter(|n: &f64| n.is_finite()).map(Self::Number),
        };
        found.map(Some).ok_or_else(|| not_a(field.edm))
    }

    /// Reads a literal of a URL: `prefix'text'`, or without quotes for numbers, flags and null.
    pub(crate) fn from_literal(field: &Field, literal: Literal<'_>) -> Result<Option<Self>, Misfit> {
        let found = match (literal, field.edm) {
            (Literal::Bare("null"), _) => return Ok(None),
            (Literal::Quoted("", text), Edm::Text(_) | Edm::Digits(_)) => return string(field, text).map(Some),
            (Literal::Quoted("datetime", text), Edm::Date) => iso_without_zone(text).map(Self::Millis),
            (Literal::Quoted("datetimeoffset", text), Edm::Moment) => iso_with_zone(text).map(Self::Millis),
            (Literal::Quoted("time", text), Edm::Time) => time_of_day(text).map(Self::Seconds),
            (Literal::Quoted("guid", text), Edm::Guid) => guid(text),
            (Literal::Bare(word), Edm::Flag) => word.parse().ok().map(Self::Flag),
            (Literal::Bare(word), Edm::Double | Edm::Int | Edm::Decimal(..)) => bare_number(word),
            _ => None,
        };
        found.map(Some).ok_or_else(|| not_a(field.edm))
    }

    /// Appends the JSON form of a value, or of the initial value when there is none.
    pub(crate) fn print(cell: Option<&Self>, edm: Edm, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        let _ = match cell {
            Some(Self::Text(text)) => serde_json::to_writer(out, text.as_ref()).map_err(Into::into),
            Some(Self::Millis(millis)) if edm == Edm::Moment => write!(out, "\"\\/Date({millis}+0000)\\/\""),
            Some(Self::Millis(millis)) => write!(out, "\"\\/Date({millis})\\/\""),
            Some(Self::Seconds(s)) => write!(out, "\"PT{:02}H{:02}M{:02}S\"", s / 3_600, s / 60 % 60, s % 60),
            Some(Self::Flag(flag)) => write!(out, "{flag}"),
            Some(Self::Number(number)) if edm == Edm::Int => write!(out, "{number:.0}"),
            Some(Self::Number(number)) => match edm {
                Edm::Decimal(_, scale) => write!(out, "\"{number:.0$}\"", usize::from(scale)),
                _ => write!(out, "\"{number:?}\""),
            },
            None => match (edm, Self::initial(edm)) {
                (Edm::Decimal(..), Some(zero)) => return Self::print(Some(&zero), edm, out),
                _ => out.write_all(initial_json(edm)),
            },
        };
    }

    /// The text form used outside JSON.
    pub(crate) fn plain(cell: Option<&Self>, edm: Edm) -> String {
        if let Some(Self::Text(text)) = cell {
            return text.to_string();
        }
        let mut json = Vec::new();
        Self::print(cell, edm, &mut json);
        let text = String::from_utf8(json).unwrap_or_default();
        if text == "null" { String::new() } else { text.trim_matches('"').replace("\\/", "/") }
    }
}

/// A literal in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Literal<'a> {
    /// `prefix'text'`, quotes already undoubled.
    Quoted(&'a str, &'a str),
    /// Anything without quotes.
    Bare(&'a str),
}

fn initial_json(edm: Edm) -> &'static [u8] {
    match edm {
        Edm::Text(_) | Edm::Digits(_) => b"\"\"",
        Edm::Date | Edm::Moment | Edm::Guid => b"null",
        Edm::Time => b"\"PT00H00M00S\"",
        Edm::Flag => b"false",
        Edm::Double | Edm::Decimal(..) => b"\"0.0\"",
        Edm::Int => b"0",
    }
}

pub(super) fn string(field: &Field, text: &str) -> Result<Cell, Misfit> {
    let (length, digits) = match field.edm {
        Edm::Digits(length) => (usize::from(length), true),
        Edm::Text(length) => (usize::from(length), false),
        other => return Err(not_a(other)),
    };
    // ABAP counts UTF-16 code units; no text has more of them than bytes.
    if length > 0 && text.len() > length && text.encode_utf16().count() > length {
        return Err(format!("is longer than its maximum of {length} characters"));
    }
    if digits && !text.is_empty() {
        let legal = text.bytes().all(|b| b.is_ascii_digit());
        return if legal { Ok(Cell::text(format!("{text:0>length$}"))) } else { Err("takes digits only".to_owned()) };
    }
    Ok(if field.upper { Cell::text(text.to_uppercase()) } else { Cell::text(text) })
}

pub(super) fn not_a(edm: Edm) -> Misfit {
    let name = match edm {
        Edm::Text(_) | Edm::Digits(_) => "a text",
        Edm::Date => "a date such as /Date(1709596800000)/ or 2024-03-05T00:00:00",
        Edm::Moment => "a point in time such as /Date(1709647200000+0000)/ or 2024-03-05T14:00:00Z",
        Edm::Time => "a time of day such as PT14H00M00S",
        Edm::Flag => "true or false",
        Edm::Double | Edm::Decimal(..) => "a number",
        Edm::Int => "a whole number of 32 bits",
        Edm::Guid => "a GUID of 36 characters",
    };
    format!("is not {name}")
}

pub(super) fn int(number: i64) -> Result<Option<Cell>, Misfit> {
    i32::try_from(number).map(|n| Some(Cell::Number(f64::from(n)))).map_err(|_| not_a(Edm::Int))
}

pub(super) fn bare_number(word: &str) -> Option<Cell> {
    let number = word.trim_end_matches(['d', 'D', 'm', 'M', 'f', 'F', 'l', 'L']);
    number.parse().ok().filter(|n: &f64| n.is_finite()).map(Cell::Number)
}

/// A decimal number that fits its precision and scale.
pub(super) fn decimal(field: &Field, text: &str) -> Result<Cell, Misfit> {
    let Edm::Decimal(precision, scale) = field.edm else { return Err(not_a(field.edm)) };
    let number: f64 = text.parse().ok().filter(|n: &f64| n.is_finite()).ok_or_else(|| not_a(field.edm))?;
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.len() > usize::from(precision - scale) || fraction.len() > usize::from(scale) {
        return Err(format!("does not fit into {precision} digits with {scale} decimals"));
    }
    Ok(Cell::Number(number))
}

/// `8-4-4-4-12` hexadecimal digits; kept in lower case.
pub(super) fn guid(text: &str) -> Option<Cell> {
    let dashes = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let legal = |(at, b): (usize, u8)| if dashes(at) { b == b'-' } else { b.is_ascii_hexdigit() };
    (text.len() == 36 && text.bytes().enumerate().all(legal)).then(|| Cell::text(text.to_ascii_lowercase()))
}

fn date_of_json(text: &str) -> Result<Option<Cell>, Misfit> {
    let Some(millis) = json_date(text).or_else(|| iso_without_zone(text)) else { return Ok(None) };
    if millis.rem_euclid(DAY_MILLIS) != 0 {
        return Err("is a date: the time must be midnight".to_owned());
    }
    Ok(Some(Cell::Millis(millis)))
}

/// `/Date(ms)/` or `/Date(ms+nnnn)/`; the offset, in minutes, is informative only.
fn json_date(text: &str) -> Option<i64> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map_or(inner.len(), |(at, _)| at);
    let (millis, offset) = inner.split_at(end);
    let legal = offset.is_empty() || (offset.len() == 5 && offset[1..].bytes().all(|b| b.is_ascii_digit()));
    if legal { millis.parse().ok() } else { None }
}

pub(super) fn iso_with_zone(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millis)
}

pub(super) fn iso_without_zone(text: &str) -> Option<i64> {
    iso_with_zone(&format!("{text}Z"))
}

/// `PTnHnMnS` with any part left out, below 24 hours.
fn time_of_day(text: &str) -> Option<u32> {
    let mut rest = text.strip_prefix("PT").filter(|rest| !rest.is_empty())?;
    let mut total = 0;
    for (mark, unit, limit) in [('H', 3_600, 24), ('M', 60, 60), ('S', 1, 60)] {
        let Some((digits, after)) = rest.split_once(mark) else { continue };
        let count: u32 = digits.split('.').next()?.parse().ok().filter(|count| *count < limit)?;
        total += count * unit;
        rest = after;
    }
    rest.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fields::{code, field, text};
    use super::*;

    fn check(field: Field, value: &Value, expect: &str) {
        let found = match Cell::from_json(&field, value) {
            Ok(cell) => {
                let mut out = Vec::new();
                Cell::print(cell.as_ref(), field.edm, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(misfit) => misfit,
        };
        assert_eq!(found, expect, "for {value}");
    }

    #[test]
    fn bodies_are_read_and_printed() {
        check(code("F", 4), &json!("ab1"), r#""AB1""#);
        check(text("F", 2), &json!("a\"b"), "is longer than its maximum of 2 characters");
        check(text("F", 3), &json!("äöü"), r#""äöü""#);
        check(text("F", 1), &json!("\u{1F525}"), "is longer than its maximum of 1 characters");
        check(text("F", 3), &json!(1), "is not a text");
        check(field("F", Edm::Digits(4)), &json!("12"), r#""0012""#);
        check(field("F", Edm::Digits(4)), &json!("x"), "takes digits only");
        check(field("F", Edm::Date), &json!("/Date(1687824000000)/"), r#""\/Date(1687824000000)\/""#);
        check(field("F", Edm::Date), &json!("2023-06-27T00:00:00"), r#""\/Date(1687824000000)\/""#);
        check(field("F", Edm::Date), &json!("2023-06-27T08:00:00"), "is a date: the time must be midnight");
        check(field("F", Edm::Date), &json!(null), "null");
        check(field("F", Edm::Moment), &json!("2023-06-27T08:12:33Z"), r#""\/Date(1687853553000+0000)\/""#);
        check(field("F", Edm::Moment), &json!("/Date(-5+0060)/"), r#""\/Date(-5+0000)\/""#);
        check(field("F", Edm::Time), &json!("PT0H26M3S"), r#""PT00H26M03S""#);
        check(field("F", Edm::Time), &json!("08:12:30"), "is not a time of day such as PT14H00M00S");
        check(field("F", Edm::Time), &json!("PT24H"), "is not a time of day such as PT14H00M00S");
        check(field("F", Edm::Flag), &json!(true), "true");
        check(field("F", Edm::Flag), &json!("true"), "is not true or false");
        check(field("F", Edm::Double), &json!("1.728E5"), r#""172800.0""#);
        check(field("F", Edm::Decimal(13, 3)), &json!("1"), r#""1.000""#);
        check(field("F", Edm::Decimal(13, 3)), &json!(2.5), r#""2.500""#);
        check(field("F", Edm::Decimal(5, 3)), &json!("123.5"), "does not fit into 5 digits with 3 decimals");
        check(field("F", Edm::Decimal(5, 3)), &json!("1.2345"), "does not fit into 5 digits with 3 decimals");
        check(field("F", Edm::Decimal(5, 3)), &json!("x"), "is not a number");
        check(field("F", Edm::Decimal(5, 3)), &json!(null), r#""0.000""#);
        check(
            field("F", Edm::Guid),
            &json!("FA163E4D-CA0A-1EDD-A2B7-F0B8A2C1D2E3"),
            r#""fa163e4d-ca0a-1edd-a2b7-f0b8a2c1d2e3""#,
        );
        check(field("F", Edm::Guid), &json!("fa163e4d"), "is not a GUID of 36 characters");
        check(field("F", Edm::Int), &json!(3_000_000_000_i64), "is not a whole number of 32 bits");
    }

    #[test]
    fn malformed_dates_are_not_dates() {
        let malformed = ["", "/Date()/", "/Date(1", "/Date(1+1)/", "/Date(1+00é)/", "/Date(é)/", "2023-06-27", "27.6."];
        for text in malformed {
            assert!(Cell::from_json(&field("F", Edm::Date), &json!(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn literals_are_read() {
        let ok = |f: Field, l| Cell::from_literal(&f, l).unwrap();
        assert_eq!(ok(code("F", 4), Literal::Quoted("", "m1")), Some(Cell::text("M1")));
        let day = Literal::Quoted("datetime", "2023-06-27T00:00:00");
        assert_eq!(ok(field("F", Edm::Date), day), Some(Cell::Millis(1_687_824_000_000)));
        assert_eq!(ok(field("F", Edm::Double), Literal::Bare("1.5d")), Some(Cell::Number(1.5)));
        assert_eq!(ok(field("F", Edm::Date), Literal::Bare("null")), None);
        assert!(Cell::from_literal(&text("F", 4), Literal::Bare("4")).is_err());
    }
}
