//! The rule service: `POST …/v2/rule-services` and `…/v1/rule-services`.
//!
//! ```text
//! {"RuleServiceId":"<32 hex>","Vocabulary":[{"EventInfo":{"SourceSystem":"AWS"}}]}
//! {"Result":[{"ActionInfo":{"ActionId":"refill-silo"}}]}
//! ```
//! Nothing matched is 200 with an empty `Result`. In version 1 objects carry their name as `__type__`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::response::Response;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::faults::FaultKind;
use crate::lock::hold;
use crate::sap::RuleCall;
use crate::sap::call::{Call, Payload};
use crate::sap::plain::with_json;
use crate::sap::simulator::System;
use crate::statistics::RequestKind;

/// A rule service: a small decision table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleService {
    /// `RuleServiceId`.
    pub id: String,
    /// Whether every row that fits gives a result, or the first one only.
    #[serde(default)]
    pub all_matches: bool,
    /// The rows, in order.
    pub rows: Vec<RuleRow>,
}

/// A row of a rule service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRow {
    /// Values that must be equal, by `<data object>.<attribute>`; what is left out fits anything.
    #[serde(default)]
    pub when: BTreeMap<String, Value>,
    /// The result: `{"<data object>":{"<attribute>":…}}`.
    pub then: Value,
}

/// The rule services in force.
pub(crate) struct Rules(Mutex<Vec<RuleService>>);

impl Rules {
    pub(crate) fn new(rules: Vec<RuleService>) -> Self {
        Self(Mutex::new(rules))
    }

    /// Replaces all of them.
    pub(crate) fn replace(&self, rules: Vec<RuleService>) {
        *hold(&self.0) = rules;
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<RuleService> {
        hold(&self.0).clone()
    }

    /// What a service finds; none when it does not exist.
    fn evaluate(&self, id: &str, facts: &Map<String, Value>) -> Option<Vec<Value>> {
        let rules = hold(&self.0);
        let service = rules.iter().find(|service| service.id == id)?;
        let limit = if service.all_matches { usize::MAX } else { 1 };
        let fitting = service.rows.iter().filter(|row| row.fits(facts)).take(limit);
        Some(fitting.map(|row| row.then.clone()).collect())
    }
}

impl RuleRow {
    fn fits(&self, facts: &Map<String, Value>) -> bool {
        self.when.iter().all(|(path, wanted)| {
            let value = path.split_once('.').and_then(|(object, attribute)| facts.get(object)?.get(attribute));
            value == Some(wanted)
        })
    }
}

/// Version 1 or 2 of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// Which version a path asks for; whatever stands before belongs to the destination.
pub(crate) fn version(path: &str) -> Option<Version> {
    match path.trim_end_matches('/') {
        path if path.ends_with("/v2/rule-services") => Some(Version::V2),
        path if path.ends_with("/v1/rule-services") => Some(Version::V1),
        _ => None,
    }
}

/// Answers the rule service.
pub(crate) fn answer(system: &System, call: &Call<'_>, version: Version) -> Response {
    system.statistics.count(RequestKind::Rules);
    if call.method != Method::POST {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "A rule service is called by POST");
    }
    let Payload::Json(body) = call.payload else {
        return refusal(StatusCode::BAD_REQUEST, "The body is not JSON");
    };
    let (Some(id), Some(vocabulary)) = (body["RuleServiceId"].as_str(), body["Vocabulary"].as_array()) else {
        return refusal(StatusCode::BAD_REQUEST, "RuleServiceId and Vocabulary are mandatory");
    };
    let Some(mut found) = system.rules.evaluate(id, &facts(vocabulary)) else {
        return refusal(StatusCode::NOT_FOUND, "Rule service not found");
    };
    if call.fault == Some(FaultKind::EmptyResult) {
        system.statistics.count_fault(FaultKind::EmptyResult);
        found.clear();
    }
    let (rule_service, results, at) = (id.to_owned(), found.len() as u64, system.now());
    system.notes.rule(RuleCall { rule_service, vocabulary: body["Vocabulary"].clone(), results, at });
    let found: Vec<Value> = found.into_iter().map(|result| worded(result, version)).collect();
    with_json(StatusCode::OK, &json!({ "Result": found }))
}

/// The data objects by name, whichever way they were written.
fn facts(vocabulary: &[Value]) -> Map<String, Value> {
    let mut facts = Map::new();
    for object in vocabulary.iter().filter_map(Value::as_object) {
        match object.get("__type__").and_then(Value::as_str) {
            Some(name) => drop(facts.insert(name.to_owned(), Value::Object(object.clone()))),
            None => facts.extend(object.clone()),
        }
    }
    facts
}

fn worded(result: Value, version: Version) -> Value {
    match (version, result) {
        (Version::V1, Value::Object(objects)) if objects.len() == 1 => {
            let mut out = Map::new();
            for (name, value) in objects {
                out.insert("__type__".to_owned(), Value::String(name));
                out.extend(value.as_object().cloned().unwrap_or_default());
            }
            Value::Object(out)
        }
        (_, result) => result,
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    with_json(status, &json!({"error": {"message": message}}))
}

/// The rule services that exist unless told otherwise.
pub(crate) fn usual_rules() -> Vec<RuleService> {
    vec![
        RuleService {
            id: "a4c1e5f0d2b34c7e9f10213243546576".to_owned(),
            all_matches: false,
            rows: vec![
                decides("AWS", "Line 1", "Pump", "notify-maintenance"),
                decides("AWS-PPE", "L001", "Camera", "report-incident"),
                decides("AZURE", "Plant A", "Silo", "refill-silo"),
            ],
        },
        RuleService {
            id: "b5d2f601e3c45d8fa021324354657687".to_owned(),
            all_matches: false,
            rows: vec![RuleRow {
                when: BTreeMap::from([("EventInfo.BUCKETId".to_owned(), json!("line-1"))]),
                then: json!({"EquipmentDetails": {"Equipment": "210100094", "Location": "1010-CWS"}}),
            }],
        },
    ]
}

fn decides(system: &str, location: &str, device: &str, action: &str) -> RuleRow {
    let when = [("SourceSystem", system), ("DeviceLocation", location), ("DeviceType", device)];
    let when = when.map(|(name, value)| (format!("EventInfo.{name}"), json!(value)));
    RuleRow { when: BTreeMap::from(when), then: json!({"ActionInfo": {"ActionId": action}}) }
}
