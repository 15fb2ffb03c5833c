//! Which part of the event an attribute of the decision service is: told by the default action's payload.
//!
//! ```json
//! {"RuleServiceId": "…", "Vocabulary": [{"EventInfo": {"SourceSystem": "${{event.data.SourceSystem}}"}}]}
//! ```

use serde_json::Value;

/// An attribute that the decision service is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// Its data object, as in `EventInfo`.
    pub(super) object: String,
    /// Its name, as in `SourceSystem`.
    pub(super) name: String,
    /// The path of the event that fills it; `None` when it is filled by something else.
    pub(super) path: Option<String>,
    /// What fills it, as written.
    pub(super) value: String,
}

/// The attributes of a payload; empty when it is not the call of a decision service.
pub(super) fn read(payload: &str) -> Vec<Attribute> {
    let Ok(payload) = serde_json::from_str::<Value>(payload) else { return Vec::new() };
    let objects = payload.get("Vocabulary").and_then(Value::as_array).into_iter().flatten();
    let objects = objects.filter_map(Value::as_object).flatten();
    let members = objects.filter_map(|(object, value)| Some((object, value.as_object()?)));
    let attributes =
        members.flat_map(|(object, members)| members.iter().map(move |(name, value)| (object, name, value)));
    attributes
        .filter(|(_, name, _)| *name != "__type__")
        .map(|(object, name, value)| Attribute {
            object: object.clone(),
            name: name.clone(),
            path: path_of(value),
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        })
        .collect()
}

/// Whether a payload calls a decision service.
pub(super) fn is_call(payload: &str) -> bool {
    payload.contains("\"RuleServiceId\"") && payload.contains("\"Vocabulary\"")
}

/// The attribute that a column is about: `EventInfo.SourceSystem`, or `SourceSystem` alone.
pub(super) fn find<'a>(attributes: &'a [Attribute], column: &str) -> Option<&'a Attribute> {
    let matches = |attribute: &&Attribute| match column.rsplit_once('.') {
        Some((object, name)) => attribute.name == name.trim() && attribute.object == object.trim(),
        None => attribute.name == column.trim(),
    };
    attributes.iter().find(matches)
}

/// `"${{event.data.x}}"` and nothing else, as a path that a table can read.
fn path_of(value: &Value) -> Option<String> {
    let inner = value.as_str()?.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let (root, rest) = inner.split_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.[]".contains(c);
    (root.eq_ignore_ascii_case("event") && rest.chars().all(plain)).then(|| format!("event.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_with_their_paths() {
        let payload = r#"{"RuleServiceId": "1f", "Vocabulary": [{"Reading": {"System": "${{EVENT.data.origin.system}}",
            "Fixed": "A", "__type__": "Reading"}}]}"#;
        let attributes = read(payload);
        let path = |column: &str| find(&attributes, column).map(|a| a.path.clone());
        assert_eq!(path("Reading.System"), Some(Some("event.data.origin.system".into())));
        assert_eq!(path("System"), Some(Some("event.data.origin.system".into())));
        assert_eq!(path("Fixed"), Some(None));
        assert_eq!((path("Other.System"), path("__type__")), (None, None));
        assert_eq!((read("{"), read("[]"), is_call(payload)), (Vec::new(), Vec::new(), true));
    }
}
