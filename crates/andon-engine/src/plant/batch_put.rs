//! Values that name their property: the body of SiteWise's `BatchPutAssetPropertyValue`, kept as a reading.
//!
//! Whoever takes such a body keeps it, as it is, as a reading of [`PUT_TOPIC`]; the lane takes it from there like every
//! other. So it is durable before it is answered, in the lake, and counted.
//!
//! Shape: <https://docs.aws.amazon.com/iot-sitewise/latest/APIReference/API_BatchPutAssetPropertyValue.html>. A property
//! is named by `propertyAlias`, or by `assetId` and `propertyId`, which are the asset's id and the property's name.

use andon_assets::{Applied, Given, Plant, Put, PutTo, Quality, Refused, RefusedWhy};
use andon_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The topic of readings that are such bodies.
pub const PUT_TOPIC: &str = "$andon/values";

/// Most entries of one body; more are not looked at. SiteWise itself takes 10.
pub const MAX_PUT_ENTRIES: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    property_alias: Option<String>,
    asset_id: Option<String>,
    property_id: Option<String>,
    #[serde(default)]
    property_values: Vec<PropertyValue>,
}

#[derive(Deserialize)]
struct PropertyValue {
    value: Variant,
    timestamp: Option<TimeInNanos>,
    #[serde(default)]
    quality: Quality,
}

#[derive(Deserialize)]
enum Variant {
    #[serde(rename = "stringValue")]
    String(String),
    #[serde(rename = "integerValue")]
    Integer(i64),
    #[serde(rename = "doubleValue")]
    Double(f64),
    #[serde(rename = "booleanValue")]
    Boolean(bool),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TimeInNanos {
    time_in_seconds: i64,
    #[serde(default)]
    offset_in_nanos: u32,
}

/// Takes the entries of a body into the plant. What cannot be read is told as refused.
pub(super) fn apply(plant: &mut Plant, received: Timestamp, body: &Value, mut add: impl FnMut(Applied)) {
    let entries = body.get("entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for entry in entries.iter().take(MAX_PUT_ENTRIES) {
        match Entry::deserialize(entry) {
            Ok(entry) => apply_entry(plant, received, &entry, &mut add),
            Err(error) => add(refused(error.to_string())),
        }
    }
}

fn apply_entry(plant: &mut Plant, received: Timestamp, entry: &Entry, add: &mut impl FnMut(Applied)) {
    let to = match (&entry.property_alias, &entry.asset_id, &entry.property_id) {
        (Some(alias), _, _) => PutTo::Alias(alias),
        (None, Some(asset), Some(property)) => PutTo::Property { asset, property },
        _ => return add(refused("an entry without propertyAlias, or assetId and propertyId".to_owned())),
    };
    for PropertyValue { value, timestamp, quality } in &entry.property_values {
        let ts = timestamp.as_ref().map_or(received, TimeInNanos::timestamp);
        add(plant.put(&Put { to, ts, received, quality: *quality, value: value.given() }));
    }
}

fn refused(what: String) -> Applied {
    let refused = Refused { asset: None, what, why: RefusedWhy::NoProperty };
    Applied { refused: vec![refused], ..Applied::default() }
}

impl Variant {
    fn given(&self) -> Given<'_> {
        match self {
            Self::String(text) => Given::Text(text),
            Self::Integer(number) => Given::Integer(*number),
            Self::Double(number) => Given::Double(*number),
            Self::Boolean(truth) => Given::Boolean(*truth),
        }
    }
}

impl TimeInNanos {
    fn timestamp(&self) -> Timestamp {
        let micros = self.time_in_seconds.saturating_mul(1_000_000);
        Timestamp::from_micros(micros.saturating_add(i64::from(self.offset_in_nanos / 1_000)))
    }
}

#[cfg(test)]
mod tests {
    use andon_assets::Limits;
    use andon_assets::definition::PlantDefinition;
    use serde_json::json;

    use super::*;

    fn plant() -> Plant {
        let definition = json!({
            "models": [{"name": "press", "properties": [
                {"name": "t", "data_type": "DOUBLE", "type": {"measurement": {"alias": "/press/t"}}},
                {"name": "n", "data_type": "INTEGER", "type": {"measurement": {}}}]}],
            "assets": [{"id": "p1", "model": "press"}],
        });
        Plant::new(&PlantDefinition::read(&definition).expect("read"), Limits::default()).expect("a plant")
    }

    #[test]
    fn entries_name_their_property() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let when = json!({"timeInSeconds": 100, "offsetInNanos": 500_000});
        let body = json!({"entries": [
            {"entryId": "1", "propertyAlias": "/press/t",
                "propertyValues": [{"value": {"doubleValue": 21.5}, "timestamp": when, "quality": "UNCERTAIN"}]},
            {"entryId": "2", "assetId": "p1", "propertyId": "n", "propertyValues": [{"value": {"integerValue": 7}}]},
            {"entryId": "3", "assetId": "p1", "propertyValues": [{"value": {"integerValue": 7}}]},
            {"entryId": "4", "propertyAlias": "/other", "propertyValues": [{"value": {"booleanValue": true}}]},
            {"entryId": "5", "propertyAlias": "/press/t", "propertyValues": [{"value": {"doubleValue": "warm"}}]},
        ]});
        let (mut plant, mut values, mut faults) = (plant(), Vec::new(), 0);
        apply(&mut plant, at(101), &body, |applied| {
            faults += applied.refused.len();
            values.extend(applied.changes.into_iter().map(|change| (change.property.to_string(), change.point)));
        });
        assert_eq!(faults, 3);
        let seen: Vec<_> = values.iter().map(|(name, point)| (name.as_str(), point.ts, point.quality)).collect();
        let first = Timestamp::from_micros(100_000_500);
        assert_eq!(seen, [("t", first, Quality::Uncertain), ("n", at(101), Quality::Good)]);
    }

    #[test]
    fn bodies_of_another_shape_change_nothing() {
        for body in [json!(null), json!([]), json!({}), json!({"entries": {}}), json!({"entries": [1]})] {
            apply(&mut plant(), Timestamp::default(), &body, |applied| assert_eq!(applied.changes, [], "{body}"));
        }
    }
}
