//! Answers as they are kept for later steps.

use andon_model::is_too_deep;
use serde_json::{Value, json};

/// Longest answer that is kept for later templates, as JSON text.
const MAX_KEPT_ANSWER_BYTES: usize = 256 * 1024;

/// The answer, or `null` when it is too large or too deep to keep.
pub(super) fn kept(body: Value) -> Value {
    if is_small(&body) { body } else { Value::Null }
}

fn is_small(body: &Value) -> bool {
    match body {
        deep if is_too_deep(deep) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= MAX_KEPT_ANSWER_BYTES,
        other => other.to_string().len() <= MAX_KEPT_ANSWER_BYTES,
    }
}

/// An answer that holds `number` at a dotted path and nothing else, so that later steps find it there.
pub(super) fn body_with(path: &str, number: &str) -> Value {
    let parts: Vec<&str> = path.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect();
    parts.into_iter().rev().fold(Value::from(number), |inner, part| match part.parse::<usize>() {
        Ok(_) => json!([inner]),
        Err(_) => json!({ part: inner }),
    })
}

/// The text at a dotted path such as `d.results[0].Number`; numbers are printed.
pub(super) fn text_at(body: &Value, path: &str) -> Option<String> {
    let mut at = body;
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        at = match part.parse::<usize>() {
            Ok(index) if at.is_array() => at.get(index)?,
            _ => at.get(part)?,
        };
    }
    match at {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The answer of a change set of which only one part was found again: that part's entity in its place,
/// `null` in the others'.
pub(super) fn changeset_with(parts: usize, found: usize, status: u16, entity: &Value) -> Value {
    let response = |n: usize| {
        if n == found { json!({ "status": status, "body": entity }) } else { json!({ "status": null, "body": null }) }
    };
    json!({ "responses": (0..parts).map(response).collect::<Vec<_>>() })
}

/// Whether the answer of a rule service names a result: `{"Result": [{…}]}`. The error: it has no such list.
pub(super) fn has_result(body: &Value) -> Result<bool, &'static str> {
    match body.get("Result").and_then(Value::as_array) {
        Some(results) => Ok(!results.is_empty()),
        None => Err("the rule service's answer has no list Result"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_put_by_path() {
        let check = |path: &str, body: Value, expect: Option<&str>| {
            assert_eq!(text_at(&body, path).as_deref(), expect, "{path} in {body}");
        };
        check("d.results[0].No", json!({"d": {"results": [{"No": 7}]}}), Some("7"));
        check("responses[1].body.d.No", body_with("responses[0].body.d.No", "7"), None);
        check("d.No", body_with("d.No", "7"), Some("7"));
        check("d", json!({"d": {}}), None);
    }

    #[test]
    fn a_found_part_stands_in_its_place() {
        let body = changeset_with(2, 1, 200, &json!({"d": {"No": "7"}}));
        assert_eq!(text_at(&body, "responses[1].body.d.No").as_deref(), Some("7"));
        assert_eq!(body["responses"][0], json!({"status": null, "body": null}));
    }

    #[test]
    fn large_answers_are_let_go() {
        assert_eq!(kept(json!("x".repeat(MAX_KEPT_ANSWER_BYTES + 1))), Value::Null);
        assert_eq!(kept(json!({"a": 1})), json!({"a": 1}));
    }
}
