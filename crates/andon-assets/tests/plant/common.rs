//! Plants and readings in few words.

use andon_assets::definition::PlantDefinition;
use andon_assets::{Applied, Given, Limits, Measured, Plant, Quality};
use andon_model::{SpeaksFor, Timestamp};
use serde_json::Value;

/// 2026-03-05T14:00:00Z: a Thursday, and the beginning of an hour.
pub(crate) const BEGIN: i64 = 1_772_719_200;

/// That many seconds after [`BEGIN`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((BEGIN + seconds) * 1_000_000)
}

/// A plant of these models and assets.
pub(crate) fn plant(definition: &Value) -> Plant {
    let definition = PlantDefinition::read(definition).expect("shapes are right");
    Plant::new(&definition, Limits::default()).expect("definitions are right")
}

/// What is wrong with a definition.
pub(crate) fn fault(definition: &Value) -> String {
    let made = PlantDefinition::read(definition).and_then(|read| Plant::new(&read, Limits::default()));
    made.map_or_else(Some, |plant| plant.doubts().into_iter().next()).expect("refused, or doubted").to_string()
}

/// A reading of device `d1`, received when it was measured.
pub(crate) fn read(plant: &mut Plant, second: i64, fields: &[(&str, Given<'_>)]) -> Applied {
    read_late(plant, second, second, fields)
}

/// A reading of device `d1`, received later than measured.
pub(crate) fn read_late(plant: &mut Plant, second: i64, received: i64, fields: &[(&str, Given<'_>)]) -> Applied {
    plant.apply(&Measured {
        device: "d1",
        topic: "data/d1",
        speaks_for: &SpeaksFor::Anyone,
        ts: at(second),
        received: at(received),
        quality: Quality::Good,
        fields,
    })
}

/// A temperature of device `d1`.
pub(crate) fn warm(plant: &mut Plant, second: i64, temperature: f64) -> Applied {
    read(plant, second, &[("measurements.temperature", Given::Double(temperature))])
}

/// The latest value of a property of asset `a1`, as JSON.
pub(crate) fn latest(plant: &Plant, property: &str) -> Value {
    let value = plant.value("a1", property).expect("a property");
    value.latest.map_or(Value::Null, |point| serde_json::to_value(point.value).expect("serialises"))
}

/// `property value@second` of each change, in order.
pub(crate) fn changes(applied: &Applied) -> Vec<String> {
    let text = |change: &andon_assets::Change| {
        let value = serde_json::to_string(&change.point.value).expect("serialises");
        let second = change.point.ts.as_micros() / 1_000_000 - BEGIN;
        format!("{} {value}@{second}{}", change.property, if change.late { " late" } else { "" })
    };
    applied.changes.iter().map(text).collect()
}

/// `FROM>TO@second` of each transition, in order.
pub(crate) fn moves(applied: &Applied) -> Vec<String> {
    let text = |t: &andon_assets::Transition| {
        format!("{}>{}@{}", t.from.word(), t.to.word(), t.at.as_micros() / 1_000_000 - BEGIN)
    };
    applied.transitions.iter().map(text).collect()
}
