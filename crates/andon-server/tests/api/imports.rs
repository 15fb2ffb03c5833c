//! A file of devices in parts.

use andon_journal::Role;
use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, World, request, token_of};

const DIGEST: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

async fn send(world: &World, query: &str, rows: &[Value]) -> Answer {
    let file: Vec<String> = rows.iter().map(|row| format!("{row}\n")).collect();
    let path = format!("/api/v1/device-imports?{query}");
    let post = request("POST", &path).bearer(token_of(Role::Operator));
    world.send(post.header("content-type", "application/x-ndjson").body(Body::from(file.concat()))).await
}

/// Number and outcome of each line.
fn told(answer: &Answer) -> Vec<(u64, String)> {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["line"].as_u64().unwrap(), line["outcome"].as_str().unwrap().to_owned())).collect()
}

async fn report(world: &World) -> Value {
    world.ask(Role::Viewer, "GET", &format!("/api/v1/device-imports/{DIGEST}")).await.json()
}

#[tokio::test]
async fn parts_share_the_report_of_their_file() {
    let world = World::start().await;
    let first = [json!({ "line": 2, "device": "pump-01" }), json!({ "line": 5, "device": "pump-02" })];
    let unreadable = json!({ "code": "AND-1001", "detail": "no name", "place": "line 6" });
    let second = [json!({ "line": 6, "problem": unreadable }), json!({ "line": 7, "device": "pump-01" })];
    let answer = send(&world, &format!("file=fleet.csv&of={DIGEST}&more=true"), &first).await;
    assert_eq!(told(&answer), [(2, "onboarded".to_owned()), (5, "onboarded".to_owned())]);
    let open = report(&world).await;
    assert_eq!(
        (&open["file"], &open["status"], &open["report"]["line"]),
        (&"fleet.csv".into(), &"open".into(), &5.into())
    );
    let answer = send(&world, &format!("of={DIGEST}&part=2"), &second).await;
    assert_eq!(told(&answer), [(6, "fault".to_owned()), (7, "unchanged".to_owned())]);
    let done = report(&world).await;
    let counts = ["line", "onboarded", "unchanged", "faulty"].map(|count| done["report"][count].as_u64().unwrap());
    assert_eq!((&done["file"], &done["status"], counts), (&"fleet.csv".into(), &"done".into(), [7, 2, 1, 1]));
    assert_eq!(done["report"]["faults"][0]["problem"], unreadable);
    send(&world, &format!("of={DIGEST}&more=true"), &first).await;
    let again = report(&world).await;
    assert_eq!((&again["status"], &again["report"]["unchanged"]), (&"open".into(), &2.into()), "it begins anew");
    assert_eq!(again["report"]["onboarded"], 2, "what it has onboarded before is not forgotten");
}

#[tokio::test]
async fn a_part_says_of_which_file_it_is() {
    let world = World::start().await;
    let long = format!("file={}", "x".repeat(256));
    for query in ["part=2", "more=true", "part=0", "of=ABC", "file=", "file=a%0Ab", "colour=red", &long] {
        assert_eq!(send(&world, query, &[]).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}
