//! The filters of the template language that are its own.
//!
//! Those that put out text treat their input as an insertion does: `null` is nothing, objects and
//! lists are JSON. None makes more than [`MAX_TEXT_BYTES`] out of an event.

use std::borrow::Cow;

use andon_model::Timestamp;
use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};

/// Most bytes that a filter puts out.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Widest text that `pad_left` makes, in characters.
const MAX_WIDTH: usize = 1_000;

fn refused(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// The value as an insertion writes it into text.
fn text(value: &Value) -> Result<Cow<'_, str>, Error> {
    if let Some(text) = value.as_str() {
        return Ok(Cow::Borrowed(text));
    }
    match value.kind() {
        ValueKind::None => Ok(Cow::Borrowed("")),
        _ => json(value).map(Cow::Owned),
    }
}

/// The value as JSON text.
pub(super) fn json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "a value is missing"));
    }
    serde_json::to_string(value).map_err(|error| refused(error.to_string()))
}

pub(super) fn string(value: &Value) -> Result<String, Error> {
    Ok(text(value)?.into_owned())
}

pub(super) fn lower(value: &Value) -> Result<String, Error> {
    Ok(text(value)?.to_lowercase())
}

pub(super) fn upper(value: &Value) -> Result<String, Error> {
    Ok(text(value)?.to_uppercase())
}

pub(super) fn trim(value: &Value) -> Result<String, Error> {
    Ok(text(value)?.trim().to_owned())
}

/// A side of `~`: what the engine would write in its own way becomes text, numbers stay numbers.
pub(super) fn operand_of_concat(value: &Value) -> Result<Value, Error> {
    if value.is_number() {
        return Ok(value.clone());
    }
    string(value).map(Value::from)
}

/// A side of `*`.
pub(super) fn number(value: &Value) -> Result<Value, Error> {
    if value.is_number() {
        return Ok(value.clone());
    }
    Err(refused(format!("* needs numbers, this is a {}: use int or float", value.kind())))
}

pub(super) fn from_json(value: &Value) -> Result<Value, Error> {
    let parsed: serde_json::Value =
        serde_json::from_str(&text(value)?).map_err(|error| refused(format!("from_json: {error}")))?;
    Ok(super::expression::to_engine(&parsed))
}

pub(super) fn left(value: &Value, count: usize) -> Result<String, Error> {
    Ok(text(value)?.chars().take(count).collect())
}

pub(super) fn truncate(value: &Value, count: usize) -> Result<String, Error> {
    let text = text(value)?;
    if text.chars().nth(count).is_none() {
        return Ok(text.into_owned());
    }
    let kept = text.chars().take(count.saturating_sub(3));
    Ok(kept.chain("...".chars()).take(count).collect())
}

pub(super) fn pad_left(value: &Value, width: usize, fill: Option<char>) -> Result<String, Error> {
    if width > MAX_WIDTH {
        return Err(refused(format!("pad_left pads to at most {MAX_WIDTH} characters")));
    }
    let text = text(value)?;
    let missing = width.saturating_sub(text.chars().count());
    Ok(std::iter::repeat_n(fill.unwrap_or(' '), missing).chain(text.chars()).collect())
}

pub(super) fn replace(value: &Value, from: &Value, to: &Value) -> Result<String, Error> {
    let (text, from, to) = (text(value)?, text(from)?, text(to)?);
    if from.is_empty() {
        return Ok(text.into_owned());
    }
    let added = text.matches(&*from).count().saturating_mul(to.len());
    if added.saturating_add(text.len()) > MAX_TEXT_BYTES {
        return Err(refused(format!("replace makes more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(text.replace(&*from, &to))
}

pub(super) fn join(value: &Value, separator: Option<&Value>) -> Result<String, Error> {
    let separator = separator.map_or(Ok(Cow::Borrowed("")), text)?;
    let mut joined = String::new();
    for (i, entry) in value.try_iter()?.enumerate() {
        if i > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text(&entry)?);
        if joined.len() > MAX_TEXT_BYTES {
            return Err(refused(format!("join makes more than {MAX_TEXT_BYTES} bytes")));
        }
    }
    Ok(joined)
}

fn timestamp(value: &Value) -> Result<Timestamp, Error> {
    let text = text(value)?;
    text.parse().map_err(|error: andon_model::InvalidTimestamp| refused(error.to_string()))
}

/// `Edm.DateTime` of `OData` V2: milliseconds since the epoch, without a zone.
pub(super) fn odata_date(value: &Value) -> Result<String, Error> {
    Ok(format!("/Date({})/", timestamp(value)?.as_millis()))
}

/// A date whose time part is midnight, as fields with `sap:display-format="Date"` want it.
pub(super) fn odata_day(value: &Value) -> Result<String, Error> {
    let utc = timestamp(value)?.to_string();
    Ok(format!("{}T00:00:00", utc.get(..10).unwrap_or_default()))
}

/// `Edm.Time`: the time of day as a duration.
pub(super) fn odata_time(value: &Value) -> Result<String, Error> {
    let utc = timestamp(value)?.to_string();
    let part = |from: usize| utc.get(from..from + 2).unwrap_or("00");
    Ok(format!("PT{}H{}M{}S", part(11), part(14), part(17)))
}

#[cfg(test)]
mod tests {
    use super::super::environment::ENVIRONMENT;
    use super::*;

    fn check(expression: &str, expect: &str) {
        let compiled = ENVIRONMENT.compile_expression_owned(expression.to_owned()).expect("well-formed");
        let shown = match compiled.eval(Value::from_pairs::<[(&str, Value); 0], _, _>([])) {
            Ok(value) => value.to_string(),
            Err(error) => format!("error: {}", error.detail().unwrap_or_default()),
        };
        assert_eq!(shown, expect, "for {expression}");
    }

    #[test]
    fn text_filters_count_characters() {
        check("'Überdruck'|left(4)", "Über");
        check("'ab'|left(40)", "ab");
        check("210100094|pad_left(18, '0')", "000000000210100094");
        check("'abc'|pad_left(2)", "abc");
        check("'abc'|pad_left(2000)", "error: pad_left pads to at most 1000 characters");
        check("'abcdefgh'|truncate(6)", "abc...");
        check("'abcdef'|truncate(6)", "abcdef");
        check("'abcdef'|truncate(2)", "..");
        check("'a$1b'|replace('$1', '$&')", "a$&b");
        check("'abc'|replace('', 'x')", "abc");
        check("none|upper", "");
        check("[1, none, 'x', {'a': 1}]|join('-')", "1--x-{\"a\":1}");
        check("{'a': [true, 1.50]}|string", "{\"a\":[true,1.5]}");
    }

    #[test]
    fn times_take_saps_forms() {
        check("'2023-06-27T04:12:33Z'|odata_date", "/Date(1687839153000)/");
        check("'2023-06-27T04:12:33.5+02:00'|odata_day", "2023-06-27T00:00:00");
        check("'2023-06-27T00:12:33+02:00'|odata_day", "2023-06-26T00:00:00");
        check("'2023-06-27T04:12:33+02:00'|odata_time", "PT02H12M33S");
        let refusal = "error: \"yesterday\" is not an RFC 3339 date and time such as 2026-03-05T14:00:00Z";
        check("'yesterday'|odata_date", refusal);
    }

    #[test]
    fn results_are_bounded() {
        let big =
            "'x'|replace('x', 'y'|pad_left(1000))|replace(' ', 'z'|pad_left(1000))|replace(' ', 'z'|pad_left(1000))";
        check(big, "error: replace makes more than 4194304 bytes");
    }

    #[test]
    fn json_in_text_can_be_opened() {
        check("('{\"a\": [18446744073709551615]}'|from_json).a[0]", "18446744073709551615");
        check("'nonsense'|from_json", "error: from_json: expected ident at line 1 column 2");
    }
}
