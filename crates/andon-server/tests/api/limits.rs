//! What is too much.

use andon_journal::Role;
use andon_server::ServerSettings;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, poll, stream};
use http::Request;
use tower::ServiceExt;

use crate::support::{World, request, token_of};

fn small() -> ServerSettings {
    ServerSettings {
        events_body_bytes: 4,
        sources_body_bytes: 8,
        configuration_body_bytes: 64,
        other_body_bytes: 32,
        ..ServerSettings::default()
    }
}

#[tokio::test]
async fn every_kind_of_body_has_its_limit() {
    let world = World::with(small()).await;
    let check = async |path: &str, bytes: usize, refused: bool| {
        let body = format!("{:width$}", "[", width = bytes);
        let call = request("POST", path).bearer(token_of(Role::Admin)).header("content-type", "application/json");
        let answer = world.send(call.body(body)).await;
        assert_eq!(answer.status == 413, refused, "{bytes} bytes to {path}: {}", answer.status);
        if refused {
            assert_eq!(answer.json()["code"], "AND-1002");
        }
    };
    check("/api/v1/events", 4, false).await;
    check("/api/v1/events", 5, true).await;
    check("/api/events", 5, true).await;
    check("/api/v1/sources/plain", 8, false).await;
    check("/api/v1/sources/plain", 9, true).await;
    let form = async |bytes: usize| {
        let call = request("POST", "/api/v1/events").bearer(token_of(Role::Admin));
        world.send(call.header("content-type", "multipart/form-data; boundary=b").body("x".repeat(bytes))).await.status
    };
    assert_eq!((form(8).await.as_u16(), form(9).await.as_u16()), (202, 413));
    check("/api/v1/configuration/apply", 64, false).await;
    check("/api/v1/configuration/apply", 65, true).await;
    check("/api/v1/configuration/check", 65, true).await;
    check("/api/v1/tokens", 33, true).await;
    check("/api/v1/dry-run", 33, true).await;
}

/// A delivery whose body begins and never ends.
fn endless() -> Request<Body> {
    let beginning = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"e"))]);
    let body = Body::from_stream(beginning.chain(stream::pending()));
    request("POST", "/api/v1/events").bearer(token_of(Role::Intake)).body(body)
}

#[tokio::test]
async fn more_requests_than_places_are_shed_but_probes_answer() {
    let world = World::with(ServerSettings { max_requests: 1, ..ServerSettings::default() }).await;
    let mut first = Box::pin(world.router.clone().oneshot(endless()));
    assert!(poll!(&mut first).is_pending());
    let second = world.ask(Role::Viewer, "GET", "/api/v1/runs").await;
    assert_eq!((second.status.as_u16(), second.json()["code"].as_str()), (503, Some("AND-1005")));
    for path in ["/healthz", "/metrics"] {
        assert_eq!(world.ask(Role::Viewer, "GET", path).await.status, 200, "{path}");
    }
    drop(first);
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/runs").await.status, 200);
}

#[tokio::test]
async fn an_endless_body_meets_the_deadline() {
    let world = World::with(ServerSettings { request_seconds: 0, ..ServerSettings::default() }).await;
    let answer = world.send(endless()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (503, Some("AND-1005")));
}

#[tokio::test]
async fn bodies_share_a_budget() {
    let world = World::with(ServerSettings { all_bodies_bytes: 1024, ..ServerSettings::default() }).await;
    let mut first = Box::pin(world.router.clone().oneshot(endless()));
    // The second poll reads the body: the first one waits for the tokens to be read.
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut first).is_pending());
    let second = request("POST", "/api/v1/events").bearer(token_of(Role::Intake)).body("e-1");
    assert_eq!(world.send(second).await.status, 503);
    drop(first);
    let third = request("POST", "/api/v1/events").bearer(token_of(Role::Intake)).body("e-1");
    assert_eq!(world.send(third).await.status, 202);
}
