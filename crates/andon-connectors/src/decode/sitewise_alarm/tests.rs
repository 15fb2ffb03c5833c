use super::*;
use bytes::Bytes;
use serde_json::json;

fn value(quality: &str, seconds: u64, state: &Value) -> Value {
    json!({"timestamp": {"timeInSeconds": seconds, "offsetInNanos": 500_000_000}, "quality": quality,
        "value": {"stringValue": state.to_string()}})
}

fn state(name: &str, operator: &str) -> Value {
    json!({"stateName": name,
        "ruleEvaluation": {"simpleRule": {"inputProperty": 71.5, "operator": operator, "threshold": 70.0}}})
}

fn notification(values: &[Value]) -> String {
    json!({"type": "PropertyValueUpdate", "payload": {"assetId": "as-1", "propertyId": "pr-1", "values": values}})
        .to_string()
}

fn decode(states: &[&str], body: String) -> Decoded {
    let states = states.iter().map(|state| (*state).to_owned()).collect();
    SitewiseAlarm { states }.decode(&Delivery { body: Bytes::from(body), ..Delivery::default() })
}

fn check_state(given: &Value, states: &[&str], expect: Option<&Value>) {
    let decoded = decode(states, notification(&[value("GOOD", 1_770_000_000, given)]));
    let found = decoded.events.first().map(|event| {
        let part = |name: &str| event.data.get(name).cloned().unwrap_or_default();
        json!([part("state"), part("operator"), part("value"), part("threshold")])
    });
    assert_eq!((found.as_ref(), decoded.passed), (expect, usize::from(expect.is_none())), "{:?}", decoded.faults);
}

#[test]
fn states_and_operators_have_one_spelling() {
    let active = json!(["ACTIVE", "GREATER", 71.5, 70.0]);
    check_state(&state("ACTIVE", "GREATER"), &["ACTIVE"], Some(&active));
    check_state(&state("Active", ">"), &["ACTIVE"], Some(&active));
    check_state(&state("active", "greater"), &["ACTIVE"], Some(&active));
    check_state(&state("LATCHED", ">"), &["ACTIVE"], None);
    check_state(&json!({"stateName": "Active"}), &["ACTIVE"], Some(&json!(["ACTIVE", null, null, null])));
    let snoozed = json!(["SNOOZE_DISABLED", "LESS_OR_EQUAL", 71.5, 70.0]);
    for name in ["SnoozeDisabled", "SNOOZE_DISABLED", "snooze-disabled", "Snooze Disabled"] {
        check_state(&state(name, "<="), &["SNOOZE_DISABLED"], Some(&snoozed));
    }
    let iot_events = json!({"stateName": "ACTIVE", "ruleEvaluation": {"simpleRuleEvaluation":
        {"inputPropertyValue": 1, "operator": "NOT_EQUAL", "thresholdValue": 2}}});
    check_state(&iot_events, &["ACTIVE"], Some(&json!(["ACTIVE", "NOT_EQUAL", 1, 2])));
}

#[test]
fn all_values_are_read_and_only_good_ones_count() {
    let values: Vec<_> = (0..10).map(|n| value("GOOD", 1_770_000_000 + n, &state("ACTIVE", ">"))).collect();
    let decoded = decode(&["ACTIVE"], notification(&values));
    let mut ids: Vec<_> = decoded.events.iter().map(|event| event.id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    let mixed = [value("BAD", 1, &state("ACTIVE", ">")), value("UNCERTAIN", 2, &json!(0)), values[0].clone()];
    let decoded = decode(&["ACTIVE"], notification(&mixed));
    assert_eq!((decoded.events.len(), decoded.passed, decoded.faults.len()), (1, 2, 0));
}

#[test]
fn measurements_are_passed_over() {
    let other = [
        json!({"doubleValue": 2.0}),
        json!({"integerValue": 2}),
        json!({"booleanValue": true}),
        json!({"nullValue": {"valueType": "S"}}),
    ];
    let values = other.map(|value| json!({"timestamp": {"timeInSeconds": 1}, "quality": "GOOD", "value": value}));
    let decoded = decode(&["ACTIVE"], notification(&values));
    assert_eq!((decoded.events.len(), decoded.passed, decoded.faults), (0, 4, vec![]));
}

#[test]
fn events_name_asset_property_and_person() {
    let acknowledged = json!({"stateName": "Acknowledged",
        "customerAction": {"actionName": "ACKNOWLEDGE", "acknowledge": {"note": "on my way"}}});
    let body = notification(&[value("GOOD", 1_770_000_000, &acknowledged)]);
    let event = decode(&["ACKNOWLEDGED"], body.replace("\"assetId\"", "\"propertyAlias\":\"/7/t\",\"assetId\""))
        .events
        .remove(0);
    assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/sitewise/as-1", Some("as-1")));
    assert_eq!(event.time.map(|time| time.to_string()).as_deref(), Some("2026-02-02T02:40:00.5Z"));
    assert!(event.id.starts_with("pr-1-1770000000.500000000-"), "{}", event.id);
    let told = json!(["as-1", "pr-1", "/7/t", "ACKNOWLEDGE", "on my way"]);
    let names = ["asset_id", "property_id", "alias", "action", "note"];
    assert_eq!(Value::from_iter(names.map(|name| event.data[name].clone())), told);
}

#[test]
fn one_bad_value_leaves_the_others_alone() {
    let bad = json!({"timestamp": {"timeInSeconds": 1}, "quality": "GOOD", "value": {"textValue": "2"}});
    let decoded = decode(&["ACTIVE"], notification(&[bad, value("GOOD", 2, &state("ACTIVE", ">"))]));
    assert_eq!(decoded.events.len(), 1);
    assert_eq!(decoded.faults[0].0.place.as_deref(), Some("record 1, $.payload.values[0].value.stringValue"));
}
