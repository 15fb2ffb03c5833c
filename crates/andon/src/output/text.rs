//! Small texts in tables.

use andon_model::{Problem, Timestamp};
use serde_json::Value;

/// A point in time as lists show it: UTC, to the second.
pub(crate) fn utc_time(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// Since when something is as it is; nothing where it has never been otherwise, which the plant writes as 1970.
pub(crate) fn since(at: &str) -> &str {
    if at == "1970-01-01T00:00:00Z" { "" } else { at }
}

/// A text that does nothing to a terminal: what devices and callers have sent may hold control characters, which are
/// written as in `\u{1b}`. Line ends stay.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push(character),
            '\t' => shown.push(' '),
            _ if character.is_control() => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

/// A text without line ends, for a table cell in a pipe.
pub(crate) fn one_line(text: &str) -> String {
    harmless(&text.replace('\r', "\n")).split('\n').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Named facts as `status 201, ms 12`; what is nested deeper is only hinted at.
pub(crate) fn facts_text(facts: &Value) -> String {
    match facts {
        Value::Object(members) => {
            let parts = members.iter().map(|(name, value)| format!("{name} {}", fact_text(value)));
            parts.collect::<Vec<_>>().join(", ")
        }
        other => fact_text(other),
    }
}

fn fact_text(fact: &Value) -> String {
    match fact {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) if members.contains_key("code") => problem_text(fact),
        Value::Object(members) if !members.is_empty() => "{…}".to_owned(),
        Value::Array(entries) if !entries.is_empty() => "[…]".to_owned(),
        other => other.to_string(),
    }
}

/// A problem inside facts: its code, and what it says.
fn problem_text(problem: &Value) -> String {
    match serde_json::from_value::<Problem>(problem.clone()) {
        Ok(Problem { code, detail, .. }) => format!("{code} {detail}"),
        Err(_) => problem["code"].to_string(),
    }
}

/// A share as whole percent, rounded down.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let check = |text: &str, expect: &str| assert_eq!(harmless(text), expect);
        check("pump-01\nbay 2", "pump-01\nbay 2");
        check("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}");
        check("a\u{9b}b", "a\\u{9b}b");
        assert_eq!(one_line("a\r\nb\u{1b}c"), "a b\\u{1b}c");
    }

    #[test]
    fn times_are_cut_to_the_second() {
        assert_eq!(utc_time(Timestamp::from_micros(1_709_643_780_250_000)), "2024-03-05T13:03:00Z");
        assert_eq!(utc_time(Timestamp::from_micros(1_709_643_780_000_000)), "2024-03-05T13:03:00Z");
    }

    #[test]
    fn facts_stay_short() {
        let facts = serde_json::json!({"status": 201, "asset": {"plant": "1010"}, "why": "late", "none": null});
        assert_eq!(facts_text(&facts), "status 201, asset {…}, why late, none -");
        let facts = serde_json::json!({"problem": {"code": "AND-4003", "detail": "the connection was lost"}});
        assert_eq!(facts_text(&facts), "problem AND-4003 the connection was lost");
    }

    #[test]
    fn shares_do_not_divide_by_zero() {
        assert_eq!((percent(1, 3), percent(5, 0), percent(u64::MAX, u64::MAX)), (33, 500, 100));
    }
}
