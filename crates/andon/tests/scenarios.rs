//! Every scenario is a test: applied, exported unchanged, played, and its documents compared with `expected/`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use andon_sim::Books;
use common::{PASSWORD, Sap, Server, copy_folder, scenarios, wait_for};
use serde::Deserialize;
use serde_json::{Value, json};

/// `expected/documents.json`
#[derive(Deserialize)]
struct Expected {
    events: i64,
    documents: Vec<Document>,
    #[serde(default)]
    episodes: Vec<Episode>,
}

/// An episode as `andon episodes list` has it, without numbers and times.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Episode {
    action: String,
    key: String,
    count: i64,
}

/// What matters of a document in SAP's books; numbers and stamps differ from run to run.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Document {
    service: String,
    fields: BTreeMap<String, String>,
}

/// Fields that hold numbers, which depend on what comes first.
const ASSIGNED: [&str; 2] = ["IncidentID", "LinkedSAPObjectKey"];

/// `expected/quarantine.json`, one entry.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Kept {
    source: String,
    path: String,
    code: String,
    place: String,
    bytes: i64,
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> T {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn lookout_equipment_makes_its_documents() {
    play("lookout-equipment");
}

#[test]
fn events_make_their_documents() {
    play("events");
}

#[test]
fn lookout_vision_makes_its_defects_with_their_pictures() {
    play("lookout-vision");
}

#[test]
fn monitron_makes_its_notifications() {
    play("monitron");
}

#[test]
fn sitewise_alarms_make_their_notifications() {
    play("sitewise");
}

#[test]
fn missing_protection_makes_its_incidents() {
    play("ppe");
}

#[test]
fn empty_silos_make_their_requisitions() {
    play("purchase-requisition");
}

#[test]
fn every_scenario_is_played() {
    let mut names: Vec<_> = fs::read_dir(scenarios()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    let played = [
        "events",
        "lookout-equipment",
        "lookout-vision",
        "monitron",
        "ppe",
        "purchase-requisition",
        "quickstart",
        "sitewise",
    ];
    assert_eq!(names, played, "add a test for the new scenario");
}

#[test]
fn an_alarm_joins_its_notification_until_that_is_completed() {
    let (sap, server) = play("sitewise");
    let (first, opened) = only_run_with(&server, 1);
    check_text(&sap, &first, "Reported 3 times since");
    check_text(&sap, &first, "Last: flow temperature in °C 16.1 at");
    let shown = String::from_utf8(server.run(&["runs", "show", &opened]).stdout).unwrap();
    assert!(shown.contains(&format!("opened, document {first}")), "{shown}");
    let (same, joined) = only_run_with(&server, 6);
    assert_eq!(same, first);
    let shown = String::from_utf8(server.run(&["runs", "show", &joined]).stdout).unwrap();
    assert!(shown.contains(&format!("updated document {first} as event 3 of it")), "{shown}");

    sap.complete_notification(&first);
    send_later(&server, "08-chiller-third-time.json", "1775113200", "1775116800");
    settled(&server, 7);
    let (second, opened) = only_run_with(&server, 7);
    assert_ne!(second, first, "a completed notification is not joined");
    let shown = String::from_utf8(server.run(&["runs", "show", &opened]).stdout).unwrap();
    assert!(
        shown.contains(&format!("closed {first}")) && shown.contains(&format!("opened, document {second}")),
        "{shown}"
    );

    send_later(&server, "08-chiller-third-time.json", "1775113200", "1775120400");
    settled(&server, 8);
    assert_eq!(only_run_with(&server, 8).0, second);
    check_text(&sap, &second, "Reported 2 times since");
    let of_chiller = server.json(&["episodes", "show", "report-alarm", CHILLER]);
    assert_eq!((&of_chiller["document"], of_chiller["count"].as_i64()), (&second.as_str().into(), Some(2)));
    assert_eq!(of_chiller["runs"].as_array().unwrap().len(), 5);
    assert_eq!(sap.simulator.books().documents.len(), 4);
    server.json(&["episodes", "close", "report-alarm", CHILLER]);
    send_later(&server, "08-chiller-third-time.json", "1775113200", "1775124000");
    settled(&server, 9);
    assert_ne!(only_run_with(&server, 9).0, second, "an episode that was closed by hand is not joined");
    assert!(!server.run(&["episodes", "close", "report-alarm", "no-such-key"]).status.success());
}

/// Models and assets are the scenario's own; what becomes of their alarms is `sitewise`, unchanged.
#[test]
fn a_machine_that_overheats_makes_one_notification() {
    let (sap, server) = (Sap::start(), Server::start());
    let (quickstart, sitewise) = (scenarios().join("quickstart"), scenarios().join("sitewise"));
    assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
    server.json(&["apply", &quickstart.display().to_string()]);
    exported_unchanged(&server, &quickstart);
    server.json(&["apply", &sitewise.display().to_string()]);
    point_at(&server, &sap, &sitewise);
    let expected: Expected = read(&quickstart.join("expected/documents.json"));
    for file in files_in(&quickstart.join("input")) {
        report_readings(&server, &file);
    }
    settled(&server, expected.events);
    assert_eq!(latest_of_press(&server), json!(70.5));
    compare_documents(expected.documents, &sap.simulator.books());
    compare_episodes(expected.episodes, &server);
    compare_quarantine(read(&quickstart.join("expected/quarantine.json")), &server);
    let alarm = server.json(&["events", "show", "1"]);
    assert_eq!((&alarm["subject"], &alarm["event"]["data"]["value"]), (&"press-4".into(), &66.5.into()));
    assert_eq!(server.json(&["assets", "show", "site"])["asset"]["parts"].as_array().unwrap().len(), 5);
    // Flapping goes on: it is the same episode, and SAP hears nothing.
    report_readings(&server, &quickstart.join("input/03-press-flaps.ndjson"));
    settled(&server, expected.events);
    assert_eq!(sap.simulator.books().documents.len(), 1);
    the_quickstarts_dashboard_shows_it(&server);
}

/// 48 hours of a device type, and a machine second by second.
fn the_quickstarts_dashboard_shows_it(server: &Server) {
    let received = server.json(&["readings", "status"])["received"].clone();
    wait_for("the rows", || (server.json(&["lake", "status"])["readings"] == received).then_some(()));
    let rows = |query: &[&str]| server.json(&[&["queries", "run"], query].concat())["data"]["rows"].clone();
    let of_type = rows(&["device-type-48h"]);
    let readings = |row: &Value| row["readings"].as_i64().unwrap();
    let hours = of_type.as_array().unwrap();
    assert!(hours.iter().all(|hour| hour["device"] == "507c1190df86"), "{of_type}");
    assert_eq!(hours.iter().map(readings).sum::<i64>(), 12, "{of_type}");
    let seconds = rows(&["machine-temperature", "--set", "device=507c1190df86"]);
    let seconds = seconds.as_array().unwrap();
    assert_eq!(seconds.iter().map(readings).sum::<i64>(), 12);
    assert!(seconds.iter().any(|second| second["too_hot"] == true), "{seconds:?}");
}

/// Reports the readings of a file as a gateway does, and waits until the assets have taken them.
fn report_readings(server: &Server, file: &Path) {
    let before = taken(server);
    let kept = server.json(&["readings", "send", &file.display().to_string()]);
    let until = before + kept["count"].as_u64().unwrap();
    wait_for("the assets to take the readings", || (taken(server) == until).then_some(()));
}

/// Readings that the assets have taken in.
fn taken(server: &Server) -> u64 {
    let metrics = server.get("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix("andon_plant_readings_total "));
    line.map_or(0, |number| number.parse().unwrap())
}

fn latest_of_press(server: &Server) -> Value {
    let rows = server.json(&["values", "latest", "press-4", "--property", "Temperature"]);
    rows[0]["latest"]["value"].clone()
}

/// Key of chiller 1's episode.
const CHILLER: &str = "a1000000-0000-4000-8000-000000000001/b2000000-0000-4000-8000-000000000001";

/// Document and identifier of the one run of an event.
fn only_run_with(server: &Server, event: i64) -> (String, String) {
    let shown = server.json(&["events", "show", &event.to_string()]);
    let [run] = shown["runs"].as_array().unwrap().as_slice() else { panic!("not one run: {shown}") };
    (run["documents"].as_str().unwrap().to_owned(), run["id"].as_str().unwrap().to_owned())
}

fn check_text(sap: &Sap, notification: &str, part: &str) {
    let entity = sap.notification(notification);
    let text = entity["d"]["MaintNotificationLongText"].as_str().unwrap();
    assert!(text.contains(part), "{part:?} is not in {text:?}");
}

/// An input with another point in time, so that it is another event.
fn send_later(server: &Server, input: &str, at: &str, later: &str) {
    let text = fs::read_to_string(scenarios().join("sitewise/input").join(input)).unwrap();
    assert!(text.contains(at));
    let file = server.folder.path().join(format!("{later}.json"));
    fs::write(&file, text.replace(at, later)).unwrap();
    server.json(&["events", "send", &file.display().to_string(), "--source", "sitewise-alarms"]);
}

/// Plays a scenario and compares what came of it.
fn play(name: &str) -> (Sap, Server) {
    let (sap, server) = (Sap::start(), Server::start());
    let scenario = scenarios().join(name);
    assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
    server.json(&["apply", &scenario.display().to_string()]);
    exported_unchanged(&server, &scenario);
    point_at(&server, &sap, &scenario);
    deliver(&server, &scenario);
    let expected: Expected = read(&scenario.join("expected/documents.json"));
    settled(&server, expected.events);
    compare_documents(expected.documents, &sap.simulator.books());
    compare_episodes(expected.episodes, &server);
    compare_quarantine(read(&scenario.join("expected/quarantine.json")), &server);
    assert_eq!(runs(&server.json(&["status"]), &["refused", "parked"]), 0);
    (sap, server)
}

fn compare_episodes(mut expected: Vec<Episode>, server: &Server) {
    let mut found: Vec<Episode> = serde_json::from_value(server.json(&["episodes", "list"])).unwrap();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

/// What comes out is what went in, byte for byte.
fn exported_unchanged(server: &Server, scenario: &Path) {
    let exported = server.folder.path().join("exported");
    let files = server.json(&["export", &exported.display().to_string()]);
    for file in files.as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        assert_eq!(fs::read(exported.join(path)).unwrap(), fs::read(scenario.join(path)).unwrap(), "{path}");
    }
    let again = server.json(&["apply", &exported.display().to_string()]);
    assert_eq!(again["changed"], Value::Array(Vec::new()), "applying an export changes nothing");
}

/// The same scenario with the address of this test's simulator.
fn point_at(server: &Server, sap: &Sap, scenario: &Path) {
    let changed = server.folder.path().join("changed");
    copy_folder(scenario, &changed);
    let mut moved = Vec::new();
    for file in files_in(&changed.join("destinations")) {
        let text = fs::read_to_string(&file).unwrap().replace("http://127.0.0.1:8481", &sap.simulator.base_url());
        fs::write(&file, text).unwrap();
        moved.push(format!("destinations/{}", file.file_name().unwrap().display()));
    }
    let applied = server.json(&["apply", &changed.display().to_string()]);
    assert_eq!(applied["changed"], serde_json::json!(moved));
    assert!(server.run(&["destinations", "test"]).status.success());
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Into the bucket's folder when there is one, otherwise by HTTP, all of it twice: to the scenario's source, or where
/// the content belongs.
fn deliver(server: &Server, scenario: &Path) {
    let input = scenario.join("input");
    let source = source(scenario);
    if let Some(bucket) = source.as_ref().and_then(|(_, bucket)| bucket.clone()) {
        return copy_folder(&input, &server.data().join(bucket));
    }
    let to = source.map(|(name, _)| vec!["--source".to_owned(), name]).unwrap_or_default();
    for file in files_in(&input) {
        let file = file.display().to_string();
        let mut send = vec!["events", "send", &file];
        send.extend(to.iter().map(String::as_str));
        let first = server.run(&send);
        let is_event = !file.contains("-not-");
        assert_eq!(first.status.success(), is_event, "{file}");
        if is_event {
            let again = server.json(&send);
            assert!(!again.to_string().contains("\"new\":true"), "{file}: {again}");
        }
    }
}

/// The scenario's source and the folder that it watches, if it does.
fn source(scenario: &Path) -> Option<(String, Option<String>)> {
    let file = fs::read_dir(scenario.join("sources")).ok()?.next()?.ok()?.path();
    let source: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
    let bucket = source.get("bucket").and_then(|bucket| bucket["url"].as_str()).map(str::to_owned);
    Some((file.file_stem()?.to_string_lossy().into_owned(), bucket))
}

fn settled(server: &Server, events: i64) {
    wait_for("every run to be settled", || {
        let answer = server.json(&["status"]);
        let all_decided = answer["counts"]["events"] == events && answer["counts"]["undecided"] == 0;
        (all_decided && runs(&answer, &["queued", "sending", "waiting"]) == 0).then_some(())
    });
}

/// How many runs have one of these statuses.
fn runs(status: &Value, of: &[&str]) -> i64 {
    of.iter().map(|name| status["counts"]["runs"][name].as_i64().unwrap()).sum()
}

fn compare_documents(mut expected: Vec<Document>, books: &Books) {
    let document = |entry: &andon_sim::BookEntry| {
        let mut fields = entry.fields.clone();
        fields.retain(|name, _| !ASSIGNED.contains(&name.as_str()));
        Document { service: entry.service.clone(), fields }
    };
    let mut found: Vec<Document> = books.documents.iter().map(document).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert!(books.duplicates.is_empty(), "{:?}", books.duplicates);
}

fn compare_quarantine(mut expected: Vec<Kept>, server: &Server) {
    let page = server.json(&["quarantine", "list"]);
    let kept = |row: &Value| Kept {
        source: row["source"].as_str().unwrap().into(),
        path: row["path"].as_str().unwrap().into(),
        code: row["problem"]["code"].as_str().unwrap().into(),
        place: row["problem"]["place"].as_str().unwrap().into(),
        bytes: row["size"].as_i64().unwrap(),
    };
    let mut found: Vec<Kept> = page["rows"].as_array().unwrap().iter().map(kept).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}
