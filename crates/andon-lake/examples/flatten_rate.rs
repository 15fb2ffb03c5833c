//! Measures how fast readings become rows, one by one and as columns of batches, on one core.
//!
//! ```text
//! cargo run --release -p andon-lake --example flatten_rate
//! ```

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::Instant;

use andon_lake::flatten::{BatchFlattener, FlattenFault, FlattenLimits, Flattener, Schema};
use andon_model::{IngestId, Reading, SpeaksFor, Timestamp};

const READINGS: u64 = 200_000;
const BATCH: usize = 16_384;

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
        speaks_for: SpeaksFor::Anyone,
        payload: payload(n).into_bytes(),
    };
    let readings: Vec<_> = (0..READINGS).map(reading).collect();
    let bytes: usize = readings.iter().map(|r| r.payload.len()).sum();
    told("one by one", bytes, || one_by_one(&readings))?;
    told("in batches", bytes, || in_batches(&readings))
}

fn told(way: &str, bytes: usize, flatten: impl Fn() -> Result<usize, FlattenFault>) -> Result<(), FlattenFault> {
    let begun = Instant::now();
    let rows = flatten()?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{way}: {:.0} rows/s, {:.0} MB/s", rows as f64 / seconds, bytes as f64 / seconds / 1e6);
    Ok(())
}

fn one_by_one(readings: &[Reading]) -> Result<usize, FlattenFault> {
    let mut flattener = Flattener::new(Schema::new("readings"), FlattenLimits::default());
    readings.iter().map(|reading| Ok(flattener.flatten(reading)?.rows.len())).sum()
}

fn in_batches(readings: &[Reading]) -> Result<usize, FlattenFault> {
    let mut flattener = BatchFlattener::new(Schema::new("readings"), FlattenLimits::default(), String::new());
    let mut rows = 0;
    for batch in readings.chunks(BATCH) {
        batch.iter().try_for_each(|reading| flattener.push(reading))?;
        rows += flattener.take().rows();
    }
    Ok(rows)
}
