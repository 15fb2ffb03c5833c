//! Measures how fast readings of the raw log become rows of Delta tables, commits included, and makes readings for it.
//!
//! ```text
//! cargo run --release -p andon-lake --example lake_rate -- make <folder> <readings>
//! cargo run --release -p andon-lake --example lake_rate -- run <folder> <folder for the lake>
//! cargo run --release -p andon-lake --example lake_rate -- history <data folder> <readings>
//! ```
//!
//! `make` writes telemetry of four types of devices, one with an array, as a plant of the quickstart sends it; the same
//! number gives the same readings. `run` prints JSON: seconds of processor time of all threads, seconds of the clock.
//! `history` makes a lake of thirty days, in the places where the server has raw log and lake, and lets the raw log forget.

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use andon_journal::{NewReading, ReadingLog as _};
use andon_lake::raw::{LocalDisk, RawLog, RawLogSettings};
use andon_lake::{DeltaLake, LakeSettings, SyncedFolder};
use andon_model::{Name, SpeaksFor, SystemClock, Timestamp};

type Fault = Box<dyn std::error::Error>;

const BATCH: u64 = 10_000;
/// Readings of a history that are in the raw log at once.
const PIECE: u64 = 500_000;
/// When the first reading is received, in milliseconds since 1970.
const BEGIN: u64 = 1_772_719_200_000;
/// How long a history is.
const DAYS_MILLIS: u64 = 30 * 24 * 3_600_000;
const SEED: u64 = 88_172_645_463_325_252;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", folder, readings] => make_log(folder, readings.parse()?).await,
        ["run", folder, lake] => fill(folder, Path::new(lake)).await,
        ["history", folder, readings] => history(Path::new(folder), readings.parse()?).await,
        _ => {
            Err("make <folder> <readings>, run <folder> <folder for the lake>, or history <data folder> <readings>"
                .into())
        }
    }
}

fn open(folder: &Path) -> Result<RawLog, Fault> {
    std::fs::create_dir_all(folder)?;
    let disk = Arc::new(LocalDisk::open(folder)?);
    RawLog::open(disk, Arc::new(SystemClock), RawLogSettings::default()).map_err(|problem| problem.to_string().into())
}

async fn make_log(folder: &str, readings: u64) -> Result<(), Fault> {
    let log = open(Path::new(folder))?;
    let mut dice = Dice(SEED);
    // Five hundred a second.
    append(&log, 0..readings, 2.0, &mut dice).await
}

/// Readings with these numbers, so many milliseconds one after the other, from a beginning on.
async fn append(log: &RawLog, numbers: Range<u64>, step: f64, dice: &mut Dice) -> Result<(), Fault> {
    let mut made = numbers.start;
    while made < numbers.end {
        let received = |number: u64| BEGIN + millis(number, step);
        let batch = (made..numbers.end.min(made + BATCH)).map(|number| reading(received(number), dice)).collect();
        made += log.append(batch).await?.count as u64;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span of days fits")]
fn millis(number: u64, step: f64) -> u64 {
    (number as f64 * step) as u64
}

/// A lake of thirty days, piece by piece.
async fn history(folder: &Path, readings: u64) -> Result<(), Fault> {
    let log = Arc::new(open(&folder.join("readings"))?);
    let lake = open_lake(Arc::clone(&log), &folder.join("lake")).await?;
    let (mut writer, mut dice) = (lake.writer(None), Dice(SEED));
    let step = DAYS_MILLIS as f64 / readings.max(1) as f64;
    let (begun, cpu, mut made) = (Instant::now(), cpu_seconds(), 0);
    while made < readings {
        let end = readings.min(made + PIECE);
        append(&log, made..end, step, &mut dice).await?;
        while writer.step().await.map_err(|problem| told(&problem))?.is_some() {}
        log.forget(Timestamp::from_micros(i64::MAX), None).await?;
        made = end;
    }
    let (cpu, seconds) = (cpu_seconds() - cpu, begun.elapsed().as_secs_f64());
    let since = Timestamp::from_micros(i64::try_from((BEGIN + DAYS_MILLIS - 48 * 3_600_000) * 1_000)?).to_string();
    let since = since.replace('T', " ").replace('Z', "");
    println!(r#"{{"cpu_seconds":{cpu:.3},"seconds":{seconds:.3},"rows":{made},"since":"{since}"}}"#);
    Ok(())
}

fn reading(received: u64, dice: &mut Dice) -> NewReading {
    let device = dice.below(1_000);
    let name: Arc<str> = format!("s1-{device:05}").into();
    let (model, measurements) = measurements(device % 4, dice);
    let payload = format!(
        r#"{{"device":{{"gatewayId":"gw-{:02}","deviceId":"{name}","capabilityModelId":"urn:s1:{model}:1","dtmi":"dtmi:s1;1"}},"timestamp":{},"measurements":{{{measurements}}}}}"#,
        device % 20,
        received - dice.below(1_000)
    );
    let received = Timestamp::from_micros(i64::try_from(received * 1_000).unwrap_or_default());
    let (topic, speaks_for) = (format!("data/{name}").into(), SpeaksFor::Only(Vec::new()));
    NewReading { received, device: name, topic, speaks_for, payload: payload.into_bytes() }
}

/// Which model, and what a device of it measures.
fn measurements(model: u64, dice: &mut Dice) -> (&'static str, String) {
    let mut of = |whole: u64, parts: u64| format!("{}.{}", dice.below(whole), dice.below(parts));
    match model {
        0 => {
            let (temperature, humidity) = (of(30, 100), of(90, 10));
            let battery = dice.below(100);
            ("room", format!(r#""temperature":{temperature},"humidity":{humidity},"battery":{battery}"#))
        }
        1 => {
            let (count, battery) = (dice.below(30), dice.below(100));
            ("door", format!(r#""occupied":{},"count":{count},"battery":{battery}"#, count > 15))
        }
        2 => {
            let (pressure, flow) = (of(9, 1_000), of(90, 100));
            let rpm = 1_400 + dice.below(100);
            ("pump", format!(r#""pressure":{pressure},"flow":{flow},"rpm":{rpm},"running":true"#))
        }
        _ => {
            let vibration = [of(3, 10_000), of(3, 10_000), of(3, 10_000)].join(",");
            let (temperature, current) = (of(90, 10), of(20, 100));
            ("motor", format!(r#""vibration":[{vibration}],"temperature":{temperature},"current":{current}"#))
        }
    }
}

async fn fill(folder: &str, to: &Path) -> Result<(), Fault> {
    let log = Arc::new(open(Path::new(folder))?);
    let lake = open_lake(log, to).await?;
    let mut writer = lake.writer(None);
    let (begun, cpu, mut readings) = (Instant::now(), cpu_seconds(), 0);
    while let Some(step) = writer.step().await.map_err(|problem| told(&problem))? {
        readings += step.readings;
    }
    let (cpu, seconds) = (cpu_seconds() - cpu, begun.elapsed().as_secs_f64());
    println!(r#"{{"cpu_seconds":{cpu:.3},"seconds":{seconds:.3},"rows":[{readings}]}}"#);
    Ok(())
}

async fn open_lake(log: Arc<RawLog>, to: &Path) -> Result<DeltaLake, Fault> {
    let store = Arc::new(SyncedFolder::open(to)?);
    let mut settings = LakeSettings::new("readings", Name::new("lake")?);
    "timestamp".clone_into(&mut settings.event_time);
    Ok(DeltaLake::open(store, log, Arc::new(SystemClock), settings).await.map_err(|problem| told(&problem))?)
}

fn told(problem: &andon_model::Problem) -> String {
    problem.to_string()
}

/// Processor time of this process so far, from Linux's `/proc`: ticks of a hundredth of a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The same numbers every time: xorshift.
struct Dice(u64);

impl Dice {
    const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
