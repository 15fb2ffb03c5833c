//! Invariant K1, looked for from outside: no secret and no token in what is shown, logged or stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::PASSWORD;
use crate::gate::{Gate, Passing, Verdict};
use crate::plant::{BASIC, Plant, bytes_below, client_credentials};

/// What the simulator's tokens begin with.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.";

/// A server that quotes what it was sent: first in an error, then in a success beside the document's own.
fn gossip(plant: &Plant) -> Gate {
    let posts = Arc::new(AtomicUsize::new(0));
    Gate::open(&plant.sap_address(), move |request: &mut Passing| {
        let bearer = request.header("authorization").to_owned();
        let key = request.header("proxy-authorization").to_owned();
        let told = format!("you sent {bearer} and {key} with {PASSWORD}, escaped {}", PASSWORD.replace(' ', "%20"));
        let error = serde_json::json!({"error": {"message": {"value": told}}}).to_string();
        match request.method.as_str() {
            "GET" if request.target.contains("/sim/equipment/") => {
                let body = serde_json::json!({"EquipmentName": format!("Pump {bearer}"), "you": told});
                Verdict::Answer(200, "content-type: application/json\r\n", body.to_string())
            }
            "POST" if request.target.ends_with("/MaintenanceNotification") => {
                match posts.fetch_add(1, Ordering::SeqCst) {
                    0 => Verdict::Answer(400, "content-type: application/json\r\n", error),
                    1 => Verdict::Answer(500, "content-type: text/html\r\n", format!("<html>{told}")),
                    _ => Verdict::Pass,
                }
            }
            _ => Verdict::Pass,
        }
    })
}

/// Everything that a user, an operator or a thief of the data folder sees.
fn everything(plant: Plant, runs: &[String]) -> Vec<(String, Vec<u8>)> {
    let mut seen = vec![("destinations test".to_owned(), plant.test().concat().into_bytes())];
    for run in runs {
        let shown = plant.server.run(&["runs", "show", run]);
        seen.push((format!("runs show {run}"), [shown.stdout, shown.stderr].concat()));
        seen.push((format!("run {run}"), plant.server.get(&format!("/api/v1/runs/{run}")).into_bytes()));
    }
    for path in ["/api/v1/runs", "/api/v1/events", "/api/v1/destinations", "/api/v1/quarantine", "/metrics"] {
        seen.push((path.to_owned(), plant.server.get(path).into_bytes()));
    }
    let export = plant.server.folder.path().join("exported");
    assert!(plant.server.run(&["export", &export.display().to_string()]).status.success());
    seen.push(("log".to_owned(), plant.server.log().into_bytes()));
    let (status, folder) = plant.server.terminate();
    assert!(status.success());
    seen.extend(bytes_below(folder.path()));
    seen
}

fn check(seen: &[(String, Vec<u8>)], secrets: &[&str]) {
    assert!(seen.iter().any(|(name, _)| name.ends_with("/data/andon.db")), "{:?}", names(seen));
    for (name, bytes) in seen {
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {name}");
        }
    }
}

fn names(seen: &[(String, Vec<u8>)]) -> Vec<&String> {
    seen.iter().map(|(name, _)| name).collect()
}

/// Runs of which the first is refused, the second lost and found, the others done.
fn worked(plant: &Plant) -> Vec<String> {
    plant.send(0..4);
    plant.wait("refused", 1);
    plant.check(3);
    let rows = plant.server.json(&["runs", "list"])["rows"].as_array().unwrap().clone();
    let runs: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let told = runs.iter().map(|run| plant.server.json(&["runs", "show", run]).to_string()).collect::<String>();
    assert!(told.contains("[secret]"), "the server did quote: {told}");
    runs
}

#[test]
fn neither_client_secret_nor_token_is_seen_anywhere() {
    let plant = Plant::new();
    let gate = gossip(&plant);
    plant.apply(&format!("url = \"http://{}\"", gate.address), &client_credentials(&plant.sap_address()));
    let runs = worked(&plant);
    check(&everything(plant, &runs), &[PASSWORD, "correct%20horse", "correct+horse", TOKEN]);
}

#[test]
fn nothing_of_the_destination_service_is_seen_anywhere() {
    let plant = Plant::new();
    let gate = gossip(&plant);
    let url = format!("http://{}", gate.address);
    let own = [
        ("Type", "HTTP"),
        ("URL", url.as_str()),
        ("Authentication", "BasicAuthentication"),
        ("User", "{user}"),
        ("Password", "{password}"),
        ("URL.headers.x-hub-token", "hub-token-4711"),
    ];
    crate::provided::define(&plant, &own);
    plant.apply("", &crate::provided::section(&plant));
    let runs = worked(&plant);
    let basic = BASIC.trim_start_matches("Basic ");
    check(&everything(plant, &runs), &[PASSWORD, "correct%20horse", basic, TOKEN, "hub-token-4711"]);
}
