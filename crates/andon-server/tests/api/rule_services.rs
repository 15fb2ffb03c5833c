//! Decisions, asked in SAP's form.

use andon_journal::Role;
use andon_testkit::first_hit_table;
use serde_json::{Value, json};

use crate::support::{World, request, token_of};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// The decision `refill` finds the action for a silo's device type; `plain` is asked by its name alone.
async fn world() -> World {
    let world = World::start().await;
    let put = |kind: &str, name: &str, text: &str| json!({ "put": { "kind": kind, "name": name, "text": text } });
    let rows = [("\"Silo\"", "none"), ("\"Bin\"", "none")];
    let decision = format!("table = \"refill\"\nrule_service_id = \"{ID}\"\nresult_object = \"Refill\"\n");
    let changes = json!({ "changes": [
        put("table", "refill", &first_hit_table("event.data.EventInfo.DeviceType", &rows)),
        put("table", "plain", &first_hit_table("event.data.DeviceType", &rows)),
        put("decision", "refill", &decision),
        put("decision", "plain", "table = \"plain\"\n"),
    ] });
    let applied = world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &changes).await;
    assert_eq!(applied.status, 200, "{:?}", applied.body);
    world
}

async fn check(world: &World, version: &str, question: Value, expected: Result<Value, (u16, &str)>) {
    let answer = world.tell(Role::Intake, "POST", &format!("/{version}/rule-services"), &question).await;
    assert_eq!(answer.header("content-type"), "application/json", "{question}");
    let body = answer.json();
    match expected {
        Ok(result) => assert_eq!((answer.status.as_u16(), &body), (200, &json!({ "Result": result })), "{question}"),
        Err((status, part)) => {
            let message = body["error"]["message"].as_str().unwrap();
            assert!(answer.status == status && message.contains(part), "{question}: {} {body}", answer.status);
        }
    }
}

fn about(service: &str, device: &str) -> Value {
    json!({ "RuleServiceId": service, "Vocabulary": [{ "EventInfo": { "DeviceType": device } }] })
}

#[tokio::test]
async fn decisions_answer_by_identifier_and_by_name() {
    let world = world().await;
    for service in [ID, "refill", &ID.to_uppercase()] {
        check(&world, "v2", about(service, "Bin"), Ok(json!([{ "Refill": { "action": "none" } }]))).await;
    }
    check(&world, "v2", about("plain", "Silo"), Ok(json!([{ "ActionInfo": { "action": "none" } }]))).await;
    check(&world, "v2", about(ID, "Pump"), Ok(json!([]))).await;
    check(&world, "v2", json!({ "RuleServiceId": ID, "Vocabulary": [] }), Ok(json!([]))).await;
    let older = json!({ "RuleServiceId": ID, "Vocabulary": [{ "__type__": "EventInfo", "DeviceType": "Silo" }] });
    check(&world, "v1", older, Ok(json!([{ "__type__": "Refill", "action": "none" }]))).await;
}

#[tokio::test]
async fn refusals_have_the_form_of_sap() {
    let world = world().await;
    check(&world, "v2", about("nobody", "Bin"), Err((404, "rule service nobody does not exist"))).await;
    check(&world, "v2", json!({ "RuleServiceId": ID }), Err((400, "missing field `Vocabulary`"))).await;
    check(&world, "v2", json!({ "RuleServiceId": ID, "Vocabulary": [{ "A": 1 }] }), Err((400, "no attributes"))).await;
    check(&world, "v2", json!([1]), Err((400, ""))).await;
    let long = about(ID, &"x".repeat(1 << 20));
    check(&world, "v2", long, Err((413, "longer than"))).await;
    let stranger = world.send(request("POST", "/v2/rule-services").json(&about(ID, "Bin"))).await;
    assert_eq!((stranger.status.as_u16(), stranger.json()["error"]["code"].as_str()), (401, Some("AND-1101")));
    let got = world.ask(Role::Viewer, "GET", "/v2/rule-services").await;
    assert_eq!((got.status.as_u16(), got.json()["error"]["code"].as_str()), (405, Some("AND-1202")));
    let untyped =
        request("POST", "/v2/rule-services").bearer(token_of(Role::Viewer)).body(about(ID, "Bin").to_string());
    assert_eq!(world.send(untyped).await.status, 400);
}

#[tokio::test]
async fn an_identifier_belongs_to_one_decision() {
    let world = world().await;
    let text = format!("table = \"plain\"\nrule_service_id = \"{ID}\"\n");
    let changes = json!({ "changes": [{ "put": { "kind": "decision", "name": "plain", "text": text } }] });
    let refused = world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &changes).await;
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!((refused.status.as_u16(), detail), (422, format!("rule service {ID} is decision plain")));
}

#[tokio::test]
async fn asking_leaves_nothing_behind() {
    let world = world().await;
    check(&world, "v2", about(ID, "Bin"), Ok(json!([{ "Refill": { "action": "none" } }]))).await;
    let counts = world.ask(Role::Viewer, "GET", "/api/v1/status").await.json()["counts"].clone();
    assert_eq!((&counts["events"], &counts["quarantined"]), (&json!(0), &json!(0)));
    assert!(counts["runs"].as_array().unwrap().iter().all(|pair| pair[1] == 0), "{counts}");
}
