//! What comes into the tables.

use andon_journal::{DeviceRows, Lake as _};
use andon_model::IngestId;
use proptest::prelude::*;
use serde_json::json;

use super::{ask, block_on, dump, fill, log_of, memory, open};

/// Late and skewed, conflicting types, names that differ in case, arrays in arrays, and what is no JSON.
const PAYLOADS: &[&str] = &[
    r#"{"device":{"deviceId":"s1"},"measurements":{"temperature":21.5},"at":"2026-03-05T13:59:59Z"}"#,
    r#"{"measurements":{"temperature":22,"Temperature":"warm"},"at":1577836800}"#,
    r#"{"m":[[1,2],[3]],"at":"2099-12-31T23:30:00Z"}"#,
    "\u{7f} no JSON",
    "null",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn golden() {
    let lake = open(&memory(), &log_of(PAYLOADS).await).await;
    fill(&lake, 100).await;
    let text = serde_json::to_string_pretty(&dump(&lake).await).expect("JSON");
    let golden = include_str!("golden/tables-v1.json");
    assert!(text == golden.trim_end(), "the tables are now:\n{text}");
    let columns =
        ask(&lake, "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'readings'");
    let names: Vec<_> = columns.await.iter().map(|row| row["column_name"].as_str().expect("text").to_owned()).collect();
    assert_eq!(
        names,
        [
            "ingest_id",
            "ts",
            "topic",
            "device",
            "device.deviceid",
            "measurements.temperature",
            "at",
            "measurements.temperature.int",
            "measurements.temperature__2",
            "at.int",
            "m",
            "year",
            "month",
            "day",
            "hour"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_received_is_rows_or_quarantined() {
    let wide: Vec<_> = (0..10_000).map(|n| format!("\"f{n}\":{n}")).collect();
    let wide = format!("{{{}}}", wide.join(","));
    let lake = open(&memory(), &log_of(&["{\"t\":1}", &wide, "{\"t\":2}", "{"]).await).await;
    fill(&lake, 3).await;
    let status = lake.status();
    assert_eq!((status.next, status.readings, status.quarantined, status.missing), (IngestId(5), 2, 2, 0));
    let reasons = ask(&lake, "SELECT ingest_id, reason FROM quarantine ORDER BY ingest_id").await;
    let too_wide = "table readings would get more than 4096 columns, the first of them f4095";
    assert_eq!(reasons[0]["ingest_id"], 2);
    assert!(reasons[0]["reason"].as_str().expect("text").starts_with(&too_wide[..45]), "{}", reasons[0]);
    let rows = lake.device_rows("", 10, IngestId(4)).await.expect("counts");
    let device = |device: &str, readings, quarantined| DeviceRows { device: device.to_owned(), readings, quarantined };
    assert_eq!(rows, [device("d0", 0, 1), device("d1", 2, 0)]);
    assert_eq!(lake.device_rows("d0", 10, IngestId(9)).await.expect("counts"), [device("d1", 2, 0)]);
    assert_eq!(lake.device_rows("'", 1, IngestId(9)).await.expect("counts"), [device("d0", 0, 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_lake_answers() {
    let lake = open(&memory(), &log_of(&[]).await).await;
    fill(&lake, 10).await;
    assert_eq!(ask(&lake, "SELECT count(*) AS n FROM readings").await, [json!({"n": 0})]);
    assert_eq!(ask(&lake, "SELECT * FROM quarantine").await.len(), 0);
}

/// A turn waits for readings, and one that is dropped meanwhile has taken nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_wait() {
    let log = log_of(&[]).await;
    let settings = super::LakeSettings { gather: std::time::Duration::ZERO, ..super::settings() };
    let lake = super::DeltaLake::open(memory(), log.clone(), std::sync::Arc::new(super::Noon), settings).await;
    let mut writer = lake.expect("a lake").writer(None);
    tokio::select! {
        biased;
        turned = writer.turn() => panic!("nothing was there: {turned:?}"),
        () = std::future::ready(()) => {}
    }
    super::append(&log, &["1", "2", "{"]).await;
    let turned = writer.turn().await.expect("a turn").expect("readings");
    assert_eq!((turned.next, turned.readings, turned.quarantined, turned.missing), (IngestId(4), 2, 1, 0));
    assert!(turned.bytes > 0 && !turned.is_full);
}

/// What a writer of another root table has left is not written to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_keeps_its_root_table() {
    let (store, log) = (memory(), log_of(&["1"]).await);
    fill(&open(&store, &log).await, 10).await;
    let check = |root: &str| {
        let settings = super::LakeSettings { root: root.to_owned(), ..super::settings() };
        super::DeltaLake::open(store.clone(), log.clone(), std::sync::Arc::new(super::Noon), settings)
    };
    for (root, expect) in
        [("others", "the settings say \"others\""), ("Up", "cannot be the root"), ("quarantine", "none of quar")]
    {
        let problem = check(root).await.err().expect("refused");
        assert!(problem.detail.contains(expect), "{problem}");
    }
}

fn payloads() -> impl Strategy<Value = Vec<String>> {
    let payload = prop_oneof![
        Just("{".to_owned()),
        (0..3_i64, 0..3_i64).prop_map(|(a, b)| format!(r#"{{"a":{a},"b":{{"c":[{b},"{a}"]}}}}"#)),
        (0..9_i64).prop_map(|hours| format!(r#"{{"A":1.5,"at":{}}}"#, 1_700_000_000 + hours * 3_600)),
        (0..3_usize).prop_map(|n| format!(r#"{{"x":[{}]}}"#, vec![r#"{"y":[[]]}"#; n].join(","))),
    ];
    prop::collection::vec(payload, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_may_be_cut_anywhere(given in payloads(), cuts in prop::collection::vec(1..5_usize, 1..6)) {
        block_on(async {
            let texts: Vec<_> = given.iter().map(String::as_str).collect();
            let log = log_of(&texts).await;
            let whole = open(&memory(), &log).await;
            fill(&whole, 1_000).await;
            let store = memory();
            for cut in cuts {
                // Each batch by a writer of its own, as after a restart.
                let lake = open(&store, &log).await;
                let limit = crate::raw::ReadLimit { readings: cut, ..crate::raw::ReadLimit::default() };
                lake.writer(None).step_within(limit).await.expect("a step");
            }
            let parts = open(&store, &log).await;
            fill(&parts, 2).await;
            assert_eq!(dump(&parts).await, dump(&whole).await);
            assert_eq!(parts.shared.state().schema, whole.shared.state().schema);
        });
    }
}
