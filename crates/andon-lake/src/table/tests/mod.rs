//! Tests of the lake as a whole: what comes into the tables, and that it does so once.

mod conservation;
mod crashes;
mod damage;
mod dying_store;
mod origin;
mod rows;
mod upkeep;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use andon_journal::{Lake as _, NewReading, ReadingLog as _, SqlAsOf, SqlQuery};
use andon_model::{Clock, Name, Problem, SpeaksFor, Timestamp};
use andon_testkit::Dice;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::Value;

use super::{DeltaLake, LakeSettings};
use crate::raw::{Disk, RawLog, RawLogSettings, ReadLimit};

/// 2026-03-05T14:00:00Z
const BEGIN: i64 = 1_772_719_200_000_000;

/// A clock that stands still.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(BEGIN)
    }
}

pub(crate) fn settings() -> LakeSettings {
    let consumer = Name::new("lake").expect("a name");
    LakeSettings { event_time: "at".to_owned(), ..LakeSettings::new("readings", consumer) }
}

/// A raw log in memory with a reading for each payload, one second apart, of two devices in turn.
pub(crate) async fn log_of(payloads: &[&str]) -> Arc<RawLog> {
    let log = log_on(&crate::raw::simulated_disk(Dice::new(7)), RawLogSettings::default());
    append(&log, payloads).await;
    log
}

pub(crate) fn log_on(disk: &Arc<dyn Disk>, settings: RawLogSettings) -> Arc<RawLog> {
    Arc::new(RawLog::open(Arc::clone(disk), Arc::new(Noon), settings).expect("a log"))
}

/// Segments of a few readings each, and the disk that they are on.
pub(crate) async fn segments(readings: usize) -> (Arc<dyn Disk>, Arc<RawLog>) {
    let disk = crate::raw::simulated_disk(Dice::new(7));
    let log = log_on(&disk, RawLogSettings { segment_bytes: 300, ..RawLogSettings::default() });
    for _ in 0..readings {
        append(&log, &["1"]).await;
    }
    log.close();
    drop(log);
    let log = log_on(&disk, RawLogSettings::default());
    (disk, log)
}

pub(crate) async fn append(log: &RawLog, payloads: &[&str]) {
    let first = i64::try_from(log.next().0).expect("small");
    let reading = |(n, payload): (i64, &&str)| NewReading {
        received: Timestamp::from_micros(BEGIN + n * 1_000_000),
        device: format!("d{}", n % 2).into(),
        topic: format!("data/d{}", n % 2).into(),
        speaks_for: SpeaksFor::Anyone,
        payload: payload.as_bytes().to_vec(),
    };
    log.append((first..).zip(payloads).map(reading).collect()).await.expect("kept");
}

pub(crate) fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

pub(crate) async fn open(store: &Arc<dyn ObjectStore>, log: &Arc<RawLog>) -> DeltaLake {
    try_open(store, log).await.expect("a lake")
}

async fn try_open(store: &Arc<dyn ObjectStore>, log: &Arc<RawLog>) -> Result<DeltaLake, Problem> {
    DeltaLake::open(Arc::clone(store), Arc::clone(log), Arc::new(Noon), settings()).await
}

/// Moves everything that is there, `readings` at once.
pub(crate) async fn fill(lake: &DeltaLake, readings: usize) {
    let mut writer = lake.writer(None);
    let limit = ReadLimit { readings, ..ReadLimit::default() };
    while writer.step_within(limit).await.expect("a step").is_some() {}
}

pub(crate) async fn ask(lake: &DeltaLake, text: &str) -> Vec<Value> {
    ask_as_of(lake, text, None).await
}

pub(crate) async fn ask_as_of(lake: &DeltaLake, text: &str, as_of: Option<SqlAsOf>) -> Vec<Value> {
    let query = SqlQuery { text: text.to_owned(), as_of, ..SqlQuery::default() };
    let answer: Value = serde_json::from_slice(&bytes_of(lake, query).await.expect(text)).expect("JSON");
    answer["rows"].as_array().expect("rows").clone()
}

pub(crate) async fn bytes_of(lake: &DeltaLake, query: SqlQuery) -> Result<Vec<u8>, Problem> {
    let mut answer = lake.query(query).await?;
    let mut bytes = Vec::new();
    while let Some(more) = answer.next().await? {
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// Every row of every table that has any, in order.
pub(crate) async fn dump(lake: &DeltaLake) -> BTreeMap<String, Vec<Value>> {
    let mut all = BTreeMap::new();
    for table in lake.status().tables {
        let is_child = table.name.starts_with("readings_");
        let order = match table.name.as_str() {
            super::settings::VALUES => "asset, property, ts",
            _ if is_child => "ingest_id, id, index",
            _ => "ingest_id",
        };
        let rows = ask(lake, &format!("SELECT * FROM \"{}\" ORDER BY {order}", table.name)).await;
        assert_eq!(rows.len() as u64, table.rows, "{}", table.name);
        all.insert(table.name, rows);
    }
    all.retain(|_, rows| !rows.is_empty());
    all
}

/// Without a runtime of its own: for property tests.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// Keeps versions for as long as a test takes at most.
pub(crate) const KEPT: Duration = Duration::from_hours(1);
