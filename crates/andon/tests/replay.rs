//! `andon replay`: an unchanged folder changes nothing, a changed one is told to the field, and nothing leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{PASSWORD, Sap, Server, copy_folder, scenarios, wait_for};
use serde_json::Value;
use tempfile::TempDir;

const S4: &str = "destinations/s4.toml";
const TABLE: &str = "tables/device-events.json";
const MAPPING: &str = "actions/ask-for-mapping.toml";

/// Stands where the destination would be, and counts who comes.
struct Trap {
    url: String,
    visitors: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let visitors = Arc::new(AtomicUsize::new(0));
        let counted = visitors.clone();
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                drop(visitor);
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, visitors }
    }

    fn visitors(&self) -> usize {
        self.visitors.load(Ordering::SeqCst)
    }
}

/// A copy of the scenario `events` whose destination is at `url`.
fn folder(url: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&scenarios().join("events"), folder.path());
    edit(folder.path(), S4, "http://127.0.0.1:8481", url);
    folder
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let file = folder.join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(&file, text.replace(from, to)).unwrap();
}

/// A server that has worked the scenario's events, and whose destination is now a trap.
fn worked() -> (Server, Trap, TempDir) {
    let (sap, server) = (Sap::start(), Server::start());
    assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
    server.json(&["apply", &folder(&sap.simulator.base_url()).path().display().to_string()]);
    let mut files: Vec<PathBuf> =
        fs::read_dir(scenarios().join("events/input")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| !file.display().to_string().contains("not-an-event")) {
        server.json(&["events", "send", &file.display().to_string()]);
    }
    wait_for("every run to be settled", || {
        let status = server.json(&["status"]);
        let pending = status["status"]["pending_runs"] == 0 && status["counts"]["undecided"] == 0;
        pending.then_some(())
    });
    let trap = Trap::set();
    let current = folder(&trap.url);
    server.json(&["apply", &current.path().display().to_string()]);
    (server, trap, current)
}

fn replay(server: &Server, folder: &Path, args: &[&str]) -> Output {
    let folder = folder.display().to_string();
    let output = server.run(&[&["replay", "--with", &folder], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The differing events, and the summary.
fn lines(output: &Output) -> (Vec<Value>, Value) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap()["summary"].clone();
    (lines, summary)
}

/// `action step: fields` of every request that would differ.
fn requests(differences: &[Value]) -> Vec<String> {
    let parts = differences.iter().flat_map(|difference| difference["parts"].as_array().unwrap());
    let requests = parts.filter(|part| part["what"] == "request");
    let mut named: Vec<String> = requests
        .map(|part| {
            format!("{} {}: {}", part["name"].as_str().unwrap(), part["step"].as_str().unwrap(), part["fields"])
        })
        .collect();
    named.sort();
    named.dedup();
    named
}

#[test]
fn a_change_is_told_and_nothing_leaves() {
    let (server, trap, current) = worked();
    for against in ["current", "recorded"] {
        let (differences, summary) = lines(&replay(&server, current.path(), &["--json", "--against", against]));
        assert_eq!((differences, &summary["differing"]), (Vec::new(), &Value::from(0)), "{against}");
        assert_eq!((&summary["events"], &summary["unanswered"]), (&Value::from(7), &Value::from(0)), "{summary}");
    }

    let changed = folder(&trap.url);
    edit(changed.path(), TABLE, r#""priority": "\"1\"""#, r#""priority": "\"2\"""#);
    edit(changed.path(), MAPPING, "\"900\"", "\"901\"");
    let (differences, _) = lines(&replay(&server, changed.path(), &["--json"]));
    let expected = [
        "ask-for-mapping create: [\"body/MaintenancePlannerGroup\"]",
        "report-malfunction pm-notification: [\"body/MaintPriority\"]",
    ];
    assert_eq!(requests(&differences), expected);

    let text = String::from_utf8(replay(&server, changed.path(), &["--show", "1"]).stdout).unwrap();
    for part in ["body/MaintPriority", "body/MaintenancePlannerGroup", "2 events would differ"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(text.matches("\nevent ").count(), 1, "one request is shown: {text}");

    assert_eq!(trap.visitors(), 0, "nothing was sent");
    assert!(!server.run(&["destinations", "test"]).status.success());
    assert!(trap.visitors() > 0, "the trap counts those who come");
}

#[test]
fn a_folder_with_faults_is_refused_with_its_findings() {
    let (server, trap, _current) = worked();
    let changed = folder(&trap.url);
    edit(changed.path(), TABLE, "\\\"ask-for-mapping\\\"", "\\\"ask-nobody\\\"");
    let refused = server.run(&["replay", "--with", &changed.path().display().to_string()]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("ask-nobody"), "{text}");
}

/// The same in a network that leads nowhere: a namespace with a loopback interface of its own, and nothing else.
#[test]
fn a_closed_network_is_enough() {
    if !Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|status| status.success()) {
        // Not permitted on this machine; the trap above proves the same.
        return;
    }
    let (server, _trap, current) = worked();
    let (status, folder) = server.terminate();
    assert!(status.success());
    let script = r#"
        ip link set lo up
        "$0" serve --listen 127.0.0.1:8480 --data "$1" >/dev/null 2>&1 &
        server=$!
        for _ in $(seq 600); do "$0" status --data "$1" >/dev/null 2>&1 && break; sleep 0.1; done
        "$0" replay --json --with "$2" --data "$1"
        code=$?
        kill $server
        exit $code"#;
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", script, env!("CARGO_BIN_EXE_andon")]);
    let output = command.arg(folder.path().join("data")).arg(current.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (differences, summary) = lines(&output);
    assert_eq!((differences, &summary["events"]), (Vec::new(), &Value::from(7)));
}
