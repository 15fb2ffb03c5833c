//! Tokens, secrets, configuration, destinations, status: there and back.

use andon_journal::{Role, Secrets};
use serde_json::{Value, json};

use crate::support::{World, name, request};

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let world = World::start().await;
    let wanted = json!({ "name": "mesh", "role": "intake" });
    let created = world.tell(Role::Admin, "POST", "/api/v1/tokens", &wanted).await;
    assert_eq!(created.status, 201);
    let token = created.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("andon_") && token.len() == 49, "{token}");
    let delivery = request("POST", "/api/v1/events").bearer(&token).body("e-1");
    assert_eq!(world.send(delivery).await.status, 202);

    let rows = world.ask(Role::Admin, "GET", "/api/v1/tokens").await;
    assert!(names(&rows.json()).contains(&"mesh"));
    assert!(!String::from_utf8_lossy(&rows.body).contains(&token));
    let again = world.tell(Role::Admin, "POST", "/api/v1/tokens", &wanted).await;
    assert_eq!((again.status.as_u16(), again.json()["code"].as_str()), (409, Some("AND-1203")));
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let world = World::start().await;
    let put = async |body: Value| world.tell(Role::Admin, "PUT", "/api/v1/secrets/s4", &body).await;
    assert_eq!(put(json!({ "value": "hunter2" })).await.status, 204);
    assert_eq!(world.journal.secret(&name("s4")).await.unwrap().unwrap().expose(), "hunter2");
    let rows = world.ask(Role::Admin, "GET", "/api/v1/secrets").await;
    assert_eq!(names(&rows.json()), ["hook", "s4"]);
    for body in [json!({"value": 90_210}), json!({"value": ""}), json!({"value": ["90210"]}), json!({})] {
        let refused = put(body).await;
        assert_eq!(refused.status, 400);
        assert!(!String::from_utf8_lossy(&refused.body).contains("90210"));
    }
    assert_eq!(world.ask(Role::Admin, "DELETE", "/api/v1/secrets/s4").await.status, 204);
    assert!(world.journal.secret(&name("s4")).await.unwrap().is_none());
}

#[tokio::test]
async fn configuration_is_versioned_with_its_author() {
    let world = World::start().await;
    let apply = async |changes: Value| {
        let answer =
            world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &json!({ "changes": changes })).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.json()
    };
    let put = |text: &str| json!({ "put": { "kind": "destination", "name": "s4", "text": text } });
    let first = apply(json!([put("odd")])).await;
    assert_eq!((first["revision"].as_i64(), &first["changed"]), (Some(1), &json!(["destinations/s4.toml"])));
    assert_eq!(first["findings"][0]["severity"], "warning");
    apply(json!([put("good")])).await;
    assert_eq!(apply(json!([put("good")])).await["changed"], json!([]));

    let now = world.ask(Role::Viewer, "GET", "/api/v1/configuration").await.json();
    assert_eq!((now["revision"].as_i64(), now["documents"][0]["text"].as_str()), (Some(2), Some("good")));
    let before = world.ask(Role::Viewer, "GET", "/api/v1/configuration?revision=1").await.json();
    assert_eq!(before["documents"][0]["text"], "odd");
    let history = world.ask(Role::Viewer, "GET", "/api/v1/configuration/destinations/s4/history").await.json();
    assert_eq!((history[0]["version"].as_i64(), history[1]["version"].as_i64()), (Some(2), Some(1)));
    assert_eq!(history[0]["author"], "token-of-admin");
    let revisions = world.ask(Role::Viewer, "GET", "/api/v1/configuration/revisions").await.json();
    assert_eq!(revisions.as_array().unwrap().len(), 2);

    let destinations = world.ask(Role::Viewer, "GET", "/api/v1/destinations").await.json();
    assert_eq!(names(&destinations), ["s4"]);
    apply(json!([{ "delete": { "kind": "destination", "name": "s4" } }])).await;
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/destinations").await.json(), json!([]));
}

#[tokio::test]
async fn what_a_change_changes_is_shown() {
    let world = World::start().await;
    let put = |text: &str| json!({ "changes": [{ "put": { "kind": "table", "name": "t", "text": text } }] });
    let check = async |body: &Value| {
        let answer = world.tell(Role::Operator, "POST", "/api/v1/configuration/check", body).await.json();
        let _described: andon_server::schema::Checked = serde_json::from_value(answer.clone()).unwrap();
        answer["changes"].clone()
    };
    let created = check(&put("a\nb\n")).await;
    assert_eq!((created[0]["effect"].as_str(), created[0]["path"].as_str()), (Some("created"), Some("tables/t.json")));
    for text in ["a\nb\n", "a\nc\n"] {
        world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &put(text)).await;
    }
    assert_eq!(check(&put("a\nc\n")).await, json!([]));
    let show = async |query: &str| {
        let path = format!("/api/v1/configuration/tables/t/diff{query}");
        world.ask(Role::Viewer, "GET", &path).await.json()
    };
    let newest = show("").await;
    let expected = "--- tables/t.json version 1\n+++ tables/t.json version 2\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n";
    assert_eq!(newest, json!({ "path": "tables/t.json", "effect": "replaced", "diff": expected, "cut": false }));
    assert_eq!(show("?from=1&to=2").await, newest);
    assert_eq!(
        (show("?from=0").await["effect"].as_str(), show("?to=1").await["effect"].as_str()),
        (Some("created"), Some("created"))
    );
    assert_eq!(show("?from=2&to=2").await["diff"], "");
    assert_eq!(show("?to=9").await["code"], "AND-1201");
}

#[tokio::test]
async fn a_destination_is_tested() {
    let world = World::start().await;
    let lines = world.ask(Role::Operator, "POST", "/api/v1/destinations/s4/test").await;
    assert_eq!(lines.status, 200);
    assert!(lines.json().as_array().unwrap().iter().all(|line| line["ok"].is_boolean()));
}

#[tokio::test]
async fn a_sample_event_is_decided_without_being_stored() {
    let world = World::start().await;
    let event = json!({ "specversion": "1.0", "id": "x", "source": "/s", "type": "t", "data": { "a": 1 } });
    let dry = world.tell(Role::Operator, "POST", "/api/v1/dry-run", &event).await;
    assert_eq!((dry.status.as_u16(), &dry.json()["decisions"]), (200, &json!([])));
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/events").await.json()["rows"], json!([]));
}

#[tokio::test]
async fn sources_are_listed_without_their_secrets() {
    let world = World::start().await;
    let rows = world.ask(Role::Viewer, "GET", "/api/v1/sources").await.json();
    assert_eq!(names(&rows), ["cloudevents", "framework", "plain", "signed"]);
    assert_eq!((rows[0]["auth"].as_str(), rows[0].get("signature")), (Some("token"), None));
    let signature = json!({ "secret": "hook", "signature_header": "x-signature",
        "timestamp_header": "x-timestamp", "tolerance_seconds": 300 });
    assert_eq!((rows[3]["auth"].as_str(), &rows[3]["signature"]), (Some("hmac"), &signature));
    let described: Vec<andon_server::schema::Source> = serde_json::from_value(rows).unwrap();
    assert_eq!(described.len(), 4);
}

#[tokio::test]
async fn the_process_is_described_in_numbers() {
    let world = World::start().await;
    let answer = world.ask(Role::Viewer, "GET", "/api/v1/status").await.json();
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((answer["counts"]["events"].as_i64(), answer["status"]["revision"].as_i64()), (Some(0), Some(0)));
    assert_eq!(&world.ask(Role::Viewer, "GET", "/healthz").await.body[..], b"ok\n");
    let metrics = world.ask(Role::Viewer, "GET", "/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4");
    assert_eq!(&metrics.body[..], b"andon_events_total 1\n");
    let openapi = world.send(request("GET", "/api/v1/openapi.json").empty()).await;
    assert_eq!(openapi.json()["info"]["title"], "Andon");
}
