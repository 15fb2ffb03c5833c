//! Where an insertion stands, and how a value is written there.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Form;

/// What is percent-encoded in a path segment: everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The surroundings of one insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A JSON value.
    JsonValue,
    /// Within a JSON string literal.
    JsonText,
    Text,
    /// Within a path segment, perhaps between single quotes.
    UrlPath {
        quoted: bool,
    },
    /// Within a query value, perhaps between single quotes.
    Query {
        quoted: bool,
    },
    Header,
}

/// Follows the literal text of a template and says what stands next to it.
#[derive(Debug)]
pub(super) struct Cursor {
    form: Form,
    /// Between the double quotes of JSON, or the single quotes of `OData`.
    quoted: bool,
    escaped: bool,
}

impl Cursor {
    pub(super) fn new(form: Form) -> Self {
        Self { form, quoted: false, escaped: false }
    }

    /// Moves over literal text.
    pub(super) fn pass(&mut self, literal: &str) {
        let quote = if self.form == Form::Json { b'"' } else { b'\'' };
        for byte in literal.bytes() {
            if self.escaped {
                self.escaped = false;
            } else if byte == quote {
                self.quoted = !self.quoted;
            } else if self.form == Form::Json && self.quoted {
                self.escaped = byte == b'\\';
            }
        }
    }

    /// The surroundings here. A backslash before an insertion would take away the meaning of the
    /// first character inserted, so it is refused.
    pub(super) fn slot(&self) -> Result<Slot, &'static str> {
        if self.escaped {
            return Err("a backslash stands before ${{: write \\\\ for a backslash in JSON");
        }
        Ok(match self.form {
            Form::Json if self.quoted => Slot::JsonText,
            Form::Json => Slot::JsonValue,
            Form::Text => Slot::Text,
            Form::UrlPath => Slot::UrlPath { quoted: self.quoted },
            Form::Query => Slot::Query { quoted: self.quoted },
            Form::Header => Slot::Header,
        })
    }
}

impl Slot {
    /// Writes `value` to `out`; an error says why it cannot stand here.
    pub(super) fn write(self, value: &Value, out: &mut String) -> Result<(), &'static str> {
        if self == Self::JsonValue {
            out.push_str(&json_of(value));
            return Ok(());
        }
        let text = text_of(value);
        match self {
            Self::JsonText => write_escaped(&text, out),
            Self::UrlPath { quoted: false } if text.is_empty() => {
                return Err("the value is empty, so that the path would name something else");
            }
            Self::UrlPath { quoted } => write_segment(&doubled(&text, quoted), out),
            Self::Query { quoted } => out.push_str(&doubled(&text, quoted)),
            Self::Header if !is_header_text(&text) => {
                return Err("the value has control characters, which a header must not carry");
            }
            Self::JsonValue | Self::Text | Self::Header => out.push_str(&text),
        }
        Ok(())
    }
}

/// Whether a header may carry `text`.
pub(super) fn is_header_text(text: &str) -> bool {
    !text.bytes().any(|b| b.is_ascii_control() && b != b'\t')
}

/// Whether a path has a segment `.` or `..`, also percent-encoded: clients resolve it away.
pub(super) fn has_dot_segment(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    })
}

/// A value as JSON text. The serializer is several times as fast as the value's `Display`.
pub(super) fn json_of(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// A value as text: strings as they are, `null` as nothing, objects and lists as JSON.
pub(super) fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(json_of(other)),
    }
}

fn write_escaped(text: &str, out: &mut String) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(escape);
        if escape.is_empty() {
            write_control(byte, out);
        }
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

fn write_control(byte: u8, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push_str("\\u00");
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

fn write_segment(text: &str, out: &mut String) {
    out.extend(utf8_percent_encode(text, SEGMENT));
}

/// In an `OData` string literal a quote is written twice.
fn doubled(text: &str, quoted: bool) -> Cow<'_, str> {
    if quoted && text.contains('\'') { Cow::Owned(text.replace('\'', "''")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(form: Form, before: &str, value: &Value, expect: Result<&str, &str>) {
        let mut cursor = Cursor::new(form);
        cursor.pass(before);
        let mut out = String::new();
        let written = cursor.slot().and_then(|slot| slot.write(value, &mut out));
        assert_eq!(written.map(|()| out.as_str()), expect, "{form:?} after {before:?}: {value}");
    }

    #[test]
    fn json_depends_on_the_quotes_around() {
        check(Form::Json, r#"{"a":"#, &json!("x\"y"), Ok(r#""x\"y""#));
        check(Form::Json, r#"{"a":"#, &json!({"b": [1.50]}), Ok(r#"{"b":[1.5]}"#));
        check(Form::Json, r#"{"a":"#, &json!(null), Ok("null"));
        check(Form::Json, r#"{"a":""#, &json!("x\"y\\\n\u{1}ü"), Ok("x\\\"y\\\\\\n\\u0001ü"));
        check(Form::Json, r#"{"a":""#, &json!({"b": "c"}), Ok(r#"{\"b\":\"c\"}"#));
        check(Form::Json, r#"{"a":""#, &json!(null), Ok(""));
        check(Form::Json, r#"{"a":"\""#, &json!(true), Ok("true"));
        check(Form::Json, r#"{"a":"\\""#, &json!("t"), Ok(r#""t""#));
        let refusal = "a backslash stands before ${{: write \\\\ for a backslash in JSON";
        check(Form::Json, r#"{"a":"\"#, &json!("n"), Err(refusal));
    }

    #[test]
    fn addresses_are_encoded() {
        check(Form::UrlPath, "/a/", &json!("x/ü y?$"), Ok("x%2F%C3%BC%20y%3F%24"));
        check(Form::UrlPath, "/Set('", &json!("O'Neil"), Ok("O%27%27Neil"));
        check(Form::UrlPath, "/Set('", &json!(""), Ok(""));
        check(Form::UrlPath, "/Set(A='1',B=", &json!(12), Ok("12"));
        let refusal = "the value is empty, so that the path would name something else";
        check(Form::UrlPath, "/a/", &json!(null), Err(refusal));
        check(Form::Query, "Name eq '", &json!("O'Neil & co"), Ok("O''Neil & co"));
        check(Form::Query, "x", &json!("O'Neil"), Ok("O'Neil"));
    }

    #[test]
    fn headers_stay_on_their_line() {
        check(Form::Header, "", &json!("a\tb ü"), Ok("a\tb ü"));
        let refusal = "the value has control characters, which a header must not carry";
        check(Form::Header, "", &json!("a\r\nX: y"), Err(refusal));
        check(Form::Text, "", &json!("a\r\n'"), Ok("a\r\n'"));
    }

    #[test]
    fn dot_segments_are_seen() {
        for (path, expect) in
            [("/a/../b", true), ("/a/%2E%2e", true), ("/.", true), ("/a/..b/c.d", false), ("/", false)]
        {
            assert_eq!(has_dot_segment(path), expect, "{path}");
        }
    }
}
