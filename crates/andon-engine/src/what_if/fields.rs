//! Which parts of a request differ, by name: `path`, `headers/x-plant`, `body/Priority`.

use std::collections::BTreeSet;

use andon_act::Request;
use serde_json::{Map, Value, json};

use super::rehearse::Sent;

/// Most names of one request.
const MAX_FIELDS: usize = 20;

/// The names of what differs, in order, at most twenty.
pub(super) fn differing(before: &Sent, after: &Sent) -> Vec<String> {
    let mut names = Vec::new();
    collect("", &tree(before), &tree(after), &mut names);
    names
}

/// A request as nested names: pairs as an object, a JSON body as what it says.
fn tree(sent: &Sent) -> Value {
    let mut tree = serde_json::to_value(&sent.request).unwrap_or_default();
    let Request { query, headers, body, changeset, .. } = &sent.request;
    tree["destination"] = json!(sent.destination);
    tree["query"] = pairs(query);
    tree["headers"] = pairs(headers);
    tree["body"] = body.as_deref().map_or(Value::Null, parsed);
    let part = |part: &andon_act::ChangesetPart| {
        json!({ "method": part.method, "path": part.path, "headers": pairs(&part.headers),
            "body": part.body.as_deref().map(parsed) })
    };
    tree["changeset"] = changeset.iter().map(part).collect();
    tree
}

fn pairs(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect::<Map<_, _>>())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn collect(at: &str, before: &Value, after: &Value, names: &mut Vec<String>) {
    if before == after || names.len() == MAX_FIELDS {
        return;
    }
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let side = |side: &Map<String, Value>, key: &str| side.get(key).cloned().unwrap_or_default();
            for key in keys {
                collect(&below(key), &side(before, key), &side(after, key), names);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (n, (before, after)) in before.iter().zip(after).enumerate() {
                collect(&below(&n.to_string()), before, after, names);
            }
        }
        _ => names.push(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_by_their_place() {
        let check = |before: Value, after: Value, expected: &[&str]| {
            let mut names = Vec::new();
            collect("", &before, &after, &mut names);
            assert_eq!(names, expected, "{before} and {after}");
        };
        check(json!({"a": 1}), json!({"a": 1}), &[]);
        check(json!({"a": 1, "b": {"c": [1, 2]}}), json!({"a": 2, "b": {"c": [1, 3]}}), &["a", "b/c/1"]);
        check(json!({"b": {"c": [1]}}), json!({"b": {"c": [1, 2]}}), &["b/c"]);
        check(json!({"b": 1}), json!({"c": 1}), &["b", "c"]);
        let many: Value = (0..99).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>().into();
        let mut names = Vec::new();
        collect("", &many, &json!({}), &mut names);
        assert_eq!(names.len(), MAX_FIELDS);
    }
}
