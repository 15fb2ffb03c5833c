//! What is attached to events: listed with the event, downloaded by its digest.

use andon_journal::{Append, AttachedFile, Journal, Role, attach};
use andon_model::Event;
use bytes::Bytes;
use serde_json::json;

use crate::support::{World, request, token_of};

/// Stores an event with a picture; the digest.
async fn store_picture(world: &World, id: &str, content_type: &str, bytes: &'static [u8]) -> String {
    let mut event = Event::new("/cam", id, "defect", json!({ "score": 0.9 }));
    let file =
        AttachedFile { name: "7.jpg".into(), content_type: content_type.into(), bytes: Bytes::from_static(bytes) };
    let attachment = attach(&mut event, "image", file).unwrap();
    let digest = attachment.digest.clone();
    let append = Append { events: vec![event], attachments: vec![attachment], ..Append::default() };
    world.journal.append(append).await.unwrap();
    digest
}

#[tokio::test]
async fn attachments_are_listed_and_downloaded() {
    let world = World::start().await;
    let digest = store_picture(&world, "1", "image/jpeg", b"\xff\xd8picture").await;
    let event = world.ask(Role::Viewer, "GET", "/api/v1/events/1").await.json();
    let image = json!({"digest": digest, "name": "7.jpg", "content_type": "image/jpeg", "bytes": 9});
    assert_eq!((&event["attachments"], &event["event"]["data"]["image"]), (&json!([image]), &image));
    let listed = world.ask(Role::Viewer, "GET", "/api/v1/events").await.json();
    assert!(listed["rows"][0].get("attachments").is_none());

    let answer = world.ask(Role::Viewer, "GET", &format!("/api/v1/events/1/attachments/{digest}")).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"\xff\xd8picture"[..]));
    assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), ("image/jpeg", "nosniff"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"7.jpg\"; filename*=UTF-8''7.jpg");
}

#[tokio::test]
async fn an_event_gives_its_own_attachments_only() {
    let world = World::start().await;
    let first = store_picture(&world, "1", "image/jpeg", b"first").await;
    let second = store_picture(&world, "2", "not a\u{e4} media type", b"second").await;
    let check = async |path: String, status: u16| {
        let answer = world.ask(Role::Viewer, "GET", &path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        answer
    };
    check(format!("/api/v1/events/1/attachments/{second}"), 404).await;
    check(format!("/api/v1/events/9/attachments/{first}"), 404).await;
    check(format!("/api/v1/events/1/attachments/{}", first.to_uppercase()), 404).await;
    check("/api/v1/events/x/attachments/y".to_owned(), 400).await;
    let odd = check(format!("/api/v1/events/2/attachments/{second}"), 200).await;
    assert_eq!(&odd.body[..], b"second");
    let intake = request("GET", &format!("/api/v1/events/1/attachments/{first}")).bearer(token_of(Role::Intake));
    assert_eq!(world.send(intake.empty()).await.status.as_u16(), 403);
}
