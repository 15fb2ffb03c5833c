//! From devices into the lake, on the program itself: killed while it writes, each reading has its row once; and rows that
//! somebody takes away are an alarm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Server, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

const DEVICES: u64 = 10;
/// Messages of each device in a round.
const MESSAGES: u64 = 100;
const KILLS: u64 = 4;

/// Little is gathered, so that much is committed; looks follow each other quickly.
const SETTINGS: [(&str, &str); 2] = [("ANDON_LAKE__GATHER", "20ms"), ("ANDON_LAKE__CHECK", "100ms")];

fn start(folder: TempDir) -> Server {
    Server::start_with(folder, &SETTINGS)
}

/// Devices publish; some of what they send is no JSON, some is sent twice.
fn publish(server: &Server) {
    let folder = server.folder.path().join("fleet");
    let (devices, messages) = (DEVICES.to_string(), MESSAGES.to_string());
    let faults = "duplicate=0.1,not_json=0.05,binary=0.05,wrong_types=0.05,late=0.1";
    let args = ["simulate", "fleet", "--devices", &devices, "--messages", &messages, "--rate", "max"];
    let report = server.json(&[&args[..], &["--faults", faults, "--folder", folder.to_str().unwrap()]].concat());
    assert_eq!(report["total"]["acknowledged"], DEVICES * MESSAGES, "{report}");
}

fn received(server: &Server) -> u64 {
    server.json(&["readings", "status"])["received"].as_u64().unwrap()
}

/// What the lake says of itself.
fn state(folder: &Path) -> Value {
    let text = fs::read(folder.join("data/lake/_andon/state.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn has_all(server: &Server) {
    let next = received(server) + 1;
    wait_for("the rows", || (state(server.folder.path())["position"]["next"] == next).then_some(()));
}

/// What Delta Lake's reader for Python answers to a few lines.
fn python(lake: &Path, text: &str) -> Value {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let tools = set("ANDON_TOOLS").or_else(|| Some(cache()?.join("andon-tools"))).expect("a folder of tools");
    let python = tools.join("delta-reader/bin/python");
    assert!(python.exists(), "delta-reader is not installed in {}: run make setup", tools.display());
    let text = format!("import json, sys\nfrom deltalake import DeltaTable, QueryBuilder\n{text}");
    let out = Command::new(python).args(["-c", &text]).arg(lake).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

const COUNT: &str = r#"
def ask(name, text):
    rows = QueryBuilder().register(name, DeltaTable(f"{sys.argv[1]}/{name}")).execute(text)
    return [value for batch in rows for column in batch.columns for value in column.to_pylist()]
print(json.dumps([ask(name, f"SELECT {what} FROM {name}")[0] for name in ["readings", "quarantine"]
                  for what in ["count(*)", "count(DISTINCT ingest_id)", "coalesce(sum(ingest_id), 0)"]]))
"#;

const TAKE_OUT: &str = r#"
table = DeltaTable(f"{sys.argv[1]}/readings")
print(json.dumps(table.delete("ingest_id % 100 = 1")["num_deleted_rows"]))
"#;

#[test]
fn each_reading_has_its_row_once_however_often_the_program_is_killed() {
    let mut server = start(tempfile::tempdir().unwrap());
    for _ in 0..KILLS {
        publish(&server);
        server = start(server.kill());
    }
    publish(&server);
    has_all(&server);
    let received = received(&server);
    assert!(received >= (KILLS + 1) * DEVICES * MESSAGES);
    let metrics = server.get("/metrics");
    assert!(metrics.contains("andon_lake_drift 0\n") && metrics.contains("andon_lake_failures_total 0\n"), "{metrics}");
    let (_, folder) = server.terminate();
    let state = state(folder.path());
    let found = python(&folder.path().join("data/lake"), COUNT);
    let found: Vec<u64> = serde_json::from_value(found).unwrap();
    let [rows, readings, ids, quarantined, distinct, other_ids] = found[..] else { panic!("{found:?}") };
    assert_eq!((rows, quarantined), (readings, distinct), "none comes twice");
    assert_eq!(rows + quarantined, received, "none is lost");
    assert_eq!(ids + other_ids, received * (received + 1) / 2);
    assert!(quarantined > 0 && state["missing"] == 0, "{state}");
    assert_eq!((&state["readings"], &state["quarantined"]), (&json!(rows), &json!(quarantined)));
}

fn alarms(server: &Server) -> Vec<Value> {
    let page: Value = serde_json::from_str(&server.get("/api/v1/events")).unwrap();
    page["rows"].as_array().unwrap().iter().filter(|row| row["type"] == "andon.lake.drift").cloned().collect()
}

#[test]
fn rows_that_are_taken_away_are_an_alarm_once() {
    let server = start(tempfile::tempdir().unwrap());
    publish(&server);
    has_all(&server);
    assert_eq!(alarms(&server), Vec::<Value>::new());
    let (_, folder) = server.terminate();
    let taken = python(&folder.path().join("data/lake"), TAKE_OUT).as_i64().unwrap();
    assert!(taken > 1);
    let server = start(folder);
    let alarm = wait_for("the alarm", || alarms(&server).pop());
    let shown: Value = serde_json::from_str(&server.get(&format!("/api/v1/events/{}", alarm["offset"]))).unwrap();
    let (event, data) = (&shown["event"], &shown["event"]["data"]);
    assert_eq!((&event["source"], &event["subject"]), (&json!("/andon/lake"), &json!("lake")), "{shown}");
    let by_device: i64 = data["devices"].as_array().unwrap().iter().map(|one| one["drift"].as_i64().unwrap()).sum();
    assert_eq!((&data["drift"], by_device), (&json!(taken), taken), "{shown}");
    assert!(server.get("/metrics").contains(&format!("andon_lake_drift {taken}\n")));
    // It lasts over a restart, and is the same.
    let (_, folder) = server.terminate();
    let server = start(folder);
    let line = format!("andon_lake_drift {taken}\n");
    wait_for("a look", || server.get("/metrics").contains(&line).then_some(()));
    wait_for("the second look", || server.log().contains("not accounted for").then_some(()));
    assert_eq!(alarms(&server).len(), 1);
}
