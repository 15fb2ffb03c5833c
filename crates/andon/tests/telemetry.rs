//! From a device's reading to a value, an alarm, and an answer in SQL: the commands of the guide, on a running server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use andon_model::{Clock as _, SystemClock, Timestamp};
use common::{PASSWORD, Sap, Server, wait_for};
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

/// JSON Lines of a press, each `(temperature, measured at)`.
fn lines(device: &str, measured: &[(f64, Timestamp)]) -> String {
    let line = |(temperature, at): &(f64, Timestamp)| {
        let payload = json!({ "measurements": { "temperature": temperature }, "Device": { "at": at.to_string() } });
        json!({ "device": device, "topic": format!("plant/hall-7/{device}"), "payload": payload }).to_string() + "\n"
    };
    measured.iter().map(line).collect()
}

fn send(server: &Server, lines: &str) {
    check(&server.feed(&["readings", "send", "-"], lines), 0, &[]);
}

/// With the settings that nobody changed: equal numbers are values of their own, by the times that the batch says and without
/// any, and a batch that is sent again changes nothing, also when more came than are recent.
#[test]
fn readings_of_a_batch_are_values_of_their_own() {
    let server = Server::start_with(tempfile::tempdir().unwrap(), &[("ANDON_LAKE__GATHER", "20ms")]);
    server.json(&["apply", &example().display().to_string()]);
    let now = SystemClock.now();
    let line = |device: &str, ts: Option<Timestamp>| {
        let payload = json!({ "measurements": { "temperature": 50.0 } });
        json!({ "device": device, "topic": format!("plant/hall-7/{device}"), "ts": ts, "payload": payload }).to_string()
            + "\n"
    };
    let timed: String = (1..=100).map(|ago| line("press-01", Some(now.before(Duration::from_secs(ago))))).collect();
    send(&server, &timed);
    send(&server, &timed);
    send(&server, &[None; 5].map(|ts| line("press-02", ts)).concat());
    let ask = |what: &str, press: &str| {
        server.json(&["values", what, press, "temperature", "--from", "6d", "--limit", "1000"])
    };
    let count = |press: &str| ask("history", press)["values"].as_array().map_or(0, Vec::len);
    wait_for("the values without times, which came last", || (count("press-02") == 5).then_some(()));
    assert_eq!(count("press-01"), 100);
    let windows = ask("aggregates", "press-01");
    let counted: u64 =
        windows["windows"].as_array().unwrap().iter().filter_map(|window| window["count"].as_u64()).sum();
    assert_eq!(counted, 100, "{windows}");
    let kept = server.json(&["sql", "SELECT count(*) AS n FROM asset_values WHERE property = 'temperature'"]);
    assert!(kept["rows"][0]["n"].as_u64() > Some(105), "the table has some twice: {kept}");
}

#[test]
fn values_of_before_and_numbers_over_windows_come_from_the_lake() {
    let settings = [("ANDON_ASSETS__EVENT_TIME", "device.at"), ("ANDON_LAKE__GATHER", "20ms")];
    let server = Server::start_with(tempfile::tempdir().unwrap(), &settings);
    server.json(&["apply", &example().display().to_string()]);
    let now = SystemClock.now();
    let ago = |seconds: u64| now.before(Duration::from_secs(seconds));
    // The third is late by four days; all are the times of the device.
    send(&server, &lines("press-01", &[(64.5, ago(300)), (83.0, ago(200)), (20.0, ago(4 * 86_400))]));
    let past = ["press-01", "temperature", "--from", "6d"];
    let ask = |what: &str, more: &[&str]| server.json(&[&["values", what], &past[..], more].concat());
    let history = wait_for("the values", || {
        let history = ask("history", &[]);
        (history["values"].as_array()?.len() == 3).then_some(history)
    });
    let values: Vec<_> = history["values"].as_array().unwrap().iter().map(|point| &point["value"]).collect();
    assert_eq!(values, [&json!(20.0), &json!(64.5), &json!(83.0)], "{history}");
    let point = json!({ "ts": ago(200).to_string(), "value": 83.0, "quality": "GOOD" });
    assert_eq!(history["values"][2], point);
    let page = ask("history", &["--limit", "2"]);
    assert_eq!((page["values"].as_array().unwrap().len(), &page["next"]), (2, &json!(ago(200).to_string())));
    // Ten years: wherever the windows begin, all is in one.
    let windows = ask("aggregates", &["--window", "3650d"]);
    let window = &windows["windows"][0];
    let number = |name: &str| window[name].as_f64().unwrap();
    let (avg, spread) = (167.5 / 3.0, (64.5 * 64.5 + 83.0 * 83.0 + 400.0) / 3.0);
    assert_eq!(
        [&window["count"], &window["sum"], &window["min"], &window["max"]],
        [&json!(3), &json!(167.5), &json!(20.0), &json!(83.0)]
    );
    assert!((number("avg") - avg).abs() < 1e-9 && (number("stddev") - (spread - avg * avg).sqrt()).abs() < 1e-9);
    check(&server.run(&[&["values", "history"], &past[..]].concat()), 0, &["64.5", "83.0"]);
    check(&server.run(&[&["values", "aggregates"], &past[..], &["--window", "3650d"]].concat()), 0, &["167.5"]);
    let of_text = server.json(&["values", "history", "press-01", "line"]);
    assert_eq!(of_text["values"], json!([]), "an attribute that never changed has no values");
    check(&server.run(&["values", "history", "press-01", "colour"]), 1, &["AND-1201"]);
}

#[test]
fn a_reading_is_in_the_partition_of_its_event_however_late() {
    let settings = [("ANDON_ASSETS__EVENT_TIME", "device.at"), ("ANDON_LAKE__GATHER", "20ms")];
    let server = Server::start_with(tempfile::tempdir().unwrap(), &settings);
    let times = ["2019-12-31T23:59:59.5Z", "2024-02-29T00:30:00Z", "2024-02-29T23:00:00Z"];
    let measured: Vec<_> = (1..).zip(times).map(|(n, at)| (f64::from(n), at.parse().unwrap())).collect();
    send(&server, &lines("press-01", &measured));
    in_lake(&server);
    let parts = "SELECT year, month, day, hour FROM readings ORDER BY ts";
    let part = |[year, month, day, hour]: [u16; 4]| json!({ "year": year, "month": month, "day": day, "hour": hour });
    let expect = [[2019, 12, 31, 23], [2024, 2, 29, 0], [2024, 2, 29, 23]].map(part);
    assert_eq!(server.json(&["sql", parts])["rows"], json!(expect));
    assert!(server.data().join("lake/readings/year=2024/month=2/day=29/hour=23").is_dir());
    // With another setting, new readings follow it; a rebuild does so for all of them.
    let (_, folder) = server.terminate();
    let server = Server::start_with(folder, &settings[1..]);
    assert_eq!(server.json(&["sql", parts])["rows"], json!(expect));
    check(&server.run(&["lake", "rebuild", "--yes"]), 0, &["made anew"]);
    wait_for("the rebuilt lake", || {
        let lake: Value = server.json(&["lake", "status"]);
        (lake["generation"] == 2 && lake["readings"] == 3).then_some(())
    });
    let old = "SELECT count(*) AS n FROM readings WHERE year < 2026";
    assert_eq!(server.json(&["sql", old])["rows"], json!([{ "n": 0 }]));
}

#[test]
fn values_are_followed_as_they_come() {
    let server = plant();
    let args = ["values", "latest", "press-01", "--property", "temperature", "--follow", "--json"];
    let mut following = server.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut events = BufReader::new(following.stdout.take().unwrap())
        .lines()
        .map(|line| -> Value { serde_json::from_str(&line.unwrap()).unwrap() });
    let mut next_value = || events.find(|event| event["event"] == "value").unwrap()["data"]["value"].clone();
    assert_eq!(next_value(), 83.0);
    send(&server, &lines("press-02", &[(1.0, SystemClock.now())]));
    send(&server, &lines("press-01", &[(42.5, SystemClock.now())]));
    assert_eq!(next_value(), 42.5);
    following.kill().unwrap();
    following.wait().unwrap();
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
    check(
        &server.run(&["doctor"]),
        0,
        &["readings accounted for", "3 rows", "lake's freshness", "2 devices looked at"],
    );
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

/// The example, whose presses are found in SAP by their inventory number.
fn linked_example(sap: &Sap) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    common::copy_folder(&example(), folder.path());
    let model = folder.path().join("models/press.toml");
    let links = "\n[links]\ndestination = \"s4\"\nfield = \"InventoryNumber\"\nvalue = \"INV-{device}\"\n";
    fs::write(&model, fs::read_to_string(&model).unwrap() + links).unwrap();
    fs::create_dir(folder.path().join("destinations")).unwrap();
    let auth = "[auth]\nkind = \"basic\"\nuser = \"ANDON\"\npassword = { secret = \"sap-password\" }\n";
    let destination = format!("url = \"{}\"\n{auth}", sap.simulator.base_url());
    fs::write(folder.path().join("destinations/s4.toml"), destination).unwrap();
    folder
}

#[test]
fn sap_says_what_assets_are_called() {
    let (sap, server) = (Sap::start(), Server::start());
    let folder = linked_example(&sap);
    server.json(&["apply", folder.path().to_str().unwrap()]);
    let warm = |device: &str| lines(device, &[(61.0, SystemClock.now())]);
    send(&server, &(warm("10000002") + &warm("press-09")));
    // Without the password SAP says nothing; with it, it does by itself.
    let show = |asset: &str| server.run(&["assets", "show", asset]);
    let text = |output: &Output| String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    let says = |asset: &str, part: &str| wait_for(part, || text(&show(asset)).contains(part).then_some(()));
    says("10000002", "(not linked to SAP)\n  ? ");
    server.feed(&["secret", "set", "sap-password"], PASSWORD);
    says("10000002", "equipment 10000002 at ");
    says("press-09", "? s4 has no Equipment whose InventoryNumber is \"INV-press-09\"");
    let server = Server::start_with(server.kill(), &[("ANDON_ASSETS__EVENT_TIME", "device.at")]);
    let asset = server.json(&["assets", "show", "10000002"])["asset"].clone();
    assert_eq!(asset["equipment"], "10000002", "it is known after a restart");
    send(&server, &lines("10000002", &[(95.0, SystemClock.now())]));
    let event = wait_for("the alarm", || {
        let page: Value = serde_json::from_str(&server.get("/api/v1/events")).unwrap();
        let event = page["rows"].as_array()?.iter().find(|row| row["type"] == "com.amazon.iotsitewise.alarm")?.clone();
        Some(server.get(&format!("/api/v1/events/{}", event["offset"])))
    });
    let data = serde_json::from_str::<Value>(&event).unwrap()["event"]["data"].clone();
    let location = asset["functional_location"].as_str().unwrap();
    assert_eq!((&data["equipment"], data["functional_location"].as_str()), (&json!("10000002"), Some(location)));
}

#[test]
fn assets_that_are_gone_can_be_deleted() {
    let server = plant();
    check(&server.run(&["assets", "delete", "press-01", "press-02"]), 0, &["asset press-01 is deleted", "press-02"]);
    assert_eq!(server.json(&["assets", "list"])["assets"], json!([]));
    assert_eq!(server.json(&["alarms", "list"])["alarms"], json!([]));
    check(&server.run(&["assets", "delete", "press-01"]), 1, &["AND-1201"]);
    // It is durable, and a reading makes it anew.
    let server = Server::start_in(server.kill());
    assert_eq!(server.json(&["assets", "list"])["assets"], json!([]));
    send(&server, &lines("press-01", &[(12.0, SystemClock.now())]));
    wait_for("the asset", || (server.json(&["assets", "list"])["assets"].as_array()?.len() == 1).then_some(()));
    let defined = tempfile::tempdir().unwrap();
    common::copy_folder(&example(), defined.path());
    fs::create_dir(defined.path().join("assets")).unwrap();
    fs::write(defined.path().join("assets/press-07.toml"), "model = \"press\"\n").unwrap();
    server.json(&["apply", defined.path().to_str().unwrap()]);
    check(&server.run(&["assets", "delete", "press-07"]), 1, &["AND-1203", "take it out there"]);
}

#[test]
fn faulty_queries_and_models_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    common::copy_folder(&example(), folder.path());
    let query = folder.path().join("queries/hottest.toml");
    fs::write(&query, fs::read_to_string(&query).unwrap().replace(":since", ":sinse")).unwrap();
    let output = common::andon().arg("check").arg(folder.path()).output().unwrap();
    check(&output, 1, &["queries/hottest.toml", ":sinse, which is not among the parameters"]);
    for (text, expect) in [
        ("SELECT count(*) AS n FROM readings; DROP TABLE x", "a single statement"),
        ("DELETE FROM readings", "only SELECT"),
        ("SELECT 1 +, 2", "sql, line 1, column 11"),
    ] {
        fs::write(&query, format!("title = \"a\"\nsql = \"{text}\"\n")).unwrap();
        let output = common::andon().arg("check").arg(folder.path()).output().unwrap();
        check(&output, 1, &["AND-1301", "queries/hottest.toml sql", expect]);
    }
}
