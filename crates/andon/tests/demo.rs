//! The demo, as a script runs it: what is expected has happened, once, and every reading is accounted for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::andon;
use serde_json::{Value, json};

/// Readings of each device of the demo.
const READINGS: i64 = 48;

fn report() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = andon().args(["demo", "--once", "--json"]).current_dir(folder.path()).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
    serde_json::from_str(&report).unwrap()
}

#[test]
fn the_demo_loses_and_duplicates_nothing() {
    let report = report();
    nothing_is_lost(&report);
    one_alarm_is_one_notification(&report["telemetry"]);
    the_lake_explains_it(&report["telemetry"]);
}

fn nothing_is_lost(report: &Value) {
    let totals = &report["totals"];
    assert_eq!((&totals["lost"], &totals["duplicates"], &totals["settled"]), (&json!(0), &json!(0), &json!(true)));
    assert_eq!(totals["documents_in_sap"], totals["documents_expected"]);
    assert!(totals["faults_met"].as_i64() > Some(0), "{totals}");
    let events = report["events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["found_by_probe"] == true), "{report}");
}

fn one_alarm_is_one_notification(telemetry: &Value) {
    assert_eq!((&telemetry["devices_onboarded"], &telemetry["devices_connected"]), (&json!(8), &json!(8)));
    assert_eq!((&telemetry["published"], &telemetry["acknowledged"]), (&json!(8 * READINGS), &json!(8 * READINGS)));
    let machine = &telemetry["machine"];
    let (alarm, notifications) = (&machine["alarm"], machine["notifications"].as_array().unwrap());
    assert_eq!((&machine["events"], notifications.len()), (&json!(1), 1), "{machine}");
    assert!(alarm["value"].as_f64() > alarm["threshold"].as_f64(), "{machine}");
    assert_eq!((&alarm["equipment"], &alarm["action"]), (&json!("210400005"), &json!("report-alarm")));
}

fn the_lake_explains_it(telemetry: &Value) {
    let kept = &telemetry["conservation"];
    let number = |name: &str| kept[name].as_i64().unwrap();
    assert_eq!(number("received"), number("rows") + number("quarantined"), "{kept}");
    assert!(number("quarantined") > 0 && number("received") >= number("acknowledged"), "{kept}");
    assert_eq!((number("in_flight"), number("drift")), (0, 0));
    let rows = telemetry["explained_by"]["data"]["rows"].as_array().unwrap();
    let in_rows: i64 = rows.iter().map(|row| row["readings"].as_i64().unwrap()).sum();
    let machine = &telemetry["machine_readings"];
    assert_eq!((&machine["received"], &machine["readings"]), (&json!(READINGS), &json!(in_rows)), "{telemetry}");
    assert!(rows.iter().any(|row| row["too_hot"] == true), "{telemetry}");
}
