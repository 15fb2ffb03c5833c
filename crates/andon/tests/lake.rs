//! From devices into the lake, on the program itself: killed while it writes, each reading has its row once; and rows that
//! somebody takes away are an alarm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use andon_model::{Clock as _, SystemClock};
use andon_sim::SimulatedBucket;
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

const COUNT_VALUES: &str = r#"
rows = QueryBuilder().register("v", DeltaTable(f"{sys.argv[1]}/asset_values")).execute("SELECT count(*) FROM v")
print(json.dumps([value for batch in rows for column in batch.columns for value in column.to_pylist()][0]))
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
    // It may be told before the server says where it listens, and what is logged before is not kept.
    let finds = |line: &str| line.strip_prefix("andon_lake_drifting_devices ").is_some_and(|devices| devices != "0");
    wait_for("the second look", || server.get("/metrics").lines().any(finds).then_some(()));
    assert_eq!(alarms(&server).len(), 1);
}

const MODEL: &str = r#"
[discover]
topics = ["line/{device}"]
[[properties]]
name = "n"
data_type = "INTEGER"
type = { measurement = { field = "n" } }
[[properties]]
name = "half"
data_type = "DOUBLE"
type = { transform = { expression = "n / 2" } }
[[properties]]
name = "most"
data_type = "DOUBLE"
type = { metric = { expression = "max(n)", window = { tumbling = { interval = "1m" } } } }
"#;

/// Readings of three presses, ten seconds between those of each, in a round of its own.
fn count_up(server: &Server, round: u64) {
    let begin = SystemClock.now().before(Duration::from_hours(24)).after(Duration::from_hours(round));
    let line = |n: u64| {
        let at = begin.after(Duration::from_secs(n * 10)).to_string();
        let device = format!("p{}", n % 3);
        let reading = json!({ "device": device, "topic": format!("line/{device}"), "payload": { "n": n, "at": at } });
        reading.to_string() + "\n"
    };
    let lines: String = (0..MESSAGES).map(line).collect();
    let sent = server.feed(&["readings", "send", "-"], &lines);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

/// Each property with the number of its values, of different times among them, and their sum.
fn values(server: &Server) -> Value {
    let text = "SELECT property, count(*) AS n, count(DISTINCT asset || CAST(ts AS STRING)) AS times, \
                sum(coalesce(value_double, CAST(value_integer AS DOUBLE))) AS total FROM asset_values \
                GROUP BY property ORDER BY property";
    server.json(&["sql", text])["rows"].clone()
}

#[test]
fn each_value_has_its_row_once_however_often_the_program_is_killed_and_again_after_a_rebuild() {
    let settings = [&SETTINGS[..], &[("ANDON_ASSETS__EVENT_TIME", "at"), ("ANDON_ASSETS__RECONNECT", "0s")]].concat();
    let scenario = tempfile::tempdir().unwrap();
    fs::create_dir(scenario.path().join("models")).unwrap();
    fs::write(scenario.path().join("models/press.toml"), MODEL).unwrap();
    let mut server = Server::start_with(tempfile::tempdir().unwrap(), &settings);
    server.json(&["apply", scenario.path().to_str().unwrap()]);
    for round in 0..KILLS {
        count_up(&server, round);
        server = Server::start_with(server.kill(), &settings);
    }
    count_up(&server, KILLS);
    let (rounds, sum) = (KILLS + 1, MESSAGES * (MESSAGES - 1) / 2);
    let row = |property: &str, total: f64| json!({ "property": property, "n": rounds * MESSAGES, "times": rounds * MESSAGES, "total": total });
    let total = f64::from(u32::try_from(rounds * sum).unwrap());
    let found = wait_for("the values", || Some(values(&server)).filter(|found| found[2] == row("n", total)));
    assert_eq!(found[0], row("half", total / 2.0));
    let minutes = "SELECT count(DISTINCT asset || CAST(date_trunc('minute', ts) AS STRING)) AS n FROM asset_values \
                   WHERE property = 'n'";
    let windows = server.json(&["sql", minutes])["rows"][0]["n"].clone();
    let found = wait_for("the last windows", || Some(values(&server)).filter(|found| found[1]["n"] == windows));
    assert_eq!((&found[1]["property"], &found[1]["times"]), (&json!("most"), &windows));
    let begun = server.run(&["lake", "rebuild", "--yes"]);
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    let server = Server::start_with(server.kill(), &settings);
    wait_for("the values again", || (values(&server) == found).then_some(()));
    let (_, folder) = server.terminate();
    let rows: u64 = found.as_array().unwrap().iter().map(|row| row["n"].as_u64().unwrap()).sum();
    assert_eq!(python(&folder.path().join("data/lake"), COUNT_VALUES), rows, "other readers find them too");
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What the tables have, in numbers that no row can be missing from, or be twice in, without a difference.
fn sums(server: &Server) -> Value {
    let of = |table: &str| {
        let text =
            format!("SELECT count(*) AS n, count(DISTINCT ingest_id) AS ids, sum(ingest_id) AS sum FROM {table}");
        server.json(&["sql", &text])["rows"][0].clone()
    };
    json!([of("readings"), of("quarantine")])
}

#[test]
fn a_lake_is_made_again_from_readings_that_are_in_the_archive() {
    let (archive, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let to = archive.path().to_str().unwrap();
    let settings = [&SETTINGS[..], &[("ANDON_READINGS__SEGMENT_BYTES", "65536"), ("ANDON_READINGS__ARCHIVE__TO", to)]];
    let settings = settings.concat();
    let server = Server::start_with(folder, &settings);
    publish(&server);
    has_all(&server);
    let (received, before) = (received(&server), sums(&server));
    // Closed segments are moved at the start, and then every ten minutes.
    let server = Server::start_with(server.terminate().1, &settings);
    let raw = server.data().join("readings/raw");
    let left = wait_for("the move", || Some(files(&raw)).filter(|left| left.len() == 1));
    let moved = files(archive.path());
    let packed = |file: &PathBuf| file.to_str().unwrap().ends_with(".ndjson.zst");
    assert!(moved.len() > 2 && moved.iter().all(packed), "{moved:?}, {left:?}");
    let rebuilt = server.run(&["lake", "rebuild", "--yes"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    has_all(&server);
    assert_eq!((state(server.folder.path())["generation"].clone(), sums(&server)), (json!(2), before));
    let listed = server.json(&["readings", "list", "--from", "1", "--limit", "1"]);
    assert_eq!(listed["readings"][0]["id"], 1, "{listed}");
    assert_eq!(server.json(&["lake", "status"])["drift"], 0);
    // An object that is not what it was costs its own lines, which are told; what is behind it is read.
    let damaged = moved.iter().min().unwrap();
    let mut bytes = fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(damaged, bytes).unwrap();
    let rebuilt = server.run(&["lake", "rebuild", "--yes"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    has_all(&server);
    let (now, lost) = (server.json(&["lake", "status"]), state(server.folder.path())["missing"].as_u64().unwrap());
    assert!(lost > 0 && lost < received / 2 && now["drift"] == 0, "{lost} of {received}: {now}");
    assert!(server.log().contains("bytes of the raw log are no reading"));
    let listed = server.json(&["readings", "list", "--from", "1", "--limit", "1"]);
    assert!(listed["readings"][0]["id"].as_u64().unwrap() <= lost + 1, "{listed}");
    assert_eq!(received, self::received(&server));
}

/// Rows, their places in the raw log added up, and the readings in quarantine, as SQL of the program tells.
fn told(server: &Server) -> Value {
    let sql = "SELECT count(*) AS rows, count(DISTINCT ingest_id) AS different, sum(ingest_id) AS ids, \
               (SELECT count(*) FROM quarantine) AS quarantined FROM readings";
    server.json(&["sql", sql])["rows"].clone()
}

#[test]
fn a_bucket_has_the_archive_and_the_tables() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let bucket = runtime.block_on(SimulatedBucket::start()).unwrap();
    let endpoint = bucket.endpoint();
    let elsewhere = [
        ("ANDON_LAKE__TO", "s3://plant/lake"),
        ("ANDON_READINGS__ARCHIVE__TO", "s3://plant/archive"),
        ("ANDON_READINGS__SEGMENT_BYTES", "65536"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "simulated"),
        ("AWS_SECRET_ACCESS_KEY", "simulated"),
    ];
    let settings = [&SETTINGS[..], &elsewhere].concat();
    let in_the_lake = |server: &Server| {
        let next = received(server) + 1;
        wait_for("the rows", || (server.json(&["lake", "status"])["next"] == next).then_some(()));
    };
    let server = Server::start_with(tempfile::tempdir().unwrap(), &settings);
    publish(&server);
    // Killed while it writes, and started again: then what is closed is moved.
    let server = Server::start_with(server.kill(), &settings);
    in_the_lake(&server);
    let raw = server.data().join("readings/raw");
    wait_for("the move", || (files(&raw).len() == 1).then_some(()));
    let before = told(&server);
    assert_eq!(before[0]["rows"], before[0]["different"], "{before}");
    let rebuilt = server.run(&["lake", "rebuild", "--yes"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    in_the_lake(&server);
    assert_eq!((told(&server), server.json(&["lake", "status"])["drift"].clone()), (before, json!(0)));
    let (next, first) = (received(&server) + 1, server.json(&["readings", "list", "--from", "1", "--limit", "1"]));
    assert_eq!((next > DEVICES * MESSAGES, &first["readings"][0]["id"]), (true, &json!(1)), "{first}");
}
