//! Onboarding that is killed at every place where it could matter: whoever repeats the request gets exactly one identity.

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, wait_for};

const DEVICE: &str = "/api/onboard/pump-01";

fn onboard(server: &Server) -> Option<Value> {
    let token = std::fs::read_to_string(server.data().join("admin.token")).unwrap();
    let request = reqwest::Client::builder().build().unwrap().post(format!("{}{DEVICE}", server.url));
    let answer = async { request.bearer_auth(token.trim()).send().await.ok()?.json::<Value>().await.ok() };
    tokio::runtime::Runtime::new().unwrap().block_on(answer)
}

/// Whether the point was passed; the answer of a life that it killed may be lost, or may have come.
fn die_at(point: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("points");
    let variables = [("ANDON_CRASH_AT", point), ("ANDON_CRASH_LOG", log.to_str().unwrap())];
    let server = Server::start_with(folder, &variables);
    let first = onboard(&server);
    if first.is_some() {
        // It is noted after the answer.
        wait_for("the answer is noted, or the process is dead", || {
            let points = std::fs::read_to_string(&log).unwrap_or_default();
            let is_over = points.lines().any(|line| line == point || line == "after registry commit 3");
            is_over.then_some(())
        });
    }
    let points = std::fs::read_to_string(&log).unwrap_or_default();
    let (_, folder) = server.terminate();
    check(folder, first.as_ref(), point);
    points.lines().any(|line| line == point)
}

/// One device, one active certificate, and it is the one that was handed over last.
fn check(folder: TempDir, first: Option<&Value>, point: &str) {
    let server = Server::start_in(folder);
    let second = onboard(&server).unwrap();
    assert_eq!(second["error"]["code"], "", "killed {point}: {second}");
    let listed = server.json(&["devices", "list"]);
    let devices = listed["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1, "killed {point}");
    let certificates = devices[0]["certificates"].as_array().unwrap();
    let active: Vec<&Value> = certificates.iter().filter(|known| known["status"] == "ACTIVE").collect();
    assert_eq!(active.len(), 1, "killed {point}: {certificates:?}");
    assert_eq!(active[0]["id"], second["credential"]["certificateId"], "killed {point}");
    let has_key = |answer: &Value| answer["credential"]["privateKey"] != "";
    let held_before = first.filter(|first| first["credential"]["certificateId"] == active[0]["id"]);
    assert!(has_key(&second) || held_before.is_some_and(has_key), "killed {point}: nobody has the key");
}

#[test]
fn a_killed_onboarding_comes_to_one_identity() {
    for kind in ["before registry commit", "after registry commit"] {
        let killed = (1..=9).take_while(|number| die_at(&format!("{kind} {number}"))).count();
        assert!(killed >= 3, "only {killed} commits {kind}");
    }
}
