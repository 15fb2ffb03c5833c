//! JSON text: parsing with a place, canonical form, digests, and names for what was found.

use std::fmt::Write;

use andon_journal::{Delivery, MQTT_TOPIC_HEADER};
use andon_model::{Code, Problem};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

/// Parses one JSON document; the fault's place is `line L, column C`.
pub(super) fn parse_json(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| syntax_fault(&error, 0))
}

/// Parses line number `line` (counted from 1) of a JSON Lines payload.
pub(super) fn parse_line(line: usize, bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| syntax_fault(&error, line.saturating_sub(1)))
}

/// A serde error as a fault, `lines_before` lines into the payload.
pub(super) fn syntax_fault(error: &serde_json::Error, lines_before: usize) -> Problem {
    let place = format!("line {}, column {}", error.line() + lines_before, error.column());
    fault(place, said(error))
}

/// What a serde error says, without its place.
pub(super) fn said(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    text.truncate(text.rfind(" at line ").unwrap_or(text.len()));
    text
}

/// A fault of content at a place.
pub(super) fn fault(place: impl Into<String>, what: impl Into<String>) -> Problem {
    Problem::new(Code::Undecodable, what).at(place)
}

/// The bytes without a UTF-8 byte order mark, and how many bytes that took.
pub(super) fn without_mark(bytes: &[u8]) -> (&[u8], usize) {
    bytes.strip_prefix(b"\xEF\xBB\xBF").map_or((bytes, 0), |rest| (rest, 3))
}

/// What a value is, for messages.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// First whole number that a 64-bit float does not tell from its neighbour (2^53).
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// The digits of a number that names something; `None` when it is so large that two different ones would read alike.
pub(super) fn digits(number: &Number) -> Option<String> {
    let is_exact = !number.is_f64() || number.as_f64().is_some_and(|float| float.abs() < INEXACT);
    is_exact.then(|| number.to_string())
}

/// What is said about a number that has no [`digits`].
pub(super) const TOO_LARGE: &str = "the number is too large to name anything: write it as a text";

/// An object without the members that are `null`.
pub(super) fn without_nulls(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    object
}

/// An id made of a body: the digest of its canonical form, so that equal content is the same event whatever its
/// layout; of its bytes, where numbers in it would read alike that are not.
fn content_digest(body: &Value, bytes: &[u8]) -> String {
    if is_exact(body) { digest(canonical(body).as_bytes()) } else { digest(bytes) }
}

/// An id for an event that has none: by its content, and by the topic where a broker delivered it, so that two devices
/// that say the same are two events. Nothing of the broker counts, such as packet identifiers: what is delivered again
/// has the same id.
pub(super) fn content_id(delivery: &Delivery, body: &Value, bytes: &[u8]) -> String {
    let content = content_digest(body, bytes);
    match delivery.header(MQTT_TOPIC_HEADER) {
        Some(topic) => digest(format!("{topic}\0{content}").as_bytes()),
        None => content,
    }
}

fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => digits(number).is_some(),
        Value::Array(entries) => entries.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// JSON without spaces and with sorted keys: equal for equal content, whatever the sender's layout.
fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, member)) in sorted.into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_scalar(&Value::from(name.as_str()), out);
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_canonical(item, out);
            }
            out.push(']');
        }
        other => write_scalar(other, out),
    }
}

fn write_scalar(value: &Value, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// SHA-256 as lower-case hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The first eight bytes of SHA-256 as lower-case hex, for ids that carry other parts as well.
pub(super) fn short_digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn canonical_form_ignores_layout_and_order() {
        let a = parse_json(br#"{"b":[1,{"y":"\u00e4","x":null}],"a":1.5}"#).expect("valid");
        let b = parse_json("{ \"a\" : 1.5,\n\"b\":[1, {\"x\":null,\"y\":\"ä\"}]}".as_bytes()).expect("valid");
        assert_eq!(canonical(&a), r#"{"a":1.5,"b":[1,{"x":null,"y":"ä"}]}"#);
        assert_eq!(canonical(&a), canonical(&b));
        assert_ne!(canonical(&a), canonical(&json!({})));
    }

    #[test]
    fn bodies_that_differ_are_never_one() {
        let id = |text: &str| content_digest(&parse_json(text.as_bytes()).expect("valid"), text.as_bytes());
        assert_eq!(id("{\"a\": 1, \"b\": [2.5]}"), id("{\"b\":[2.50],\"a\":1}"));
        assert_ne!(id("[{\"a\":18446744073709551617}]"), id("[{\"a\":18446744073709551618}]"));
    }

    #[test]
    fn numbers_that_would_read_alike_name_nothing() {
        let check = |text: &str, expect: Option<&str>| {
            let number = serde_json::from_str(text).expect("a number");
            assert_eq!(digits(&number).as_deref(), expect);
        };
        check("18446744073709551615", Some("18446744073709551615"));
        check("-9223372036854775808", Some("-9223372036854775808"));
        check("7.50", Some("7.5"));
        check("18446744073709551616", None);
        check("123456789012345678901234567890", None);
        check("-1e16", None);
    }

    #[test]
    fn syntax_faults_name_the_place() {
        let problem = parse_line(7, b"{\"a\": tru}").expect_err("invalid");
        assert_eq!(problem.place.as_deref(), Some("line 7, column 10"));
        assert_eq!(problem.detail, "expected ident");
    }
}
