//! Input and output schemas of a JDM document: taken only when checking them reads nothing from outside.

use serde_json::Value;

/// Why the `schema` of an input or output node cannot be taken, if so.
///
/// JDM keeps it as a text that holds a JSON Schema, empty when there is none.
pub(crate) fn fault(schema: &Value) -> Option<String> {
    let text = match schema {
        Value::Null => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text,
        _ => return Some("a schema is a text that holds a JSON Schema".to_owned()),
    };
    match serde_json::from_str::<Value>(text) {
        Ok(schema) => outside_reference(&schema),
        Err(error) => Some(format!("the schema is not JSON: {error}")),
    }
}

fn outside_reference(schema: &Value) -> Option<String> {
    match schema {
        Value::Object(members) => {
            members.iter().find_map(|(key, value)| member_fault(key, value).or_else(|| outside_reference(value)))
        }
        Value::Array(items) => items.iter().find_map(outside_reference),
        _ => None,
    }
}

fn member_fault(key: &str, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let allowed = match key {
        "$ref" | "$dynamicRef" | "$recursiveRef" => text.starts_with('#'),
        "$schema" => {
            ["http://json-schema.org/", "https://json-schema.org/"].iter().any(|known| text.starts_with(known))
        }
        "$id" | "id" => !text.contains("://"),
        _ => true,
    };
    (!allowed).then(|| format!("the schema refers to {text:?}, and a decision reads nothing from outside: use \"#/…\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_within_are_taken() {
        let check = |schema: &str, expect: &str| {
            let found = fault(&Value::from(schema)).unwrap_or_default();
            assert!(found.starts_with(expect) && found.is_empty() == expect.is_empty(), "{schema}: {found}");
        };
        check("", "");
        check(r##"{"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}"##, "");
        check(r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#, "");
        check(
            r#"{"anyOf": [{"$ref": "https://example.com/a.json"}]}"#,
            "the schema refers to \"https://example.com/a.json\"",
        );
        check(r#"{"$schema": "https://example.com/meta"}"#, "the schema refers to");
        check("{", "the schema is not JSON");
        assert!(fault(&serde_json::json!({"type": "object"})).is_some());
    }
}
