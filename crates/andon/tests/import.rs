//! An export of the events-to-business-actions framework, imported, applied and played against the simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{PASSWORD, Sap, Server, andon, copy_folder, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An export of its own plant, with `{SAP}` for the address of the simulator.
fn export(address: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/export"), &export);
    let destinations = export.join("Destinations.json");
    fs::write(&destinations, fs::read_to_string(&destinations).unwrap().replace("{SAP}", address)).unwrap();
    folder
}

fn import(export: &TempDir, into: &Path, more: &[&str]) -> Output {
    andon().arg("import").arg(export.path().join("export")).arg("--into").arg(into).args(more).output().unwrap()
}

fn imported(address: &str) -> (TempDir, PathBuf, Value) {
    let export = export(address);
    let into = export.path().join("scenario");
    let output = import(&export, &into, &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (export, into, serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn an_imported_scenario_makes_its_document() {
    let (sap, server) = (Sap::start(), Server::start());
    let (_export, scenario, report) = imported(&sap.simulator.base_url());
    assert_eq!(report["findings"], json!([]), "{report}");
    let folder = scenario.display().to_string();
    assert!(andon().args(["check", &folder]).status().unwrap().success());
    server.json(&["apply", &folder]);
    for secret in ["plant-s4-password", "plant-tools-password"] {
        assert!(server.feed(&["secret", "set", secret], PASSWORD).status.success());
    }
    let event = json!({"data": {"SourceSystem": "OPC", "DeviceType": "Pump", "DeviceLocation": "Hall 3",
        "eventData": {"equipment": "210100098", "text": "a \"quoted\" word"}}});
    post(&server, &event);
    let runs = wait_for("the run to be done", || {
        let page = server.json(&["runs", "list", "--status", "done"]);
        (!page["rows"].as_array()?.is_empty()).then_some(page)
    });
    let books = sap.simulator.books();
    assert_eq!(books.totals.documents, 1);
    let fields = serde_json::to_value(&books.documents[0]).unwrap().to_string();
    for part in ["M2", "Alarm on Pump", "210100098"] {
        assert!(fields.contains(part), "{part} is not in {fields}");
    }
    let shown = server.json(&["runs", "show", runs["rows"][0]["id"].as_str().unwrap()]);
    assert_eq!(shown["documents"], books.documents[0].number.as_str(), "{shown}");
}

/// As the framework's senders do it.
fn post(server: &Server, event: &Value) {
    let token = fs::read_to_string(server.data().join("admin.token")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let request = reqwest::Client::builder().build().unwrap().post(format!("{}/api/events", server.url));
    let answer = runtime.block_on(request.bearer_auth(token.trim()).body(event.to_string()).send()).unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[test]
fn the_report_tells_what_became_of_every_object() {
    let (_export, into, report) = imported("http://127.0.0.1:8481");
    let fared = |name: &str| {
        let entries = report["entries"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["name"].as_str().is_some_and(|n| n.starts_with(name)));
        let entry = entry.unwrap_or_else(|| panic!("{name} is not in {report}"));
        (entry["outcome"].clone(), entry["became"].clone())
    };
    let check = |name: &str, outcome: &str, became: Value| assert_eq!(fared(name), (json!(outcome), became), "{name}");
    check("Choose action", "adapted", json!("decisions/plant-choice.toml"));
    check("Report malfunction", "adapted", json!("actions/report-malfunction.toml"));
    check("Read equipment", "carried", json!("actions/report-malfunction.toml"));
    check("Tell the shift", "adapted", json!("actions/report-malfunction.toml"));
    check("Forgotten", "skipped", Value::Null);
    check("PLANT_S4", "open", json!("destinations/plant-s4.toml"));
    check("PLANT_RULES", "not_needed", Value::Null);
    check("PlantChoice.csv", "open", json!("tables/plant-choice.json"));
    check("Plant service", "not_needed", Value::Null);
    let page = fs::read_to_string(into.join("REPORT.md")).unwrap();
    for part in ["PlantChoice.csv line 4 column Signal.Kind", "line 13 column method\\_ID", "## Check"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn nothing_is_overwritten_without_force() {
    let (export, into, _) = imported("http://127.0.0.1:8481");
    assert!(import(&export, &into, &[]).status.success(), "the same again changes nothing");
    let action = into.join("actions/report-malfunction.toml");
    fs::write(&action, "# mine\n").unwrap();
    let refused = import(&export, &into, &[]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("AND-6003") && told.contains("--force"), "{told}");
    assert_eq!(fs::read_to_string(&action).unwrap(), "# mine\n");
    assert!(import(&export, &into, &["--force"]).status.success());
    assert_ne!(fs::read_to_string(&action).unwrap(), "# mine\n");
}
