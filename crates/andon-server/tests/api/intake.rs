//! Deliveries: what is stored and what the sender is told.

use andon_journal::Role;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Answer, HOOK_SECRET, NOW, World, request, token_of};

async fn deliver(world: &World, path: &str, body: &str) -> Answer {
    let request = request("POST", path).bearer(token_of(Role::Intake));
    world.send(request.header("content-type", "text/plain").body(body.to_owned())).await
}

#[tokio::test]
async fn the_answer_says_what_is_stored() {
    let world = World::start().await;
    let check = async |path: &str, body: &str, status: u16, events: Value, faults: usize| {
        let answer = deliver(&world, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}");
        let seen = answer.json();
        assert_eq!(seen.get("events").unwrap_or(&json!([])), &events, "{path} {body}");
        assert_eq!(seen["quarantined"].as_array().map_or(0, Vec::len), faults, "{path} {body}");
    };
    check("/api/v1/events", "e-1", 202, json!([{"offset": 1, "new": true}]), 0).await;
    check("/api/v1/events", "e-1", 202, json!([{"offset": 1, "new": false}]), 0).await;
    check("/api/events", "e-2", 202, json!([{"offset": 2, "new": true}]), 0).await;
    check("/api/v1/sources/plain", "e-3", 202, json!([{"offset": 3, "new": true}]), 0).await;
    check("/api/v1/events", "e-4\nbad", 207, json!([{"offset": 4, "new": true}]), 1).await;
    check("/api/v1/events", "bad\nbad", 400, json!([]), 2).await;
    check("/api/v1/events", "", 202, json!([]), 0).await;
}

#[tokio::test]
async fn an_undecodable_delivery_is_kept_and_can_be_replayed() {
    let world = World::start().await;
    let refused = deliver(&world, "/api/v1/events", "e-1\n\nbad").await.json();
    let refused_alone = deliver(&world, "/api/v1/events", "bad").await.json();
    assert_eq!(refused["quarantined"][0]["problem"]["place"], "line 3");
    assert_eq!((refused_alone["code"].as_str(), refused_alone["place"].as_str()), (Some("AND-1001"), Some("line 1")));
    let id = refused_alone["quarantine"].as_i64().unwrap();

    let rows = world.ask(Role::Viewer, "GET", "/api/v1/quarantine?limit=1").await.json();
    assert_eq!((rows["rows"][0]["id"].as_i64(), rows["rows"].as_array().unwrap().len()), (Some(id), 1));
    let row = world.ask(Role::Viewer, "GET", &format!("/api/v1/quarantine/{id}")).await.json();
    assert_eq!((row["source"].as_str(), row["status"].as_str()), (Some("cloudevents"), Some("open")));
    let raw = world.ask(Role::Viewer, "GET", &format!("/api/v1/quarantine/{id}/raw")).await;
    assert_eq!((&raw.body[..], raw.header("content-type")), (&b"bad"[..], "application/octet-stream"));
    assert_eq!(raw.header("content-disposition"), format!("attachment; filename=\"quarantine-{id}.bin\""));
    let replayed = world.ask(Role::Operator, "POST", &format!("/api/v1/quarantine/{id}/replay")).await;
    assert_eq!((replayed.status.as_u16(), replayed.json()["quarantined"].as_array().unwrap().len()), (207, 1));
}

#[tokio::test]
async fn decoders_get_media_type_and_headers_but_no_credentials() {
    let world = World::start().await;
    let binary = request("POST", "/api/v1/events")
        .bearer(token_of(Role::Intake))
        .header("content-type", "application/json")
        .header("CE-Id", "7")
        .header("ce-type", "test.binary")
        .body("e-1");
    assert_eq!(world.send(binary).await.status, 202);
    let data = world.ask(Role::Viewer, "GET", "/api/v1/events/1").await.json()["event"]["data"].clone();
    assert_eq!(data["content_type"], "application/json");
    assert_eq!(data["headers"], json!({"content-type": "application/json", "ce-id": "7", "ce-type": "test.binary"}));
}

#[tokio::test]
async fn a_replay_gives_the_decoder_the_headers_of_the_event_again() {
    let world = World::start().await;
    let binary = request("POST", "/api/v1/events")
        .bearer(token_of(Role::Intake))
        .header("content-type", "application/json")
        .header("ce-id", "7")
        .header("cookie", "session=secret")
        .header("x-broken", "yes")
        .body("e-1");
    let id = world.send(binary).await.json()["quarantine"].as_i64().unwrap();
    let row = world.ask(Role::Viewer, "GET", &format!("/api/v1/quarantine/{id}")).await.json();
    assert_eq!((&row["content_type"], &row["headers"]), (&json!("application/json"), &json!([["ce-id", "7"]])));
    let replayed = world.ask(Role::Operator, "POST", &format!("/api/v1/quarantine/{id}/replay")).await;
    assert_eq!(replayed.status, 202);
    let data = world.ask(Role::Viewer, "GET", "/api/v1/events/1").await.json()["event"]["data"].clone();
    assert_eq!(data, json!({ "content_type": "application/json", "headers": { "ce-id": "7" } }));
}

#[tokio::test]
async fn events_are_listed_newest_first() {
    let world = World::start().await;
    deliver(&world, "/api/v1/events", "e-1\ne-2\ne-3").await;
    let page = world.ask(Role::Viewer, "GET", "/api/v1/events?limit=2&type=test.plain").await.json();
    let ids: Vec<_> = page["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["e-3", "e-2"]);
    let rest = world.ask(Role::Viewer, "GET", &format!("/api/v1/events?before={}", page["next"])).await.json();
    assert_eq!((rest["rows"][0]["id"].as_str(), rest.get("next")), (Some("e-1"), None));
    let none = world.ask(Role::Viewer, "GET", "/api/v1/events?subject=nobody").await.json();
    assert_eq!(none["rows"], json!([]));
}

fn sign(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{timestamp}.{body}").as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn signed(timestamp: i64, signature: &str, body: &'static str) -> Request<axum::body::Body> {
    request("POST", "/api/v1/sources/signed")
        .header("x-timestamp", &timestamp.to_string())
        .header("x-signature", signature)
        .body(body)
}

#[tokio::test]
async fn a_signed_source_takes_what_its_sender_signed() {
    let world = World::start().await;
    let check = async |request, status: u16, code: &str| {
        let answer = world.send(request).await;
        let seen = answer.json();
        assert_eq!((answer.status.as_u16(), seen["code"].as_str().unwrap_or_default()), (status, code), "{seen}");
    };
    check(signed(NOW, &sign(HOOK_SECRET, NOW, "e-1"), "e-1"), 202, "").await;
    check(signed(NOW, &sign(HOOK_SECRET, NOW, "e-1"), "e-2"), 401, "AND-1103").await;
    check(signed(NOW, &sign("another", NOW, "e-1"), "e-1"), 401, "AND-1103").await;
    check(signed(NOW - 301, &sign(HOOK_SECRET, NOW - 301, "e-1"), "e-1"), 401, "AND-1103").await;
    let with_token = request("POST", "/api/v1/sources/signed").bearer(token_of(Role::Admin)).body("e-1");
    check(with_token, 401, "AND-1103").await;
    assert_eq!(world.ask(Role::Admin, "DELETE", "/api/v1/secrets/hook").await.status, 204);
    check(signed(NOW, &sign(HOOK_SECRET, NOW, "e-1"), "e-1"), 503, "AND-4008").await;
}
