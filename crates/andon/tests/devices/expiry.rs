//! Certificates that end soon: told once on the event lane, shown by list, metrics and doctor, also after a restart.

use serde_json::{Value, json};

use crate::common::{Server, wait_for};

const SETTINGS: [(&str, &str); 2] = [("ANDON_DEVICES__CERTIFICATE_DAYS", "5"), ("ANDON_DEVICES__UPKEEP_SECONDS", "1")];

/// Waits for a pass that has seen the device.
fn wait_for_pass(server: &Server) {
    wait_for("a pass of the upkeep", || {
        let metrics = server.get("/metrics");
        metrics.lines().any(|line| line == "andon_device_certificates_ending{level=\"urgent\"} 1").then_some(())
    });
}

fn events(server: &Server) -> Vec<Value> {
    let page: Value = serde_json::from_str(&server.get("/api/v1/events")).unwrap();
    page["rows"].as_array().unwrap().clone()
}

#[test]
fn a_certificate_that_ends_soon_is_told_once() {
    let server = Server::start_with(tempfile::tempdir().unwrap(), &SETTINGS);
    server.json(&["devices", "groups", "put", "line-4"]);
    let device = server.json(&["devices", "onboard", "pump-01", "--group", "line-4"]);
    wait_for_pass(&server);
    let listed = server.json(&["devices", "list", "--expiry", "urgent"]);
    assert_eq!((&listed["devices"][0]["name"], &listed["devices"][0]["expiry"]), (&json!("pump-01"), &json!("urgent")));
    assert_eq!(server.json(&["devices", "list", "--expiry", "expired"])["devices"], json!([]));
    let lines = server.json(&["doctor"]);
    let line = lines.as_array().unwrap().iter().find(|line| line["what"] == "certificates of devices").unwrap().clone();
    assert_eq!((&line["health"], &line["seen"]), (&json!("warn"), &json!("1 end soon")));
    let (_, folder) = server.terminate();
    let server = Server::start_with(folder, &SETTINGS);
    wait_for_pass(&server);
    let events = events(&server);
    assert_eq!(events.len(), 1, "{events:?}");
    let shown = server.get(&format!("/api/v1/events/{}", events[0]["offset"]));
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let event = &shown["event"];
    assert_eq!((&event["type"], &event["subject"]), (&json!("andon.certificate.expiry"), &json!("pump-01")), "{shown}");
    let certificate = &device["certificates"][0];
    assert_eq!((&event["data"]["level"], &event["data"]["groups"]), (&json!("urgent"), &json!(["line-4"])));
    assert_eq!(event["data"]["certificate"], certificate["id"]);
    server.json(&["devices", "rotate", "pump-01"]);
}
