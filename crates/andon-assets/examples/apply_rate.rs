//! Measures how fast readings become values on one core: readings of six fields, three of them measurements, without and
//! with metrics, alarms and a formula. The rate is per second of the processor, so that a busy machine gives the same.
//!
//! ```text
//! cargo run --release -p andon-assets --example apply_rate
//! ```

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use andon_assets::definition::PlantDefinition;
use andon_assets::{DefinitionError, Given, Limits, Measured, Plant, Quality};
use andon_model::{SpeaksFor, Timestamp};
use serde_json::{Value, json};

const DEVICES: usize = 1_000;
const READINGS: i64 = 1_000_000;

fn metric(name: &str, expression: &str) -> Value {
    json!({"name": name, "data_type": "DOUBLE",
        "type": {"metric": {"expression": expression, "window": {"tumbling": {"interval": "5m"}}}}})
}

fn definition(formulas: &[Value], alarms: &Value) -> Value {
    let mut properties: Vec<Value> = ["Temperature", "Humidity", "Battery"]
        .map(|name| json!({"name": name, "data_type": "DOUBLE", "type": {"measurement": {}}}))
        .into();
    properties.extend_from_slice(formulas);
    json!({"models": [{"name": "sensor", "alias": "{device}{property}", "properties": properties, "alarms": alarms,
        "discover": {"capability_models": ["urn:sensor:*"]}}]})
}

/// What this process has used of the processor, as Linux counts it: in hundredths of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_the_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<f64> = behind_the_name.split(' ').skip(11).take(2).filter_map(|text| text.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}

fn measure(what: &str, definition: &Value) -> Result<(), DefinitionError> {
    let mut plant = Plant::new(&PlantDefinition::read(definition)?, Limits::default())?;
    let devices: Vec<String> = (0..DEVICES).map(|n| format!("sensor-{n:05}")).collect();
    let (begun, mut changes, mut events) = (cpu_seconds(), 0, 0);
    for n in 0..READINGS {
        let device = devices[usize::try_from(n).unwrap_or(0) % DEVICES].as_str();
        let ts = Timestamp::from_micros(1_772_719_200_000_000 + n * 10_000);
        let fields = [
            ("device.deviceid", Given::Text(device)),
            ("device.capabilitymodelid", Given::Text("urn:sensor:1")),
            ("measurements.temperature", Given::Double(20.0 + (n % 997) as f64 / 20.0)),
            ("measurements.humidity", Given::Double(40.0 + (n % 13) as f64)),
            ("measurements.battery", Given::Integer(100 - n % 50)),
            ("measurements.rssi", Given::Integer(-60)),
        ];
        let measured = Measured {
            device,
            topic: "data/gw",
            speaks_for: &SpeaksFor::Anyone,
            ts,
            received: ts,
            quality: Quality::Good,
            fields: &fields,
        };
        let applied = plant.apply(&measured);
        changes += applied.changes.len();
        events += applied.events.len();
    }
    let seconds = cpu_seconds() - begun;
    let rate = READINGS as f64 / seconds;
    let begun = cpu_seconds();
    let snapshot = serde_json::to_vec(&plant.snapshot()).unwrap_or_default();
    let (bytes, took) = (snapshot.len() as f64 / 1e6, cpu_seconds() - begun);
    println!("{what}: {rate:.0} readings per CPU-second, {changes} values, {events} events");
    println!("  recent values {:.1} MB, snapshot {bytes:.1} MB in {took:.2} s", plant.recent_bytes() as f64 / 1e6);
    Ok(())
}

fn main() -> Result<(), DefinitionError> {
    let formulas = [
        json!({"name": "TemperatureF", "data_type": "DOUBLE",
            "type": {"transform": {"expression": "9/5 * Temperature + 32"}}}),
        metric("Mean", "avg(Temperature)"),
        metric("Span", "max(Humidity) - min(Humidity)"),
    ];
    let alarms = json!([
        {"name": "hot", "property": "Temperature", "threshold": {"operator": ">", "value": 69.5, "hysteresis": 2}},
        {"name": "silent", "property": "Temperature", "silence": {"after": "10m"}}]);
    measure("three measurements", &definition(&[], &json!([])))?;
    measure("with two metrics and two alarms", &definition(&formulas[1..], &alarms))?;
    measure("with a formula in ZEN as well", &definition(&formulas, &alarms))
}
