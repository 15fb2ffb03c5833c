//! Searching for the document that a lost request may have created.

use andon_act::{Found, ProbeQuery, Response};
use andon_model::{Code, Problem};
use serde_json::{Value, json};

/// The query parameters of a search: at most two documents whose reference field holds the key.
pub(crate) fn parameters(query: &ProbeQuery) -> Vec<(String, String)> {
    let literal = query.key.as_str().replace('\'', "''");
    let mut parameters = vec![
        ("$filter".to_owned(), format!("{} eq '{literal}'", query.field)),
        ("$top".to_owned(), "2".to_owned()),
        ("$format".to_owned(), "json".to_owned()),
    ];
    parameters.extend(query.query.iter().cloned());
    parameters
}

/// What the answer to a search says.
pub(crate) fn found(query: &ProbeQuery, body: &Value) -> Found {
    let Some((entities, wrap)) = entities(body) else {
        return Found::Unknown(Problem::new(Code::Undecodable, "the answer to the search holds no list of documents"));
    };
    if let Some(foreign) = entities.iter().find(|entity| !carries(entity, query)) {
        let held = foreign[&query.field].to_string();
        let what = format!(
            "the search for {} = {} gave a document with {held}: is the field filterable?",
            query.field, query.key
        );
        return Found::Unknown(Problem::new(Code::ConfigurationValue, what).at(query.path.clone()));
    }
    match entities {
        [] => Found::Absent,
        [entity] => Found::One(response(entity, wrap)),
        several => Found::Several(several.len()),
    }
}

/// The documents, and whether an entity is wrapped in `d` (V2) or stands by itself (V4).
fn entities(body: &Value) -> Option<(&[Value], bool)> {
    let v2 = body.pointer("/d/results").or_else(|| body.get("d"));
    if let Some(list) = v2.and_then(Value::as_array) {
        return Some((list, true));
    }
    body.get("value").and_then(Value::as_array).map(|list| (list.as_slice(), false))
}

/// A service that ignores the filter must not make us adopt somebody else's document. SAP folds fields of
/// upper case, so case does not count; a field that is not in the answer cannot be checked.
fn carries(entity: &Value, query: &ProbeQuery) -> bool {
    let held = query.field.split('/').try_fold(entity, |value, name| value.get(name));
    held.and_then(Value::as_str).is_none_or(|text| text.eq_ignore_ascii_case(query.key.as_str()))
}

fn response(entity: &Value, wrap: bool) -> Response {
    let etag = entity.pointer("/__metadata/etag").or_else(|| entity.get("@odata.etag"));
    let location = entity.pointer("/__metadata/uri");
    Response {
        status: 200,
        body: if wrap { json!({ "d": entity }) } else { entity.clone() },
        etag: etag.and_then(Value::as_str).map(str::to_owned),
        location: location.and_then(Value::as_str).map(str::to_owned),
        warnings: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use andon_act::StepKind;
    use andon_model::Key;

    fn query() -> ProbeQuery {
        ProbeQuery {
            kind: StepKind::Odata,
            path: "/s/Set".into(),
            field: "Ref".into(),
            key: Key::new("K'1"),
            value: "K'1".into(),
            matching: andon_act::Match::Equals,
            listing: false,
            query: vec![("$select".into(), "Ref".into())],
            timeout_ms: 1_000,
        }
    }

    #[test]
    fn the_filter_is_escaped() {
        assert_eq!(parameters(&query())[0], ("$filter".to_owned(), "Ref eq 'K''1'".to_owned()));
        assert_eq!(parameters(&query()).len(), 4);
    }

    #[test]
    fn answers_are_counted() {
        let entity = json!({"Ref": "k'1", "No": "7", "__metadata": {"etag": "W/\"1\"", "uri": "u"}});
        assert_eq!(found(&query(), &json!({"d": {"results": []}})), Found::Absent);
        let Found::One(response) = found(&query(), &json!({"d": {"results": [entity]}})) else { panic!("one") };
        assert_eq!((response.body["d"]["No"].as_str(), response.etag.as_deref()), (Some("7"), Some("W/\"1\"")));
        let Found::One(response) = found(&query(), &json!({"value": [{"No": 7}]})) else { panic!("one") };
        assert_eq!(response.body, json!({"No": 7}));
        assert_eq!(found(&query(), &json!({"d": [entity, entity]})), Found::Several(2));
        assert!(matches!(found(&query(), &json!({"d": {"results": [{"Ref": "other"}]}})), Found::Unknown(_)));
        assert!(matches!(found(&query(), &json!({"error": 1})), Found::Unknown(_)));
    }
}
