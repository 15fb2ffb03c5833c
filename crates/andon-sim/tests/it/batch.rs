//! `$batch`.

use andon_sim::FaultProfile;
use serde_json::{Value, json};

use crate::client::{NOTIFICATIONS, SERVICE, World};

fn operation(id: u32, line: &str, body: &Value) -> String {
    format!(
        "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {id}\r\n\r\n\
         {line} HTTP/1.1\r\nContent-Type: application/json\r\nAccept: application/json\r\nIf-Match: *\r\n\r\n{body}\r\n"
    )
}

fn changeset(operations: &[String]) -> String {
    format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{}--c--\r\n\r\n", operations.concat())
}

fn read(target: &str) -> String {
    format!(
        "--b\r\nContent-Type: application/http\r\n\r\nGET {target} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"
    )
}

/// Sends the parts; gives the statuses of the answer's parts and its text.
async fn send(world: &World, parts: &[String]) -> (Vec<u16>, String) {
    let body = format!("{}--b--\r\n", parts.concat());
    let request = world.request("POST", &format!("{SERVICE}$batch"));
    let answer = request.header("content-type", "multipart/mixed; boundary=b").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("multipart/mixed; boundary="));
    let text = answer.text().await.unwrap();
    let statuses = text.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 "));
    (statuses.map(|line| line[..3].parse().unwrap()).collect(), text)
}

fn create(id: u32, text: &str) -> String {
    operation(id, "POST MaintenanceNotification", &json!({"NotificationText": text}))
}

#[tokio::test]
async fn a_changeset_creates_and_refers_to_what_it_created() {
    let world = World::new().await;
    let change = operation(2, "PATCH $1", &json!({"MaintPriority": "2"}));
    let parts = [changeset(&[create(1, "a"), change]), read("MaintenanceNotification?$select=MaintPriority")];
    let (statuses, text) = send(&world, &parts).await;
    assert_eq!(statuses, [201, 204, 200]);
    assert!(text.contains(r#""MaintPriority":"2""#) && text.contains("content-id: 1"), "{text}");
}

#[tokio::test]
async fn a_changeset_falls_as_a_whole() {
    let world = World::new().await;
    world.create(json!({"NotificationText": "before", "MaintNotifExtReferenceNumber": "K0"})).await;
    let change =
        operation(2, "PATCH MaintenanceNotification('10000001')", &json!({"MaintNotifExtReferenceNumber": "K9"}));
    let bad = operation(3, "POST MaintenanceNotification", &json!({"Nonsense": 1}));
    let (statuses, text) =
        send(&world, &[changeset(&[create(1, "a"), change, bad]), changeset(&[create(1, "b")])]).await;
    assert_eq!(statuses, [400, 201], "{text}");
    let books = world.sap.books();
    assert_eq!((books.totals.documents, books.documents[0].reference.as_deref()), (2, Some("K0")));
    assert_eq!((world.sap.books_for("K9").documents.len(), books.totals.without_reference), (0, 1));
    assert_eq!(world.get(&format!("{NOTIFICATIONS}('10000002')")).await.1["d"]["NotificationText"], "b");
}

#[tokio::test]
async fn the_last_part_can_fail_alone() {
    let world = World::new().await;
    world.sap.set_faults(1, "partial_batch=1".parse().unwrap());
    let (statuses, _) = send(&world, &[changeset(&[create(1, "a")]), changeset(&[create(1, "b")])]).await;
    assert_eq!(statuses, [201, 500]);
    assert_eq!((world.sap.books().totals.documents, world.sap.statistics().faults["partial_batch"]), (1, 1));
    world.sap.set_faults(1, FaultProfile::none());
}

#[tokio::test]
async fn malformed_batches_are_refused() {
    let world = World::new().await;
    for (content_type, body) in [
        ("application/json", "--b--"),
        ("multipart/mixed; boundary=b", "--b\r\n"),
        ("multipart/mixed; boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"),
    ] {
        let request = world.request("POST", &format!("{SERVICE}$batch")).header("content-type", content_type);
        assert_eq!(request.body(body).send().await.unwrap().status(), 400, "{body}");
    }
    let single = create(1, "a").replacen("--c", "--b", 1);
    assert_eq!(send(&world, &[single]).await.0, [400], "what modifies stands in a changeset");
}
