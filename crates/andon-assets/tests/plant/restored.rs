//! A state that is restored under other definitions.

use andon_assets::definition::{Links, PlantDefinition};
use andon_assets::{Applied, Limits, Plant, Snapshot};
use serde_json::{Value, json};

use crate::common::{at, fault, latest, moves, plant, warm};

fn definition(limit: f64, data_type: &str, equipment: &Value) -> Value {
    json!({
        "models": [{"name": "press", "properties": [
            {"name": "Limit", "data_type": "DOUBLE", "type": {"attribute": {"default": limit}}},
            {"name": "Temperature", "data_type": data_type, "type": {"measurement": {}}},
            {"name": "Mean", "data_type": "DOUBLE", "type": {"metric": {"expression": "avg(Temperature)",
                "window": {"tumbling": {"interval": "1m"}}}}}],
            "alarms": [{"name": "hot", "property": "Temperature", "acknowledge": true,
                "threshold": {"operator": ">", "value": {"attribute": "Limit"}}}]}],
        "assets": [{"id": "a1", "model": "press", "device": "d1", "equipment": equipment}]
    })
}

fn hot() -> Plant {
    let mut plant = plant(&definition(70.0, "DOUBLE", &json!("1")));
    warm(&mut plant, 0, 80.0);
    plant
}

fn restored(from: &Plant, definition: &Value) -> Plant {
    let mut plant = plant(definition);
    assert_eq!(plant.restore(from.snapshot()).assets, 1);
    plant
}

#[test]
fn what_definitions_say_is_as_they_say_now() {
    let mut old = hot();
    let new = restored(&old, &definition(60.0, "DOUBLE", &json!("2")));
    assert_eq!((latest(&new, "Limit"), latest(&new, "Temperature")), (json!(60.0), json!(80.0)));
    assert_eq!(new.asset("a1").expect("there").links.equipment.as_deref(), Some("2"));
    let links = Links { equipment: Some("9".into()), functional_location: None };
    old.link("a1", links.clone()).expect("there");
    assert_eq!(restored(&old, &definition(60.0, "DOUBLE", &json!("2"))).asset("a1").expect("there").links, links);
}

#[test]
fn other_limits_judge_the_latest_value() {
    let judged = |from: f64, to: f64| {
        let mut old = plant(&definition(from, "DOUBLE", &Value::Null));
        warm(&mut old, 0, 80.0);
        old.tick(at(30));
        let mut new = restored(&old, &definition(to, "DOUBLE", &Value::Null));
        let applied = new.judge_anew();
        assert_eq!(new.judge_anew(), Applied::default(), "once");
        let again = restored(&new, &definition(to, "DOUBLE", &Value::Null)).judge_anew();
        assert_eq!(again, Applied::default(), "nothing has changed");
        (moves(&applied), moves(&new.tick(at(500))))
    };
    let (none, text) = (Vec::<String>::new, |text: &str| vec![text.to_owned()]);
    assert_eq!(judged(90.0, 70.0), (text("NORMAL>ACTIVE@30"), none()));
    assert_eq!(judged(70.0, 90.0), (none(), text("ACTIVE>LATCHED@90")));
    assert_eq!(judged(70.0, 60.0), (none(), none()));
}

#[test]
fn an_episode_goes_on() {
    let mut new = restored(&hot(), &definition(60.0, "DOUBLE", &Value::Null));
    assert_eq!(new.alarms_of("a1").expect("there")[0].opened_at, Some(at(0)));
    warm(&mut new, 10, 20.0);
    assert_eq!(moves(&new.tick(at(500))), ["ACTIVE>LATCHED@70"]);
    assert_eq!(latest(&new, "Mean"), json!(50.0));
}

/// A site, and sensors that readings create below it.
fn sensors(with_site: bool, hierarchy: &str) -> Value {
    let site = json!({"id": "site", "model": "site"});
    let hierarchies = json!([{"name": "sensors", "model": "sensor"}, {"name": "sites", "model": "other"}]);
    let discover = json!({"topics": ["data/{device}"], "parent": {"asset": "site", "hierarchy": hierarchy}});
    json!({
        "models": [{"name": "site", "hierarchies": hierarchies}, {"name": "other"},
            {"name": "sensor", "discover": discover,
                "properties": [{"name": "Temperature", "data_type": "DOUBLE", "type": {"measurement": {}}}]}],
        "assets": if with_site { vec![site] } else { Vec::new() }
    })
}

#[test]
fn a_parent_that_comes_later_has_its_parts() {
    let mut old = plant(&sensors(false, "sensors"));
    warm(&mut old, 0, 80.0);
    assert_eq!(old.asset("d1").expect("made").parent, None);
    let new = restored(&old, &sensors(true, "sensors"));
    assert_eq!(new.asset("site").expect("there").parts, ["d1"]);
    let site = PlantDefinition::read(&sensors(true, "sensors")).expect("right").assets.remove(0);
    old.define(&site).expect("right");
    assert_eq!(old.asset("site").expect("there").parts, ["d1"]);
    let mut again = plant(&sensors(true, "sensors"));
    again.restore(old.snapshot());
    assert_eq!(again.asset("site").expect("there").parts, ["d1"], "once");
    assert_eq!(plant(&sensors(false, "nothing")).roots().count(), 0, "that may come");
    assert_eq!(fault(&sensors(true, "nothing")), "models[2].discover.parent: site has no hierarchy nothing");
    let wrong = "models[2].discover.parent: the hierarchy sites is not for assets of the model sensor";
    assert_eq!(fault(&sensors(true, "sites")), wrong);
}

#[test]
fn assets_that_readings_created_follow_their_model() {
    let definition = |name: &str, equipment: &str| {
        let mut definition = sensors(false, "sensors");
        definition["models"][2]["discover"]["name"] = json!(name);
        definition["models"][2]["discover"]["equipment"] = json!(equipment);
        definition
    };
    let mut old = plant(&definition("Sensor {device}", "1-{device}"));
    warm(&mut old, 0, 80.0);
    let view = restored(&old, &definition("{device} in the hall", "2-{device}")).asset("d1").expect("there");
    assert_eq!((view.name.as_str(), view.links.equipment.as_deref()), ("d1 in the hall", Some("2-d1")));
    let view = restored(&old, &sensors(false, "sensors")).asset("d1").expect("there");
    assert_eq!((view.name.as_str(), view.links.equipment), ("d1", None));
    old.link("d1", Links { equipment: Some("9".into()), functional_location: None }).expect("there");
    let view = restored(&old, &definition("x", "2-{device}")).asset("d1").expect("there");
    assert_eq!(view.links.equipment.as_deref(), Some("9"), "a person said so");
}

#[test]
fn whether_an_alarm_is_watched_follows_its_definition() {
    let definition = |enabled: bool| {
        let mut definition = definition(70.0, "DOUBLE", &Value::Null);
        definition["models"][0]["alarms"][0]["enabled"] = json!(enabled);
        definition
    };
    let redefined = |old: &Plant, enabled| {
        let mut new = restored(old, &definition(enabled));
        let moved = moves(&new.judge_anew());
        assert_eq!(new.judge_anew(), Applied::default(), "once");
        (new, moved)
    };
    let (off, moved) = redefined(&hot(), false);
    assert_eq!(moved, ["ACTIVE>DISABLED@0"]);
    assert_eq!(redefined(&off, false).1, Vec::<String>::new());
    assert_eq!(redefined(&off, true).1, ["DISABLED>NORMAL@0", "NORMAL>ACTIVE@0"]);
    let mut text = serde_json::to_string(&off.snapshot()).expect("serialises");
    text = text.replace(",\"enabled\":false", "");
    let mut old: Plant = plant(&definition(true));
    old.restore(serde_json::from_str(&text).expect("an earlier version is read"));
    assert_eq!(old.judge_anew(), Applied::default(), "what an earlier version does not say has not changed");
}

#[test]
fn values_of_another_type_are_left_out() {
    let new = restored(&hot(), &definition(70.0, "INTEGER", &Value::Null));
    assert_eq!(latest(&new, "Temperature"), Value::Null);
}

#[test]
fn assets_without_a_definition_are_named() {
    let old = hot();
    let mut empty = plant(&json!({"models": [{"name": "press"}]}));
    assert_eq!(empty.restore(old.snapshot()).left_out, ["a1"]);
    let mut fresh = plant(&definition(70.0, "DOUBLE", &Value::Null));
    assert_eq!(fresh.restore(old.snapshot().without("a1")).assets, 0);
    assert_eq!(latest(&fresh, "Temperature"), Value::Null);
}

#[test]
fn a_format_of_another_version_is_left_alone() {
    let old = hot();
    let mut text = serde_json::to_value(old.snapshot()).expect("serialises");
    text["v"] = json!(2);
    let snapshot: Snapshot = serde_json::from_value(text).expect("reads");
    let mut fresh = plant(&definition(70.0, "DOUBLE", &Value::Null));
    assert_eq!(fresh.restore(snapshot).left_out, ["a1"]);
    assert_eq!(latest(&fresh, "Temperature"), Value::Null);
}

#[test]
fn a_plant_can_be_handed_from_thread_to_thread() {
    fn is_sent<T: Send + Sync>(_: &T) {}
    let read = PlantDefinition::read(&json!({})).expect("nothing is defined");
    is_sent(&Plant::new(&read, Limits::default()).expect("an empty plant"));
}
