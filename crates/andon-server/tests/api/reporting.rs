//! The MQTT door and the raw log, as people see them.

use andon_journal::Role;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn the_door_and_its_sessions_are_shown() {
    let world = World::start().await;
    let door = world.ask(Role::Viewer, "GET", "/api/v1/mqtt").await.json();
    assert_eq!(door, json!({"state": "open", "places": ["mqtts://127.0.0.1:8883"], "sessions": 1}));
    let check = async |query: &str, clients: &[&str]| {
        let answer = world.ask(Role::Viewer, "GET", &format!("/api/v1/mqtt/sessions{query}")).await.json();
        let found: Vec<_> = answer.as_array().unwrap().iter().map(|s| s["client_id"].as_str().unwrap()).collect();
        assert_eq!(found, clients, "{query}");
    };
    check("", &["pump-01", "pump-02"]).await;
    check("?device=pump-01&limit=1", &["pump-01"]).await;
    check("?device=other", &[]).await;
    check("?after=pump-01", &["pump-02"]).await;
    let sessions = world.ask(Role::Viewer, "GET", "/api/v1/mqtt/sessions").await.json();
    let (there, away) = (&sessions[0], &sessions[1]);
    assert_eq!(
        (&there["protocol"], &there["source"], &there["connected"]),
        (&json!("3.1.1"), &json!("127.0.0.1"), &json!(true))
    );
    assert_eq!((&away["protocol"], &away["waiting"], &away["connected"]), (&json!("5"), &json!(3), &json!(false)));
}

#[tokio::test]
async fn a_client_is_sent_away() {
    let world = World::start().await;
    let check = async |path: &str, status: u16| {
        let answer = world.ask(Role::Operator, "DELETE", path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    };
    check("/api/v1/mqtt/sessions/pump-01?forget=true", 204).await;
    check("/api/v1/mqtt/sessions/nobody", 404).await;
    check("/api/v1/mqtt/sessions/pump-01?forge=true", 400).await;
}

#[tokio::test]
async fn commands_are_published() {
    let world = World::start().await;
    let check = async |body: Value, status: u16, subscribers: Value| {
        let answer = world.tell(Role::Operator, "POST", "/api/v1/mqtt/publish", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert_eq!(answer.json()["subscribers"], subscribers, "{body}");
    };
    check(json!({"topic": "commands/pump-01", "payload": "stop"}), 202, json!(4)).await;
    check(json!({"topic": "commands/pump-01", "payload": {"a": 1}, "qos": 2}), 202, json!(7)).await;
    check(json!({"topic": "commands/pump-01", "payload_base64": "AAEC", "retain": true}), 202, json!(3)).await;
    check(json!({"topic": "commands/pump-01"}), 202, json!(0)).await;
    check(json!({"topic": "commands/pump-01", "payload": "a", "payload_base64": "AAEC"}), 400, Value::Null).await;
    check(json!({"topic": "commands/pump-01", "payload_base64": "no"}), 400, Value::Null).await;
    check(json!({"topic": "commands/pump-01", "qos": 3}), 400, Value::Null).await;
    check(json!({"topic": "#"}), 400, Value::Null).await;
    check(json!({"topic": "closed"}), 503, Value::Null).await;
    check(json!({"payload": "no topic"}), 400, Value::Null).await;
}

#[tokio::test]
async fn readings_are_shown_and_counted() {
    let world = World::start().await;
    let page = world.ask(Role::Viewer, "GET", "/api/v1/readings").await.json();
    let ts = "2023-11-14T22:13:20Z";
    let first = json!({"id": 1, "ts": ts, "device": "d1", "topic": "data/d1", "payload": {"t": 1}});
    let second = json!({"id": 2, "ts": ts, "device": "d2", "topic": "data/d2", "payload_base64": "/w=="});
    assert_eq!(page, json!({"readings": [first, second], "next": 3}));
    let page = world.ask(Role::Viewer, "GET", "/api/v1/readings?from=1&device=d2&limit=5").await.json();
    assert_eq!(page, json!({"readings": [second], "next": 3}));
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/readings?limit=0").await.status.as_u16(), 400);
    let status = world.ask(Role::Viewer, "GET", "/api/v1/readings/status").await.json();
    assert_eq!(status, json!({"next": 3, "received": 2, "devices": 2, "missing": 0}));
    let counts = world.ask(Role::Viewer, "GET", "/api/v1/readings/devices?after=d1").await.json();
    assert_eq!(counts, json!([{"device": "d2", "received": 1}]));
}
