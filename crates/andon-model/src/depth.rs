//! How deeply JSON may be nested: what is stored must be readable again, inside one more envelope.

use serde_json::Value;

/// Deepest nesting of an event's payload or of a kept answer. Parsers stop at 128 levels; the journal
/// wraps payloads in envelopes of a few levels more.
pub const MAX_JSON_DEPTH: usize = 64;

/// Whether `value` nests arrays and objects deeper than [`MAX_JSON_DEPTH`].
pub fn is_too_deep(value: &Value) -> bool {
    nests_deeper_than(value, MAX_JSON_DEPTH)
}

fn nests_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| nests_deeper_than(item, levels - 1)),
        Value::Object(members) => levels == 0 || members.values().any(|member| nests_deeper_than(member, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(!is_too_deep(&nested(MAX_JSON_DEPTH)));
        assert!(is_too_deep(&nested(MAX_JSON_DEPTH + 1)));
        assert!(!is_too_deep(&Value::from(1)));
    }
}
