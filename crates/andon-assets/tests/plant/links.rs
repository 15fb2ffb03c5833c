//! What assets are called in SAP: who is asked about what, and whose word holds.

use andon_assets::definition::Links;
use andon_assets::{Given, Plant};
use serde_json::{Value, json};

use crate::common::{at, fault, plant};

fn definition(links: &Value, equipment: &Value) -> Value {
    json!({
        "models": [
            {"name": "plain", "properties": []},
            {"name": "press", "links": links, "discover": {"topics": ["plant/{line}/{device}"]}, "properties": [
                {"name": "serial", "data_type": "INTEGER", "type": {"attribute": {}}},
                {"name": "t", "data_type": "DOUBLE", "type": {"measurement": {}}}]}],
        "assets": [
            {"id": "a1", "model": "press", "device": "d1", "equipment": equipment, "attributes": {"serial": 7}},
            {"id": "a2", "model": "plain"},
            {"id": "a3", "model": "press", "device": "d3"}]
    })
}

fn links(field: &str, value: &str) -> Value {
    json!({"destination": "s4", "field": field, "value": value})
}

fn called(equipment: Option<&str>, location: Option<&str>) -> Links {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Links { equipment: text(equipment), functional_location: text(location) }
}

fn asked(plant: &Plant) -> Vec<(String, Option<String>)> {
    let (queries, next) = plant.link_queries(0, 100);
    assert_eq!(next, None);
    queries.into_iter().map(|query| (query.asset, query.value)).collect()
}

fn links_of(plant: &Plant, asset: &str) -> Links {
    plant.asset(asset).expect("there").links
}

#[test]
fn assets_are_asked_about_by_what_they_know() {
    let check = |value: &str, expect: [Option<&str>; 2]| {
        let asked = asked(&plant(&definition(&links("InventoryNumber", value), &Value::Null)));
        let expect = ["a1", "a3"].into_iter().zip(expect);
        assert_eq!(
            asked,
            expect.map(|(id, text)| (id.to_owned(), text.map(str::to_owned))).collect::<Vec<_>>(),
            "{value}"
        );
    };
    check("INV-{device}", [Some("INV-d1"), Some("INV-d3")]);
    check("{serial}", [Some("7"), None]);
    check("{line}", [None, None]);
    assert_eq!(asked(&plant(&definition(&Value::Null, &Value::Null))), []);
}

#[test]
fn pages_are_of_all_assets() {
    let plant = plant(&definition(&links("InventoryNumber", "{device}"), &Value::Null));
    let of_page = |from| {
        let (queries, next) = plant.link_queries(from, 2);
        (queries.into_iter().map(|query| query.asset).collect::<Vec<_>>(), next)
    };
    assert_eq!(of_page(0), (vec!["a1".to_owned()], Some(2)));
    assert_eq!(of_page(2), (vec!["a3".to_owned()], None));
    assert_eq!(of_page(9), (vec![], None));
}

#[test]
fn a_person_counts_before_definitions_and_these_before_sap() {
    let definition = definition(&links("InventoryNumber", "{device}"), &json!("42"));
    let mut plant = plant(&definition);
    plant.found("a1", called(Some("7"), Some("1010-CWS"))).expect("there");
    assert_eq!(links_of(&plant, "a1"), called(Some("42"), Some("1010-CWS")));
    plant.found("a3", called(Some("8"), None)).expect("there");
    let mut restored = crate::common::plant(&definition);
    restored.restore(plant.snapshot());
    assert_eq!(links_of(&restored, "a1"), called(Some("42"), Some("1010-CWS")));
    assert_eq!(restored.found_links("a3"), Some(&called(Some("8"), None)));
    restored.found("a3", Links::default()).expect("there");
    assert_eq!(links_of(&restored, "a3"), Links::default());
    restored.link("a1", called(None, Some("1010"))).expect("there");
    assert_eq!(links_of(&restored, "a1"), called(None, Some("1010")));
    assert_eq!(asked(&restored).len(), 1, "nobody is asked about what a person has said");
    assert!(plant.found("a9", Links::default()).is_err());
    assert!(plant.found("a1", called(Some(&"1".repeat(19)), None)).is_err());
}

#[test]
fn what_sap_said_goes_with_the_model_that_asked() {
    let mut old = plant(&definition(&links("InventoryNumber", "{device}"), &Value::Null));
    old.found("a1", called(Some("7"), None)).expect("there");
    let mut new = plant(&definition(&Value::Null, &Value::Null));
    new.restore(old.snapshot());
    assert_eq!(links_of(&new, "a1"), Links::default());
}

#[test]
fn alarms_carry_what_sap_said() {
    let mut definition = definition(&links("InventoryNumber", "{device}"), &Value::Null);
    definition["models"][1]["alarms"] =
        json!([{"name": "hot", "property": "t", "threshold": {"operator": ">", "value": 70}}]);
    let mut plant = plant(&definition);
    plant.found("a1", called(Some("7"), Some("1010-CWS"))).expect("there");
    let applied = crate::common::read(&mut plant, 0, &[("measurements.t", Given::Double(80.0))]);
    let data = &applied.events[0].data;
    assert_eq!((&data["equipment"], &data["functional_location"]), (&json!("7"), &json!("1010-CWS")));
    assert_eq!(applied.events[0].time, Some(at(0)));
}

#[test]
fn faults_are_named() {
    let check = |links: Value, expect: &str| {
        let found = fault(&definition(&links, &Value::Null));
        assert!(found.contains(expect), "{links}: {found}, not {expect}");
    };
    check(links("Inventory Number", "{device}"), "models[1].links.field: the name of a field");
    check(links("InventoryNumber", "{colour}"), "models[1].links.value: {colour} is neither device");
    check(links("InventoryNumber", "{t}"), "models[1].links.value");
    check(links("InventoryNumber", "{device"), "models[1].links.value: a brace");
    check(json!({"destination": "s4", "field": "F", "value": "x", "refresh": "5s"}), "models[1].links.refresh");
    check(json!({"destination": "s4", "value": "x"}), "missing field `field`");
}
