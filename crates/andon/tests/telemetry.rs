//! From a device's reading to a value, an alarm, and an answer in SQL: the commands of the guide, on a running server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{Server, wait_for};
use serde_json::{Value, json};

fn check(output: &Output, code: i32, parts: &[&str]) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let seen = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{seen}");
    for part in parts {
        assert!(seen.contains(part), "{part:?} is not in {seen}");
    }
}

/// The example of the guide.
fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/telemetry")
}

/// A server with the example, to which its readings were reported.
fn plant() -> Server {
    let server = Server::start();
    let folder = example();
    server.json(&["apply", &folder.display().to_string()]);
    let readings = folder.join("input/readings.ndjson").display().to_string();
    assert_eq!(server.json(&["readings", "send", &readings]), json!({ "first": 1, "count": 3 }));
    wait_for("the assets", || (server.json(&["assets", "list"])["assets"].as_array()?.len() == 2).then_some(()));
    wait_for("the alarm", || {
        let raised = server.json(&["alarms", "list", "--state", "raised"]);
        (raised["alarms"].as_array()?.len() == 1).then_some(())
    });
    server
}

/// Comes back when the lake has all three readings.
fn in_lake(server: &Server) {
    wait_for("the rows", || (server.json(&["lake", "status"])["readings"] == 3).then_some(()));
}

#[test]
fn readings_become_assets_values_and_alarms() {
    let server = plant();
    check(&server.run(&["models", "list"]), 0, &["press", "A press with a temperature"]);
    check(&server.run(&["models", "show", "press"]), 0, &["temperature * 1.8 + 32", "GREATER limit"]);
    check(&server.run(&["assets", "show", "press-01"]), 0, &["temperature = 83.0 C", "! hot is Active", "fahrenheit"]);
    check(&server.run(&["assets", "show", "press-09"]), 1, &["AND-1201"]);
    check(&server.run(&["assets", "link", "press-01", "--equipment", "10000042"]), 0, &["equipment 10000042"]);
    check(&server.run(&["assets", "list", "--text", "10000042"]), 0, &["press-01"]);
    check(&server.run(&["values", "latest", "press-02", "--property", "temperature"]), 0, &["61.25 C"]);
    check(&server.run(&["alarms", "list"]), 0, &["active", "83 GREATER 70"]);
    check(&server.run(&["alarms", "acknowledge", "press-01", "hot", "--note", "on my way"]), 0, &["is acknowledged"]);
    check(&server.run(&["alarms", "acknowledge", "press-01", "hot"]), 1, &["AND-1203"]);
    check(&server.run(&["alarms", "snooze", "press-01", "hot", "--for", "1h"]), 0, &["is snoozed until"]);
    check(&server.run(&["alarms", "disable", "press-01", "hot"]), 0, &["is disabled"]);
    check(&server.run(&["alarms", "enable", "press-01", "hot"]), 0, &["alarm hot of press-01 is"]);
    check(&server.run(&["alarms", "snooze", "press-01", "hot", "--for", "soon"]), 2, &["--for"]);
}

#[test]
fn readings_become_rows() {
    let server = plant();
    in_lake(&server);
    let count =
        "SELECT device, count(*) AS n, max(\"measurements.temperature\") AS t FROM readings GROUP BY 1 ORDER BY 1";
    check(&server.run(&["sql", count]), 0, &["press-01", "83.0", "press-02"]);
    let rows = server.json(&["sql", count]);
    assert_eq!(rows["rows"][0], json!({ "device": "press-01", "n": 2, "t": 83.0 }));
    assert_eq!(
        server.run(&["sql", count, "--format", "csv"]).stdout,
        b"device,n,t\npress-01,2,83.0\npress-02,1,61.25\n"
    );
    let file = server.folder.path().join("rows.parquet").display().to_string();
    check(&server.run(&["sql", "SELECT * FROM readings", "--out", &file]), 0, &["rows.parquet"]);
    assert!(fs::read(&file).unwrap().starts_with(b"PAR1"));
    check(&server.run(&["sql", "SELECT odd FROM readings"]), 1, &["AND-1301"]);
    check(&server.run(&["sql", "DROP TABLE readings"]), 1, &["AND-1301"]);
    check(&server.run(&["sql", "SELECT 1", "--format", "parquet"]), 1, &["--out"]);
    check(&server.run(&["queries", "list"]), 0, &["temperature-48h", "since (time, \"48h\")"]);
    check(&server.run(&["queries", "run", "temperature-48h"]), 0, &["Temperature of a device type", "73.75", "61.25"]);
    let data = server.json(&["queries", "run", "hottest", "--set", "since=2h"]);
    assert_eq!((&data["data"]["rows"], &data["query"]["chart"]), (&json!([{ "temperature": 83.0 }]), &json!("stat")));
    check(&server.run(&["queries", "run", "hottest", "--set", "colour=red"]), 1, &["no parameter colour"]);
}

#[test]
fn every_reading_is_accounted_for() {
    let server = plant();
    in_lake(&server);
    let lake = server.json(&["lake", "status"]);
    assert_eq!([&lake["drift"], &lake["in_flight"], &lake["quarantined"]], [&json!(0), &json!(0), &json!(0)]);
    let page = server.json(&["lake", "status", "--devices"]);
    let row = |device: &str, rows: u64| json!({ "device": device, "received": rows, "readings": rows, "quarantined": 0, "in_flight": 0, "drift": 0 });
    assert_eq!(page["devices"], json!([row("press-01", 2), row("press-02", 1)]));
    check(&server.run(&["doctor"]), 0, &["readings accounted for", "3 rows", "lake's freshness"]);
    let metrics = server.get("/metrics");
    for line in ["andon_lake_drift 0", "andon_lake_rows 3", "andon_lake_in_flight 0"] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    check(&server.run(&["lake", "compact"]), 0, &["readings"]);
    check(&server.run(&["lake", "vacuum"]), 0, &[]);
    check(&server.run(&["lake", "rebuild"]), 1, &["--yes"]);
    check(&server.run(&["lake", "rebuild", "--yes"]), 0, &["made anew"]);
    wait_for("the rebuilt lake", || {
        let lake: Value = server.json(&["lake", "status"]);
        (lake["generation"] == 2 && lake["readings"] == 3).then_some(())
    });
}

#[test]
fn faulty_queries_and_models_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    common::copy_folder(&example(), folder.path());
    let query = folder.path().join("queries/hottest.toml");
    fs::write(&query, fs::read_to_string(&query).unwrap().replace(":since", ":sinse")).unwrap();
    let output = common::andon().arg("check").arg(folder.path()).output().unwrap();
    check(&output, 1, &["queries/hottest.toml", ":sinse, which is not among the parameters"]);
}
