//! The filters, tests and functions of the template language.
//!
//! Those that put out text treat their input as an insertion does: `null` is nothing, objects and
//! lists are JSON. None makes more than [`MAX_TEXT_BYTES`] out of an event.

use std::borrow::Cow;
use std::sync::LazyLock;

use andon_model::Timestamp;
use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters, tests};

/// Most bytes that a filter puts out.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Widest text that `pad_left` makes, in characters.
const MAX_WIDTH: usize = 1_000;

/// The filters, by name.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "bool",
    "count",
    "d",
    "default",
    "first",
    "float",
    "from_json",
    "int",
    "join",
    "last",
    "left",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "odata_date",
    "odata_day",
    "odata_time",
    "pad_left",
    "rejectattr",
    "replace",
    "round",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "trim",
    "truncate",
    "unique",
    "upper",
];

/// The tests (`is …`), by name.
pub(super) const TESTS: &[&str] = &[
    "defined",
    "endingwith",
    "even",
    "false",
    "integer",
    "mapping",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// What every expression is evaluated in. It has no loader, no state and no access to anything.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(false);
    add_engine_filters(&mut environment);
    add_own_filters(&mut environment);
    add_tests(&mut environment);
    environment
});

fn add_engine_filters(environment: &mut Environment<'static>) {
    environment.add_filter("abs", filters::abs);
    environment.add_filter("bool", filters::bool);
    environment.add_filter("count", filters::length);
    environment.add_filter("d", filters::default);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("float", filters::float);
    environment.add_filter("int", filters::int);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("list", filters::list);
    environment.add_filter("map", filters::map);
    environment.add_filter("max", filters::max);
    environment.add_filter("min", filters::min);
    environment.add_filter("rejectattr", filters::rejectattr);
    environment.add_filter("round", filters::round);
    environment.add_filter("selectattr", filters::selectattr);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("split", filters::split);
    environment.add_filter("sum", filters::sum);
    environment.add_filter("unique", filters::unique);
}

fn add_own_filters(environment: &mut Environment<'static>) {
    environment.add_filter("from_json", from_json);
    environment.add_filter("join", join);
    environment.add_filter("left", left);
    environment.add_filter("lower", |value: Value| Ok::<_, Error>(text(&value)?.to_lowercase()));
    environment.add_filter("odata_date", odata_date);
    environment.add_filter("odata_day", odata_day);
    environment.add_filter("odata_time", odata_time);
    environment.add_filter("pad_left", pad_left);
    environment.add_filter("replace", replace);
    environment.add_filter("string", |value: Value| Ok::<_, Error>(text(&value)?.into_owned()));
    environment.add_filter("trim", |value: Value| Ok::<_, Error>(text(&value)?.trim().to_owned()));
    environment.add_filter("truncate", truncate);
    environment.add_filter("upper", |value: Value| Ok::<_, Error>(text(&value)?.to_uppercase()));
    environment.add_filter("_number", number);
    environment.add_filter("_text", |value: Value| Ok::<_, Error>(text(&value)?.into_owned()));
    environment.add_function("stringify", |value: Value| json(&value));
}

fn add_tests(environment: &mut Environment<'static>) {
    environment.add_test("defined", tests::is_defined);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("even", tests::is_even);
    environment.add_test("false", tests::is_false);
    environment.add_test("integer", tests::is_integer);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("none", tests::is_none);
    environment.add_test("number", tests::is_number);
    environment.add_test("odd", tests::is_odd);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("string", tests::is_string);
    environment.add_test("true", tests::is_true);
    environment.add_test("undefined", tests::is_undefined);
    // Named in the arguments of `selectattr` and `rejectattr`.
    environment.add_test("eq", tests::is_eq);
    environment.add_test("ge", tests::is_ge);
    environment.add_test("gt", tests::is_gt);
    environment.add_test("in", tests::is_in);
    environment.add_test("le", tests::is_le);
    environment.add_test("lt", tests::is_lt);
    environment.add_test("ne", tests::is_ne);
}

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
fn json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "a value is missing"));
    }
    serde_json::to_string(value).map_err(|error| refused(error.to_string()))
}

fn number(value: Value) -> Result<Value, Error> {
    if value.is_number() {
        return Ok(value);
    }
    Err(refused(format!("* needs numbers, this is a {}: use int or float", value.kind())))
}

fn from_json(value: Value) -> Result<Value, Error> {
    let parsed: serde_json::Value =
        serde_json::from_str(&text(&value)?).map_err(|error| refused(format!("from_json: {error}")))?;
    Ok(super::expression::to_engine(&parsed))
}

fn left(value: Value, count: usize) -> Result<String, Error> {
    Ok(text(&value)?.chars().take(count).collect())
}

fn truncate(value: Value, count: usize) -> Result<String, Error> {
    let text = text(&value)?;
    if text.chars().nth(count).is_none() {
        return Ok(text.into_owned());
    }
    let kept = text.chars().take(count.saturating_sub(3));
    Ok(kept.chain("...".chars()).take(count).collect())
}

fn pad_left(value: Value, width: usize, fill: Option<char>) -> Result<String, Error> {
    if width > MAX_WIDTH {
        return Err(refused(format!("pad_left pads to at most {MAX_WIDTH} characters")));
    }
    let text = text(&value)?;
    let missing = width.saturating_sub(text.chars().count());
    Ok(std::iter::repeat_n(fill.unwrap_or(' '), missing).chain(text.chars()).collect())
}

fn replace(value: Value, from: Value, to: Value) -> Result<String, Error> {
    let (text, from, to) = (text(&value)?, text(&from)?, text(&to)?);
    if from.is_empty() {
        return Ok(text.into_owned());
    }
    let added = text.matches(&*from).count().saturating_mul(to.len());
    if added.saturating_add(text.len()) > MAX_TEXT_BYTES {
        return Err(refused(format!("replace makes more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(text.replace(&*from, &to))
}

fn join(value: Value, separator: Rest<Value>) -> Result<String, Error> {
    let separator = separator.first().map_or(Ok(Cow::Borrowed("")), text)?;
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
fn odata_date(value: Value) -> Result<String, Error> {
    Ok(format!("/Date({})/", timestamp(&value)?.as_millis()))
}

/// A date whose time part is midnight, as fields with `sap:display-format="Date"` want it.
fn odata_day(value: Value) -> Result<String, Error> {
    let utc = timestamp(&value)?.to_string();
    Ok(format!("{}T00:00:00", utc.get(..10).unwrap_or_default()))
}

/// `Edm.Time`: the time of day as a duration.
fn odata_time(value: Value) -> Result<String, Error> {
    let utc = timestamp(&value)?.to_string();
    let part = |from: usize| utc.get(from..from + 2).unwrap_or("00");
    Ok(format!("PT{}H{}M{}S", part(11), part(14), part(17)))
}

#[cfg(test)]
mod tests_of_filters {
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
    fn every_name_is_registered() {
        for name in FILTERS {
            let failed =
                ENVIRONMENT.compile_expression_owned(format!("1|{name}")).expect("well-formed").eval(Value::UNDEFINED);
            assert_ne!(failed.err().map(|e| e.kind()), Some(ErrorKind::UnknownFilter), "{name}");
        }
        for name in TESTS {
            let failed = ENVIRONMENT
                .compile_expression_owned(format!("1 is {name}"))
                .expect("well-formed")
                .eval(Value::UNDEFINED);
            assert_ne!(failed.err().map(|e| e.kind()), Some(ErrorKind::UnknownTest), "{name}");
        }
    }

    #[test]
    fn json_in_text_can_be_opened() {
        check("('{\"a\": [18446744073709551615]}'|from_json).a[0]", "18446744073709551615");
        check("'nonsense'|from_json", "error: from_json: expected ident at line 1 column 2");
    }
}
