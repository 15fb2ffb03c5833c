//! What is wrong with a definition is said with its path.

use serde_json::{Value, json};

use crate::common::{fault, plant};

fn model(member: &str, value: Value) -> Value {
    let mut model = json!({"name": "m", "properties": [
        {"name": "Temperature", "data_type": "DOUBLE", "type": {"measurement": {}}},
        {"name": "Name", "data_type": "STRING", "type": {"attribute": {"default": "x"}}}]});
    match (&mut model[member], value) {
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (place, value) => *place = value,
    }
    json!({"models": [model]})
}

fn check(definition: &Value, expect: &str) {
    let found = fault(definition);
    assert!(found.contains(expect), "{definition}: {found}, not {expect}");
}

fn check_property(kind: &Value, expect: &str) {
    check(&model("properties", json!([{"name": "P", "data_type": "DOUBLE", "type": kind}])), expect);
}

fn metric(expression: &str, interval: &str, offset: &str) -> Value {
    json!({"metric": {"expression": expression, "window": {"tumbling": {"interval": interval, "offset": offset}}}})
}

#[test]
fn shapes() {
    check(&json!([]), "$: an object is expected");
    check(&json!({"model": []}), "model: is not known here");
    check(&json!({"models": [{"nam": "m"}]}), "models[0]: unknown field `nam`");
    check(&json!({"models": [{}]}), "models[0]: missing field `name`");
    check(&json!({"assets": [{"id": "a"}]}), "assets[0]: missing field `model`");
    let missing = json!({"name": "P", "data_type": "FLOAT", "type": {"measurement": {}}});
    check(&model("properties", json!([missing])), "models[0].properties[2]: unknown variant `FLOAT`");
    check_property(&json!({"formula": {}}), "models[0].properties[2]: unknown variant `formula`");
    check(&model("alarms", json!({})), "models[0].alarms: a list is expected");
    check_property(&metric("avg(Temperature)", "5", "0s"), "models[0].properties[2]: \"5\" is not a span of time");
}

#[test]
fn references() {
    check(
        &model("hierarchies", json!([{"name": "h", "model": "x"}])),
        "models[0].hierarchies[0].model: there is no model x",
    );
    check(&model("hierarchies", json!([{"name": "h", "model": "m"}])), "a part of itself");
    check_property(
        &json!({"transform": {"expression": "Heat + 1"}}),
        "models[0].properties[2].type.transform.expression: position 1: Heat",
    );
    let variables = json!([{"name": "h", "value": {"propertyId": "Heat"}}]);
    check_property(
        &json!({"transform": {"expression": "h", "variables": variables}}),
        "models[0].properties[2].type.transform.variables[0].value.property: there is no property Heat",
    );
    let variables = json!([{"name": "h", "value": {"propertyId": "Temperature", "hierarchyId": "parts"}}]);
    check_property(
        &json!({"transform": {"expression": "h", "variables": variables}}),
        "only a metric reads properties of parts",
    );
    check_property(&json!({"transform": {"expression": "P + Temperature"}}), "follows from itself: m.P from m.P");
    let pair = json!([
        {"name": "A", "data_type": "DOUBLE", "type": {"transform": {"expression": "B"}}},
        {"name": "B", "data_type": "DOUBLE", "type": {"transform": {"expression": "A"}}}]);
    check(&model("properties", pair), "models[0].properties[2].type: follows from itself: m.A from m.B from m.A");
    check(
        &model("alarms", json!([{"name": "a", "property": "Heat", "silence": {"after": "1m"}}])),
        "models[0].alarms[0].property",
    );
    check(&json!({"assets": [{"id": "a", "model": "m"}]}), "assets[0].model: there is no model m");
}

#[test]
fn values() {
    let twice = json!([{"name": "Temperature", "data_type": "DOUBLE", "type": {"measurement": {}}}]);
    check(&model("properties", twice), "models[0].properties[2].name: Temperature stands here a second time");
    check_property(&json!({"attribute": {"default": "warm"}}), "is no value of type Double");
    check_property(&json!({"transform": {"expression": "1 + 1"}}), "reads no value that ever changes");
    check_property(&metric("avg(Temperature)", "30s", "0s"), "window.tumbling.interval: is from 1m to 1w");
    check_property(&metric("avg(Temperature)", "5m", "5m"), "window.tumbling.offset: is less than the interval");
    check_property(&json!({"measurement": {"alias": "{dev"}}), "models[0].properties[2].type.measurement.alias");
    check_property(&json!({"measurement": {"alias": "/a/+/{device}"}}), "is empty or a wildcard");
    check(
        &model("discover", json!({"topics": ["a/{line}"], "asset": "{machine}"})),
        "models[0].discover.asset: {machine}",
    );
    check(&model("discover", json!({"topics": ["a/x{line}"]})), "models[0].discover.topics[0]");
}

fn right_formula(kind: &Value, data_type: &str) {
    let plant = plant(&model("properties", json!([{"name": "P", "data_type": data_type, "type": kind}])));
    let doubts: Vec<String> = plant.doubts().iter().map(ToString::to_string).collect();
    assert_eq!(doubts, [""; 0], "{kind}");
}

#[test]
fn formulas_that_no_reading_makes_right() {
    let at = "models[0].properties[2].type.transform.expression: ";
    for (expression, expect) in [
        ("upper(Temperature)", "cannot be computed: "),
        ("Temperature + Name", "cannot be computed: "),
        ("if(Temperature > 1, 'a')", "gives \"a\", which is no value of type Double (property P)"),
        ("1e400 * Temperature", "position 1: 1e400 is beyond"),
    ] {
        check_property(&json!({"transform": {"expression": expression}}), &format!("{at}{expect}"));
    }
    let upper = metric("upper(last(Temperature))", "5m", "0s");
    check_property(&upper, "models[0].properties[2].type.metric.expression: cannot be computed: ");
    let right = [
        "sqrt(Temperature)",
        "1 / Temperature",
        "if(Temperature > 5, Temperature)",
        "Temperature - 0.5",
        "-Temperature",
    ];
    for (expression, data_type) in right.into_iter().flat_map(|text| [(text, "DOUBLE"), (text, "INTEGER")]) {
        let kind = json!({"transform": {"expression": expression}});
        right_formula(&kind, data_type);
    }
    for expression in [
        "(last(Temperature) - first(Temperature)) / (timestamp(last(Temperature)) - timestamp(first(Temperature))) * 3600",
        "round((avg(Temperature) - min(Temperature)) / (max(Temperature) - min(Temperature)))",
        "sqrt(last(Temperature) - 101.3)",
    ] {
        right_formula(&metric(expression, "5m", "0s"), "DOUBLE");
    }
}

#[test]
fn alarms() {
    let check_alarm = |alarm: Value, expect: &str| {
        let mut alarm = alarm;
        alarm["name"] = json!("a");
        if alarm["property"].is_null() {
            alarm["property"] = json!("Temperature");
        }
        check(&model("alarms", json!([alarm])), expect);
    };
    check_alarm(json!({}), "models[0].alarms[0]: has exactly one of threshold, rate and silence (alarm a)");
    check_alarm(json!({"silence": {"after": "0s"}}), "silence.after: is at least 1s");
    check_alarm(json!({"property": "Name", "silence": {"after": "1m"}}), "an attribute never changes");
    check_alarm(json!({"threshold": {"operator": "==", "value": 1, "hysteresis": 1}}), "has no meaning for equality");
    check_alarm(json!({"threshold": {"operator": ">", "value": 1, "hysteresis": -1}}), "hysteresis: is 0 or more");
    check_alarm(json!({"threshold": {"operator": "about", "value": 1}}), "unknown variant `about`");
    check_alarm(json!({"threshold": {"operator": ">", "value": {"attribute": "Temperature"}}}), "is not an attribute");
    check_alarm(json!({"threshold": {"operator": ">", "value": {"attribute": "Name"}}}), "is a text, not a number");
    check_alarm(json!({"rate": {"change": 0, "within": "1m"}}), "rate.change: is more than 0");
    check_alarm(json!({"rate": {"change": 1, "within": "0s"}}), "rate.within: is at least 1s");
}

#[test]
fn assets() {
    let check_assets = |assets: Value, expect: &str| {
        let mut definition = model("description", json!("x"));
        definition["assets"] = assets;
        check(&definition, expect);
    };
    check_assets(json!([{"id": "", "model": "m"}]), "assets[0].id");
    check_assets(
        json!([{"id": "a", "model": "m"}, {"id": "a", "model": "m"}]),
        "assets[1].id: a stands here a second time",
    );
    check_assets(
        json!([{"id": "a", "model": "m"}, {"id": "b", "model": "m", "device": "a"}]),
        "assets[1].device: a reports",
    );
    check_assets(
        json!([{"id": "a", "model": "m", "equipment": "1234567890123456789"}]),
        "an equipment has 1 to 18 characters",
    );
    check_assets(json!([{"id": "a", "model": "m", "attributes": {"Temperature": 1}}]), "m has no such attribute");
    check_assets(
        json!([{"id": "a", "model": "m", "parent": {"asset": "b", "hierarchy": "h"}}]),
        "assets[0].parent: there is no asset b",
    );
}

#[test]
fn sitewise_s_own_shape_is_read() {
    let plant = plant(&json!({"models": [{"assetModelName": "m", "assetModelDescription": "as SiteWise has it",
        "assetModelProperties": [
            {"dataType": "STRING", "name": "DeviceId", "type": {"attribute": {"defaultValue": "1"}}},
            {"dataType": "DOUBLE", "name": "Temperature", "type": {"measurement": {}}, "unit": "C"},
            {"dataType": "DOUBLE", "name": "AvgTemperature", "type": {"metric": {"expression": "avg(var_temperature)",
                "variables": [{"name": "var_temperature", "value": {"propertyId": "Temperature"}}],
                "window": {"tumbling": {"interval": "5m"}}}}}],
        "assetModelHierarchies": [{"name": "parts", "childAssetModelId": "part"}]}, {"name": "part"}]}));
    assert_eq!(plant.models().map(|model| model.properties.len()).collect::<Vec<_>>(), [3, 0]);
}
