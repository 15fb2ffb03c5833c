//! How readings find their asset.

use andon_assets::{Applied, Given, Measured, Plant, Put, PutTo, Quality, RefusedWhy};
use andon_model::SpeaksFor;
use serde_json::json;

use crate::common::{at, changes, plant};

fn read(plant: &mut Plant, (device, topic): (&str, &str), fields: &[(&str, Given<'_>)]) -> Applied {
    let (ts, quality) = (at(0), Quality::Good);
    plant.apply(&Measured { device, topic, speaks_for: &SpeaksFor::Anyone, ts, received: ts, quality, fields })
}

fn by_path() -> Plant {
    plant(&json!({"models": [{"name": "press",
        "discover": {"asset": "{line}-{device}", "name": "Press {device}", "equipment": "{device}"},
        "properties": [
            {"name": "Line", "data_type": "STRING", "type": {"attribute": {"from": "{line}"}}},
            {"name": "Temperature", "data_type": "DOUBLE",
                "type": {"measurement": {"alias": "/plant/{line}/{device}/temperature"}}},
            {"name": "Oil", "data_type": "DOUBLE",
                "type": {"measurement": {"alias": "/plant/{line}/{device}/oil/level"}}}]}]}))
}

#[test]
fn a_path_leads_to_an_asset_and_makes_it() {
    let mut plant = by_path();
    let applied = read(&mut plant, ("gw", "plant/l1/p7/temperature"), &[("value", Given::Double(20.0))]);
    assert_eq!((applied.created[0].as_ref(), changes(&applied)), ("l1-p7", vec!["Temperature 20.0@0".into()]));
    let fields = [("temperature", Given::Double(21.0)), ("oil.level", Given::Double(0.5))];
    let applied = read(&mut plant, ("gw", "plant/l1/p7"), &fields);
    assert_eq!(changes(&applied), ["Temperature 21.0@0", "Oil 0.5@0"]);
    let applied = read(&mut plant, ("gw", "plant/l1/p7/oil"), &[("level", Given::Double(0.4))]);
    assert_eq!(changes(&applied), ["Oil 0.4@0"]);
    let asset = plant.asset("l1-p7").expect("made");
    assert_eq!((asset.name.as_str(), asset.links.equipment.as_deref(), asset.defined), ("Press p7", Some("p7"), false));
    let line = plant.value("l1-p7", "Line").expect("there").latest.map(|point| point.value);
    assert_eq!(serde_json::to_value(line).expect("serialises"), json!("l1"));
}

#[test]
fn an_alias_leads_to_a_property_and_makes_its_asset() {
    let mut plant = by_path();
    let put = |alias| Put {
        to: PutTo::Alias(alias),
        ts: at(0),
        received: at(0),
        quality: Quality::Good,
        value: Given::Double(3.0),
    };
    let applied = plant.put(&put("/plant/l2/p1/oil/level"));
    assert_eq!((applied.created[0].as_ref(), changes(&applied)), ("l2-p1", vec!["Oil 3.0@0".into()]));
    assert_eq!(plant.alias("/plant/l2/p1/temperature"), Some(("l2-p1", "Temperature")));
    assert!(plant.makes_alias("/plant/l2/p2/oil/level"));
    for unknown in ["/plant/l2/p1/speed", "p1Temperature", "/", "/plant/l2/p9"] {
        assert!(!plant.makes_alias(unknown), "{unknown}");
    }
    for unknown in ["/plant/l2/p1/speed", "p1Temperature", "/"] {
        let applied = plant.put(&put(unknown));
        assert_eq!(applied.refused[0].why, RefusedWhy::NoProperty, "{unknown}");
        assert!(applied.created.is_empty(), "{unknown}");
    }
}

#[test]
fn devices_behind_a_gateway_have_their_own_assets() {
    let mut plant = plant(&json!({"models": [
        {"name": "old", "discover": {"capability_models": ["urn:x:tag:1"]}, "properties": []},
        {"name": "tag", "alias": "{device}{property}", "discover": {"capability_models": ["urn:x:tag:*"]}, "properties": [
            {"name": "Temperature", "data_type": "DOUBLE", "type": {"measurement": {}}}]}]}));
    for (device, capability, model) in [("t1", "urn:x:tag:2", "tag"), ("t2", "urn:x:tag:1", "old"), ("t3", "urn:y", "")]
    {
        let fields = [
            ("device.deviceid", Given::Text(device)),
            ("device.capabilitymodelid", Given::Text(capability)),
            ("measurements.temperature", Given::Integer(20)),
        ];
        let applied = read(&mut plant, ("gw", "data/gw"), &fields);
        let found = plant.asset(device).map(|asset| asset.model).unwrap_or_default();
        assert_eq!((found.as_str(), applied.unmatched), (model, model.is_empty()), "{device}");
    }
    assert_eq!(plant.alias("t1Temperature"), Some(("t1", "Temperature")));
    let counts: Vec<_> = plant.model_views().into_iter().map(|model| (model.name, model.assets)).collect();
    assert_eq!(counts, [("old".into(), 1), ("tag".into(), 1)]);
}

/// Whose readings become values of `t1`, which is defined, and of whom an asset is made.
#[test]
fn nobody_reports_for_a_device_that_he_does_not_speak_for() {
    let check = |sender: &str, behind: &[&str], expect: &str| {
        let mut plant = plant(&json!({"models": [
            {"name": "tag", "discover": {"capability_models": ["urn:x:tag:*"]}, "properties": [
                {"name": "Temperature", "data_type": "DOUBLE", "type": {"measurement": {}}}]}],
            "assets": [{"id": "t1", "model": "tag"}]}));
        let fields = [
            ("device.deviceid", Given::Text("t1")),
            ("device.capabilitymodelid", Given::Text("urn:x:tag:1")),
            ("measurements.temperature", Given::Integer(99)),
        ];
        let speaks_for = SpeaksFor::Only(behind.iter().map(|name| (*name).into()).collect());
        let (ts, quality, topic) = (at(0), Quality::Good, "data/x");
        let measured =
            Measured { device: sender, topic, speaks_for: &speaks_for, ts, received: ts, quality, fields: &fields };
        let applied = plant.apply(&measured);
        let changed: Vec<_> = applied.changes.iter().map(|change| change.asset.as_ref()).collect();
        assert_eq!(changed, [expect], "{sender}, which speaks for {behind:?}");
    };
    check("evil-1", &[], "evil-1");
    check("gw", &["t2"], "gw");
    check("gw", &["t2", "t1"], "t1");
    check("t1", &[], "t1");
}

#[test]
fn links_to_sap_can_be_set_and_are_checked() {
    let mut plant = plant(&json!({"models": [{"name": "m"}], "assets": [{"id": "a1", "model": "m"}]}));
    let links = |equipment: &str| andon_assets::definition::Links {
        equipment: Some(equipment.to_owned()),
        functional_location: None,
    };
    assert!(plant.link("a1", links("210100094")).is_ok());
    assert_eq!(plant.asset("a1").expect("there").links, links("210100094"));
    assert!(plant.link("a1", links("1234567890123456789")).is_err());
    assert!(plant.link("a2", links("1")).is_err());
}
