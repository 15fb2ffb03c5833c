//! The program as people and scripts use it: exit codes, errors, JSON shapes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use common::{PASSWORD, Sap, Server, andon, scenarios, wait_for};
use serde_json::{Value, json};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check(output: &Output, code: i32, parts: &[&str]) {
    let seen = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{seen}");
    for part in parts {
        assert!(seen.contains(part), "{part:?} is not in {seen}");
    }
}

fn run(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    andon().args(args).current_dir(folder.path()).output().unwrap()
}

/// Every command with its subcommands.
const COMMANDS: &[&str] = &[
    "serve",
    "demo",
    "apply",
    "history",
    "export",
    "import",
    "check",
    "replay",
    "explain",
    "doctor",
    "status",
    "events send",
    "events list",
    "events show",
    "events attachment",
    "events decide",
    "events dry-run",
    "runs list",
    "runs show",
    "runs retry",
    "runs resolve",
    "runs cancel",
    "episodes list",
    "episodes show",
    "episodes close",
    "mqtt status",
    "mqtt sessions",
    "mqtt kick",
    "mqtt publish",
    "readings list",
    "readings count",
    "readings status",
    "readings send",
    "models list",
    "models show",
    "assets list",
    "assets show",
    "assets link",
    "values latest",
    "values history",
    "values aggregates",
    "alarms list",
    "alarms acknowledge",
    "alarms snooze",
    "alarms reset",
    "alarms enable",
    "alarms disable",
    "lake status",
    "lake compact",
    "lake vacuum",
    "lake rebuild",
    "sql",
    "queries list",
    "queries run",
    "quarantine list",
    "quarantine show",
    "quarantine replay",
    "destinations list",
    "destinations test",
    "destinations metadata",
    "devices onboard",
    "devices list",
    "devices show",
    "devices rotate",
    "devices revoke",
    "devices deactivate",
    "devices activate",
    "devices delete",
    "devices import",
    "devices letters",
    "ca init",
    "ca export",
    "ca rotate",
    "ca distrust",
    "oauth clients create",
    "oauth clients list",
    "oauth clients delete",
    "oauth clients refresh-token",
    "lookups list",
    "lookups import",
    "lookups export",
    "simulate sap",
    "token create",
    "token list",
    "token delete",
    "secret set",
    "secret list",
    "secret delete",
];

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        check(&run(&args), 0, &["Usage: andon", "--json"]);
    }
    check(&run(&["--help"]), 0, &["andon demo", "Commands:"]);
    check(&run(&["--version"]), 0, &["andon "]);
}

#[test]
fn wrong_usage_ends_with_2() {
    check(&run(&["frobnicate"]), 2, &["unrecognized subcommand 'frobnicate'"]);
    check(&run(&["runs"]), 2, &["Usage: andon runs", "retry"]);
    check(&run(&["apply"]), 2, &["<FOLDER>"]);
    check(&run(&["runs", "list", "--status", "odd"]), 2, &["\"odd\" is not a run status", "parked"]);
    check(&run(&["token", "create", "x"]), 2, &["--role <ROLE>"]);
    check(&run(&["demo", "--faults", "rain=0.5"]), 2, &["--faults <PROFILE>"]);
}

#[test]
fn a_missing_server_is_named_with_what_to_do() {
    let output = run(&["status", "--url", "http://127.0.0.1:9"]);
    check(
        &output,
        1,
        &["error AND-6001", "where: GET http://127.0.0.1:9/api/v1/status", "andon serve", "andon explain AND-6001"],
    );
    let output = run(&["status", "--url", "http://127.0.0.1:9", "--json"]);
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&error["code"], &error["page"]), (&json!("AND-6001"), &json!("docs/errors/AND-6001.md")));
}

#[test]
fn every_error_is_explained() {
    check(&run(&["explain", "AND-4003"]), 0, &["# AND-4003: the outcome of the request is unknown", "## What to do"]);
    check(&run(&["explain", "4003"]), 0, &["# AND-4003"]);
    check(&run(&["explain", "AND-1"]), 2, &["is not the code of an error"]);
    let page: Value = serde_json::from_slice(&run(&["explain", "and-1001", "--json"]).stdout).unwrap();
    assert!(page["page"].as_str().is_some_and(|page| page.starts_with("# AND-1001")), "{page}");
}

#[test]
fn wrong_settings_name_their_key() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("andon.toml"), "[http]\nlisen = \"127.0.0.1:1\"\n").unwrap();
    let output = andon().arg("status").current_dir(folder.path()).output().unwrap();
    check(&output, 1, &["AND-6002", "http.lisen, in andon.toml", "did you mean listen?"]);
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let output = andon().args(["explain", "AND-6002"]).current_dir(&below).output().unwrap();
    check(&output, 0, &["# AND-6002"]);
    let output = andon().args(["runs", "list", "--url", "plant-7"]).current_dir(&below).output().unwrap();
    check(&output, 1, &["AND-6002", "\"plant-7\" is not the address of a server"]);
    let output = andon().arg("status").env("ANDON_ENGINE__DECIDE_BATCH", "many").output().unwrap();
    check(&output, 1, &["AND-6002", "engine.decide_batch"]);
}

#[test]
fn scenarios_pass_their_own_check() {
    for name in ["lookout-equipment", "events"] {
        check(&run(&["check", &scenarios().join(name).display().to_string()]), 0, &["every test case passes"]);
    }
}

#[test]
fn a_faulty_folder_is_told_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    common::copy_folder(&scenarios().join("lookout-equipment"), folder.path());
    let decision = folder.path().join("decisions/maintenance.toml");
    let faulty = fs::read_to_string(&decision).unwrap().replace("rows = [4]", "rows = [5]");
    fs::write(&decision, faulty).unwrap();
    fs::write(folder.path().join("sources/inference.toml"), "decoder = \"lookout-equipment\"\nspeed = 3\n").unwrap();
    let output = run(&["check", &folder.path().display().to_string()]);
    check(
        &output,
        1,
        &["AND-2006", "decisions/maintenance.toml", "AND-2001", "sources/inference.toml line 2 column 1"],
    );
    let output = run(&["check", &folder.path().join("nowhere").display().to_string()]);
    check(&output, 1, &["AND-6003", "nowhere"]);
}

#[test]
fn tokens_are_made_without_a_server_and_used_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let create = |name: &str, role: &str| {
        andon()
            .args(["token", "create", name, "--role", role, "--url", "http://127.0.0.1:9", "--data"])
            .arg(&data)
            .output()
            .unwrap()
    };
    let made = create("boss", "admin");
    check(&made, 0, &["andon_"]);
    check(&create("boss", "admin"), 1, &["AND-1203"]);
    let sender = text(&create("sender", "intake").stdout);
    let server = Server::start_in(folder);
    assert!(!server.data().join("admin.token").exists(), "there was a token already");
    let as_token = |token: &str, args: &[&str]| {
        andon().args(args).args(["--url", &server.url]).env("ANDON_TOKEN", token.trim()).output().unwrap()
    };
    check(&as_token(&text(&made.stdout), &["token", "list"]), 0, &["boss", "sender", "intake"]);
    check(&as_token(&sender, &["runs", "list"]), 1, &["AND-1102"]);
    check(&as_token("andon_nobody", &["runs", "list"]), 1, &["AND-1101"]);
    let made = as_token(
        &text(&made.stdout),
        &["token", "create", "short", "--role", "viewer", "--expires-in", "1 day", "--json"],
    );
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(
        made["token"].as_str().is_some_and(|t| t.starts_with("andon_")) && made["expires_at"].is_string(),
        "{made}"
    );
}

#[test]
fn secrets_and_tokens_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start();
    let mode = |name: &str| fs::metadata(server.data().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("master.key"), mode("admin.token")), (0o700, 0o600, 0o600));
    let stored = server.feed(&["secret", "set", "sap-password"], "s3cr3t-text\n");
    check(&stored, 0, &["sap-password is stored"]);
    check(&server.feed(&["secret", "set", "empty"], "\n"), 1, &["AND-1202"]);
    let listed = server.json(&["secret", "list"]);
    assert_eq!(listed[0]["name"], "sap-password");
    assert!(!listed.to_string().contains("s3cr3t"));
    check(&server.run(&["secret", "delete", "sap-password"]), 0, &["deleted"]);
    check(&server.run(&["secret", "delete", "sap-password"]), 1, &["AND-1201"]);
}

#[test]
fn a_server_stops_in_good_order_and_holds_its_journal() {
    let server = Server::start();
    let mut second = andon();
    second.args(["serve", "--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"]);
    let second = second.arg(server.data()).output().unwrap();
    check(&second, 1, &["AND-5002"]);
    let (status, folder) = server.terminate();
    assert_eq!(status.code(), Some(0));
    let (status, _folder) = Server::start_in(folder).terminate();
    assert_eq!(status.code(), Some(0), "a stopped server starts again");
}

/// The scenario `events`, its destination pointed at this simulator.
fn events_scenario(sap: &Sap, server: &Server) -> PathBuf {
    let scenario = server.folder.path().join("scenario");
    common::copy_folder(&scenarios().join("events"), &scenario);
    let destination = scenario.join("destinations/s4.toml");
    let address = sap.simulator.base_url();
    fs::write(&destination, fs::read_to_string(&destination).unwrap().replace("http://127.0.0.1:8481", &address))
        .unwrap();
    scenario
}

#[test]
fn refused_runs_are_tried_again_together() {
    let (sap, server) = (Sap::start(), Server::start());
    let scenario = events_scenario(&sap, &server);
    server.json(&["apply", &scenario.display().to_string()]);
    for input in ["01-sitewise-alarm.json", "02-sitewise-motor.json"] {
        server.json(&["events", "send", &scenario.join("input").join(input).display().to_string()]);
    }
    let all_are = |status: &str| {
        wait_for(status, || {
            (server.json(&["runs", "list", "--status", status])["rows"].as_array()?.len() == 2).then_some(())
        });
    };
    all_are("refused");
    server.feed(&["secret", "set", "sap-password"], PASSWORD);
    check(&server.run(&["runs", "retry", "--refused", "--action", "other"]), 0, &["0 of 0 runs"]);
    check(&server.run(&["runs", "retry", "--refused"]), 0, &["2 of 2 runs are tried again"]);
    all_are("done");
    check(&server.run(&["runs", "retry", "A", "B"]), 1, &["0 of 2 runs", "run A does not exist", "run B does not"]);
    check(&server.run(&["runs", "retry", "--refused", "A"]), 2, &["--refused"]);
}

#[test]
fn an_event_is_followed_to_its_document() {
    let (sap, server) = (Sap::start(), Server::start());
    check(&server.run(&["doctor"]), 0, &["configuration", "warn"]);
    let scenario = events_scenario(&sap, &server);
    server.json(&["apply", &scenario.display().to_string()]);
    check(&server.run(&["doctor"]), 1, &["destination s4", "fail"]);
    server.feed(&["secret", "set", "sap-password"], PASSWORD);

    let event = scenario.join("input/01-sitewise-alarm.json").display().to_string();
    let dry = server.json(&["events", "dry-run", &event]);
    assert_eq!(dry[0][1]["actions"][0]["action"], "report-malfunction");
    let steps = dry[0][1]["actions"][0]["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["request"]["path"].is_string()), "every step has its request: {steps:?}");
    check(&server.run(&["events", "dry-run", &event]), 0, &["step ", " to s4", "send POST "]);
    assert_eq!(sap.simulator.books().totals.documents, 0, "a dry run sends nothing");

    let sent = server.json(&["events", "send", &event]);
    assert_eq!(sent[0][1]["events"][0], json!({ "offset": 1, "new": true }));
    let runs = wait_for("the run to be done", || {
        let page = server.json(&["runs", "list", "--status", "done"]);
        (!page["rows"].as_array()?.is_empty()).then_some(page)
    });
    let id = runs["rows"][0]["id"].as_str().unwrap();
    let shown = server.json(&["runs", "show", id]);
    assert_eq!(shown["documents"], sap.simulator.books().documents[0].number.as_str());
    assert!(shown["timeline"].as_array().is_some_and(|lines| lines.len() > 6), "{shown}");
    check(&server.run(&["runs", "show", id]), 0, &["report-malfunction", "settled", "sending"]);
    check(&server.run(&["runs", "cancel", id]), 1, &["AND-1203"]);
    check(&server.run(&["runs", "show", "NOTHING"]), 1, &["AND-1201"]);
    check(&server.run(&["events", "show", "1"]), 0, &["device-events", "PumpVibrationHigh"]);
    check(&server.run(&["doctor"]), 0, &["journal and lease", "answers"]);
    check(&server.run(&["status"]), 0, &["runs done", "ready"]);
}

#[test]
fn lookups_go_in_and_out_as_csv() {
    let server = Server::start();
    let file = server.folder.path().join("colours.csv");
    fs::write(&file, "code*,name\r\n1,\"red, dark\"\r\n").unwrap();
    let path = file.display().to_string();
    check(&server.run(&["lookups", "import", &path]), 0, &["new lookup colours with 1 rows is in force"]);
    check(&server.run(&["lookups", "import", &path]), 0, &["unchanged"]);
    assert_eq!(server.run(&["lookups", "export", "colours"]).stdout, fs::read(&file).unwrap());
    assert_eq!(server.json(&["lookups", "list"])[0]["keys"], json!(["code"]));
    let near = server.folder.path().join("colour.csv");
    fs::write(&near, "code*,name\n1,blue\n").unwrap();
    let near = near.display().to_string();
    check(&server.run(&["lookups", "import", &near]), 1, &["did you mean colours?", "--new"]);
    check(&server.run(&["lookups", "import", &near, "--name", "colours"]), 0, &["lookup colours with 1 rows"]);
    check(&server.run(&["lookups", "import", &near, "--new"]), 0, &["new lookup colour with"]);
    fs::write(&file, "code*,name\n1,a\n1,b\n").unwrap();
    check(&server.run(&["lookups", "import", &path]), 1, &["AND-2005", "colours.csv line 3"]);
    check(&server.run(&["lookups", "export", "nothing"]), 1, &["AND-1201"]);
}

#[test]
fn what_cannot_be_decoded_is_kept_and_shown() {
    let server = Server::start();
    let refused = server.feed(&["events", "send", "-"], "{\"specversion\":\"1.0\"");
    check(&refused, 1, &["AND-1001", "where:"]);
    check(&server.run(&["quarantine", "list"]), 0, &["cloudevents", "open"]);
    assert_eq!(server.run(&["quarantine", "show", "1", "--raw"]).stdout, b"{\"specversion\":\"1.0\"");
    check(&server.run(&["quarantine", "replay", "1"]), 1, &["still cannot be decoded"]);
    check(&server.run(&["quarantine", "show", "1"]), 0, &["AND-1001"]);
    check(&server.run(&["quarantine", "show", "77"]), 1, &["AND-1201"]);
}

#[test]
fn every_file_that_cannot_be_sent_is_named() {
    let server = Server::start();
    let file = |name: &str, text: &str| {
        let file = server.folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
    let (first, second) = (file("first.json", "{"), file("second.json", r#"{"specversion":"1.0","id":"1"}"#));
    let good = file("good.json", event);
    let sent = server.run(&["events", "send", &first, "nowhere.json", &second, &good]);
    check(&sent, 1, &["first.json: ", "nowhere.json", "second.json: ", "good.json", "stored"]);
}

#[test]
fn secrets_that_are_not_there_are_warned_of() {
    let server = Server::start();
    let path = scenarios().join("events").display().to_string();
    let needed = ["the secret sap-password", "destinations/s4.toml line"];
    check(&run(&["check", &path]), 0, &needed);
    check(&server.run(&["apply", &path, "--dry-run"]), 0, &["warning", "AND-4008", "andon secret set sap-password"]);
    check(&server.run(&["apply", &path]), 0, &["warning", "AND-4008"]);
    server.feed(&["secret", "set", "sap-password"], PASSWORD);
    let after = server.run(&["apply", &path, "--dry-run"]);
    check(&after, 0, &["no findings"]);
}

#[test]
fn counters_are_there_before_they_count() {
    let server = Server::start();
    let metrics = server.get("/metrics");
    for line in [
        "andon_runs_settled_total{status=\"parked\"} 0",
        "andon_quarantined_total{source=\"cloudevents\"} 0",
        "andon_commit_failures_total 0",
        "andon_http_shed_total 0",
        "# HELP andon_decided_total events decided",
    ] {
        assert!(metrics.contains(line), "{line:?} is not in {metrics}");
    }
}

#[test]
fn an_apply_with_faults_changes_nothing() {
    let server = Server::start();
    let folder = server.folder.path().join("scenario");
    common::copy_folder(&scenarios().join("events"), &folder);
    fs::remove_file(folder.join("destinations/s4.toml")).unwrap();
    let path = folder.display().to_string();
    check(&server.run(&["apply", &path]), 1, &["AND-2002", "there is no destination s4"]);
    check(&server.run(&["apply", &path, "--dry-run"]), 1, &["there is no destination s4"]);
    assert_eq!(server.json(&["status"])["status"]["revision"], 0);
    let whole = scenarios().join("events").display().to_string();
    assert_eq!(server.json(&["apply", &whole])["revision"], 1);
    let lookout = scenarios().join("lookout-equipment").display().to_string();
    let pruned = server.json(&["apply", &lookout, "--prune"]);
    assert!(pruned["changed"].to_string().contains("actions/report-malfunction.toml"), "{pruned}");
    let exported = folder.join("exported").display().to_string();
    assert_eq!(server.json(&["export", &exported]).as_array().map(Vec::len), Some(8));
    fs::write(folder.join("exported/destinations/s4.toml"), "# mine\n").unwrap();
    check(&server.run(&["export", &exported]), 1, &["AND-6003", "--force"]);
    check(&server.run(&["export", &exported, "--force"]), 0, &["replaced"]);
    check(&server.run(&["export", &exported, "--revision", "99"]), 1, &["AND-1201"]);
    fs::write(folder.join("exported/destinations/own.toml"), "").unwrap();
    fs::write(folder.join("exported/destinations/notes.txt"), "").unwrap();
    check(&server.run(&["export", &exported]), 1, &["own.toml", "is not part of revision 2", "--force"]);
    let older = server.run(&["export", &exported, "--revision", "1", "--force"]);
    check(&older, 0, &["removed", "actions/report-malfunction.toml"]);
    assert!(!folder.join("exported/destinations/own.toml").exists());
    assert!(folder.join("exported/destinations/notes.txt").exists(), "only files of documents go");
    check(&server.run(&["apply", &exported]), 1, &["notes.txt", "move what is not configuration"]);
}

#[test]
fn what_changes_is_shown_before_and_after_it_is_applied() {
    let server = Server::start();
    let folder = server.folder.path().join("scenario");
    common::copy_folder(&scenarios().join("events"), &folder);
    let path = folder.display().to_string();
    let first = server.json(&["apply", &path, "--dry-run"]);
    assert_eq!(first["changes"][0]["effect"], "created");
    server.json(&["apply", &path]);
    check(&server.run(&["apply", &path, "--dry-run"]), 0, &["nothing differs from what is in force", "AND-4008"]);

    let destination = folder.join("destinations/s4.toml");
    let text = fs::read_to_string(&destination).unwrap();
    fs::write(&destination, format!("{text}max_concurrency_was = 1\n")).unwrap();
    let faulty = server.run(&["apply", &path, "--dry-run"]);
    check(&faulty, 1, &["+max_concurrency_was = 1", "1 replaced", "AND-2001"]);
    assert!(!text_of_all(&faulty).contains('\u{1b}'), "a pipe gets no colours");

    fs::write(&destination, format!("# changed\n{text}")).unwrap();
    assert_eq!(server.json(&["apply", &path])["revision"], 2);
    check(&server.run(&["history"]), 0, &["revision", "admin"]);
    check(&server.run(&["history", "destinations/s4.toml"]), 0, &["version", "admin"]);
    check(&server.run(&["history", "destinations/s4", "--diff"]), 0, &["+# changed", "version 1", "version 2"]);
    check(&server.run(&["history", "destinations/s4", "2..1"]), 0, &["-# changed"]);
    let created = server.json(&["history", "destinations/s4", "0..1"]);
    assert_eq!(created["effect"], "created");
    check(&server.run(&["history", "destinations/s4", "1..9"]), 1, &["AND-1201", "version 9"]);
    check(&server.run(&["history", "destinations/s4", "one"]), 2, &["FROM..TO"]);
    check(&server.run(&["history", "chairs/s4"]), 2, &["destinations"]);
}

fn text_of_all(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}
