//! Measures how fast readings become rows, on one core.
//!
//! ```text
//! cargo run --release -p andon-lake --example flatten_rate
//! ```

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::Instant;

use andon_lake::flatten::{FlattenFault, FlattenLimits, Flattener, Schema};
use andon_model::{IngestId, Reading, Timestamp};

const READINGS: u64 = 200_000;

fn payload(n: u64) -> String {
    format!(
        r#"{{"device":{{"gatewayId":"gw-07","deviceId":"s1-{:05}","capabilityModelId":"urn:s1:sensor:1","dtmi":"dtmi:s1;1"}},"measurements":{{"temperature":{}.53,"humidity":48.2,"occupied":true,"battery":{}}}}}"#,
        n % 1_000,
        n % 40,
        n % 100
    )
}

fn main() -> Result<(), FlattenFault> {
    let received = Timestamp::from_micros(1_772_719_200_000_000);
    let reading = |n: u64| Reading {
        id: IngestId(n),
        received,
        device: "s1".into(),
        topic: "data/s1".into(),
        payload: payload(n).into_bytes(),
    };
    let readings: Vec<_> = (0..READINGS).map(reading).collect();
    let bytes: usize = readings.iter().map(|r| r.payload.len()).sum();
    let mut flattener = Flattener::new(Schema::new("readings"), FlattenLimits::default());
    let (begun, mut values) = (Instant::now(), 0);
    for reading in &readings {
        values += flattener.flatten(reading)?.rows.iter().map(|row| row.values.len()).sum::<usize>();
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:.0} readings/s, {:.0} MB/s, {values} values", READINGS as f64 / seconds, bytes as f64 / seconds / 1e6);
    Ok(())
}
