//! Whether a text is JSON, and where it is not.

use serde::de::IgnoredAny;

/// Most characters of the text that an error shows.
const EXCERPT_CHARS: usize = 200;

/// Where and why a text is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Byte offset of the place.
    pub(super) at: usize,
    /// What the parser says.
    pub(super) what: String,
}

/// Checks that `text` is one JSON value.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = error.to_string();
            let what = message.rfind(" at line").map_or(message.as_str(), |end| &message[..end]).to_owned();
            Err(Fault { at: offset(text, error.line(), error.column()), what })
        }
    }
}

impl Fault {
    /// The fault in a rendered text: line, column, reason, and what stands around it.
    pub(super) fn describe(&self, text: &str) -> String {
        let (line, column) = super::pieces::position(text, self.at);
        format!("line {line} column {column}: {}, near {:?}", self.what, excerpt(text, self.at))
    }
}

/// At most [`EXCERPT_CHARS`] characters around a place.
fn excerpt(text: &str, at: usize) -> String {
    let before: Vec<char> = text[..at].chars().rev().take(EXCERPT_CHARS / 2).collect();
    let after = text[at..].chars().take(EXCERPT_CHARS - before.len());
    before.into_iter().rev().chain(after).collect()
}

/// The byte offset of a place that the parser gives as line and byte column, both counted from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    text.floor_char_boundary(start + column.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> String {
        check(text).map_or_else(|fault| fault.describe(text), |()| "ok".into())
    }

    #[test]
    fn faults_have_a_place() {
        assert_eq!(described(r#"{"a": [1, "ü", null]}"#), "ok");
        assert_eq!(described("{\n  \"a\": ,\n}"), "line 2 column 8: expected value, near \"{\\n  \\\"a\\\": ,\\n}\"");
        assert_eq!(described(""), "line 1 column 1: EOF while parsing a value, near \"\"");
        assert_eq!(described("1 2"), "line 1 column 3: trailing characters, near \"1 2\"");
    }

    #[test]
    fn excerpts_are_short() {
        let text = format!("[{}x{}]", "1,".repeat(500), ",1".repeat(500));
        let fault = check(&text).expect_err("not JSON");
        assert_eq!(excerpt(&text, fault.at).chars().count(), EXCERPT_CHARS);
    }
}
