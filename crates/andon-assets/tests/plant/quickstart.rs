//! The devices of the quickstart, from models and assets in files to an alarm.

use std::fs;
use std::path::Path;

use andon_assets::definition::{AssetDefinition, ModelDefinition, PlantDefinition};
use andon_assets::{Applied, Given, Limits, Measured, Plant, Quality};
use andon_model::{SpeaksFor, Timestamp};
use serde_json::Value;

use crate::common::{at, changes, moves};

fn folder(name: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quickstart").join(name);
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("a text"))).collect();
    files.sort();
    files
}

fn quickstart() -> Plant {
    let toml = |text: &str| toml::from_str::<Value>(text).expect("TOML");
    let models = folder("models").into_iter().map(|(path, text)| ModelDefinition::read(&toml(&text), &path));
    let assets = folder("assets").into_iter().map(|(path, text)| AssetDefinition::read(&toml(&text), &path));
    let definition = PlantDefinition {
        models: models.collect::<Result<_, _>>().expect("models"),
        assets: assets.collect::<Result<_, _>>().expect("assets"),
    };
    Plant::new(&definition, Limits::default()).expect("a plant")
}

/// Scalars by dotted lower-case path.
fn flat<'a>(prefix: &str, value: &'a Value, into: &mut Vec<(String, Given<'a>)>) {
    let given = match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flat(&path.to_lowercase(), value, into);
            }
            return;
        }
        Value::Bool(truth) => Given::Boolean(*truth),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Given::Double(number.as_f64().unwrap_or(0.0)), Given::Integer)
        }
        Value::String(text) => Given::Text(text),
        _ => return,
    };
    into.push((prefix.to_owned(), given));
}

fn send(plant: &mut Plant, ts: Timestamp, payload: &Value) -> Applied {
    let mut fields = Vec::new();
    flat("", payload, &mut fields);
    let fields: Vec<_> = fields.iter().map(|(path, given)| (path.as_str(), *given)).collect();
    let (device, topic, quality) = ("gateway-77", "data/gateway-77", Quality::Good);
    plant.apply(&Measured { device, topic, speaks_for: &SpeaksFor::Anyone, ts, received: ts, quality, fields: &fields })
}

#[test]
fn every_device_finds_or_makes_its_asset() {
    let mut plant = quickstart();
    let mut told = Vec::new();
    for (_, text) in folder("input") {
        let applied = send(&mut plant, at(0), &serde_json::from_str(&text).expect("JSON"));
        assert!(applied.refused.is_empty() && !applied.unmatched, "{applied:?}");
        told.push(format!("{}: {}", applied.changes[0].asset, changes(&applied).join(", ")));
    }
    assert_eq!(
        told,
        [
            "f0e1d2c30001: Temperature 21.25@0",
            "d43d39aa0002: Occupancy true@0",
            "e1f2a3b40003: Temperature 23.0@0, Humidity 41.5@0",
            "press-4: Temperature 25.5@0, TemperatureF 77.9@0",
        ]
    );
    let site = plant.asset("site").expect("defined");
    assert_eq!(site.parts, ["press-4", "f0e1d2c30001", "d43d39aa0002", "e1f2a3b40003"]);
    assert_eq!(plant.alias("e1f2a3b40003Humidity"), Some(("e1f2a3b40003", "Humidity")));
    let closed = changes(&plant.tick(at(310)));
    assert_eq!(closed, ["AvgTemperature 25.5@300", "Warmest 25.5@300"]);
}

#[test]
fn a_machine_that_overheats_raises_one_alarm() {
    let mut plant = quickstart();
    let (_, text) = folder("input").remove(3);
    let mut payload: Value = serde_json::from_str(&text).expect("JSON");
    let (mut found, mut events) = (Vec::new(), Vec::new());
    for second in 0..120 {
        payload["measurements"]["temperature"] = (60.0 + f64::from(second % 20)).into();
        let applied = send(&mut plant, at(second.into()), &payload);
        found.extend(moves(&applied));
        events.extend(applied.events);
    }
    assert_eq!(found, ["NORMAL>ACTIVE@16"]);
    assert_eq!(events.len(), 1);
    let data = &events[0].data;
    assert_eq!((&data["equipment"], &data["threshold"]), (&Value::from("210400004"), &Value::from(65.0)));
}
