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

/// Puts the export's destinations into the simulator's destination service, and stores the key for it.
fn keep_in_btp(sap: &Sap, server: &Server) {
    let basic = [("Authentication", "BasicAuthentication"), ("User", "{user}"), ("Password", "{password}")];
    let model =
        [("Authentication", "OAuth2ClientCredentials"), ("clientId", "{client}"), ("clientSecret", "{password}")];
    let group = [("URL.headers.AI-Resource-Group", "default")];
    for (name, url, more) in [
        ("PLANT_S4", "{base}/sap/opu/odata/sap", basic.to_vec()),
        ("PLANT_TOOLS", "{base}", basic.to_vec()),
        ("PLANT_AI", "{base}/v2/inference/deployments/d01", [&model[..], &group[..]].concat()),
    ] {
        let common = [("Type", "HTTP"), ("ProxyType", "Internet"), ("URL", url)];
        let all = common.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value.to_owned()));
        sap.simulator.set_destination(name, all.collect());
    }
    let base = sap.simulator.base_url();
    let key = json!({"clientid": "sb-andon", "clientsecret": PASSWORD, "url": base, "uri": base});
    assert!(server.feed(&["secret", "set", "btp-destination-key"], &key.to_string()).status.success());
}

fn documents(sap: &Sap) -> Vec<String> {
    let books = sap.simulator.books();
    books.documents.iter().map(|document| serde_json::to_value(document).unwrap().to_string()).collect()
}

#[test]
fn an_imported_scenario_makes_its_documents() {
    let (sap, server) = (Sap::start(), Server::start());
    let (_export, scenario, report) = imported(&sap.simulator.base_url());
    assert_eq!(report["findings"], json!([]), "{report}");
    let folder = scenario.display().to_string();
    assert!(andon().args(["check", &folder]).status().unwrap().success());
    server.json(&["apply", &folder]);
    keep_in_btp(&sap, &server);
    post(
        &server,
        &json!({"data": {"SourceSystem": "OPC", "DeviceType": "Pump", "DeviceLocation": "Hall 3",
        "eventData": {"bucket": "line-1", "level": 83, "text": "a \"quoted\" word"}}}),
    );
    post(&server, &json!({"data": {"SourceSystem": "VISION", "DeviceType": "Camera", "DeviceLocation": "Hall 4"}}));
    let runs = wait_for("both runs to be done", || {
        let page = server.json(&["runs", "list", "--status", "done"]);
        (page["rows"].as_array()?.len() == 2).then_some(page)
    });
    let made = documents(&sap);
    assert_eq!(made.len(), 2, "{made:?}");
    let notification = made.iter().find(|text| text.contains("Alarm on Pump")).unwrap();
    for part in ["M2", "210100098", "Alarm on Pump for 920"] {
        assert!(notification.contains(part), "{part} is not in {notification}");
    }
    assert!(made.iter().any(|text| text.contains("Seen on Camera")), "{made:?}");
    let books = sap.simulator.books();
    assert_eq!((books.llm_calls.len(), books.rule_calls.len()), (1, 0), "tables that came along need no call");
    assert!(books.llm_calls[0].prompt.contains("1010-CWS"), "{:?}", books.llm_calls);
    for run in runs["rows"].as_array().unwrap() {
        let shown = server.json(&["runs", "show", run["id"].as_str().unwrap()]);
        assert_ne!(shown["documents"], "", "{shown}");
    }
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
        let mut entries = entries.iter().filter(|entry| entry["object"] != "name");
        let entry = entries.find(|entry| entry["name"].as_str().is_some_and(|n| n.starts_with(name)));
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
    check("EquipmentDetails.csv", "adapted", json!("lookups/equipment-details.csv"));
    check("Planner.csv", "adapted", json!("tables/planner.json"));
    check("FaultCodes.csv", "open", json!("lookups/fault-codes.csv"));
    check("Plant service", "not_needed", Value::Null);
    let codes = fs::read_to_string(into.join("lookups/fault-codes.csv")).unwrap();
    assert_eq!(codes, "Code*,Meaning\n0010,Überhitzt\n0020,Undicht\n");
    let page = fs::read_to_string(into.join("REPORT.md")).unwrap();
    for part in [
        "PlantChoice.csv line 4 column Signal.Kind",
        "line 14 column method\\_ID",
        "acme.mgmt-prepostActions.csv line 7 column action\\_ID",
        "it is called report-malfunction-2",
        "temperature has no counterpart",
        "andon secret set btp-destination-key",
        "## Check",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

#[test]
fn destinations_of_ones_own_have_their_kind_and_names_for_their_secrets() {
    let export = export("https://s4.example.com");
    let list = json!([
        {"Name": "PLANT_S4", "Type": "HTTP", "URL": "http://virtual:44300/sap", "ProxyType": "OnPremise",
         "Authentication": "BasicAuthentication", "User": "TECH", "Password": "clear-text-1", "CloudConnectorLocationId": "F1"},
        {"Name": "PLANT_AI", "Type": "HTTP", "URL": "https://ai.example.com", "Authentication": "OAuth2ClientCredentials",
         "clientId": "sb-x", "clientSecret": "clear-text-2", "tokenServiceURL": "https://t.example.com/oauth/token"},
        {"Name": "PLANT_TOOLS", "Type": "HTTP", "URL": "https://t.example.com", "Authentication": "NoAuthentication",
         "URL.headers.APIKey": "clear-text-3"}
    ]);
    fs::remove_file(export.path().join("export/Destinations.json")).unwrap();
    fs::write(export.path().join("export/subaccountDestinations.json"), list.to_string()).unwrap();
    let into = export.path().join("scenario");
    let output = import(&export, &into, &["--json", "--destinations", "own"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let check = |file: &str, parts: &[&str]| {
        let text = fs::read_to_string(into.join(file)).unwrap();
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("clear-text"), "{text}");
    };
    check(
        "destinations/plant-s4.toml",
        &["url = \"http://virtual:44300/sap\"", "user = \"TECH\"", "[on_premise]", "\"F1\""],
    );
    check(
        "destinations/plant-ai.toml",
        &["oauth2-client-credentials", "client_id = \"sb-x\"", "\"plant-ai-client-secret\""],
    );
    check("destinations/plant-tools.toml", &["kind = \"api-key\"", "secret = \"plant-tools-key\""]);
    check("REPORT.md", &["andon secret set plant-s4-password", "andon secret set plant-ai-client-secret"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("clear-text"));
}

#[test]
fn a_file_that_is_too_large_is_named_and_nothing_is_written() {
    let export = export("http://127.0.0.1:8481");
    let file = fs::File::create(export.path().join("export/Huge.csv")).unwrap();
    file.set_len(17 << 20).unwrap();
    let into = export.path().join("scenario");
    let refused = import(&export, &into, &[]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("Huge.csv") && !into.exists(), "{told}");
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
