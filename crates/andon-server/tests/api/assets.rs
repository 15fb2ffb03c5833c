//! Assets, values, alarms and the stream, from readings that are reported over HTTP.

use andon_engine::plant::{LiveItem, LiveValues};
use andon_journal::Role;
use futures_util::StreamExt as _;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{NOW, World, request, token_of};

const PRESS: &str = r#"
[discover]
topics = ["plant/{device}"]
[[properties]]
name = "temperature"
data_type = "DOUBLE"
unit = "C"
type = { measurement = { alias = "/plant/{device}/temperature" } }
[[properties]]
name = "limit"
data_type = "DOUBLE"
type = { attribute = { default = 70.0 } }
[[alarms]]
name = "hot"
property = "temperature"
threshold = { operator = ">", value = { attribute = "limit" } }
acknowledge = true
severity = 1
"#;

/// A world with the model `press`, and a view of what changes.
async fn plant() -> (World, LiveValues) {
    let world = World::start().await;
    let change = json!({ "changes": [{ "put": { "kind": "model", "name": "press", "text": PRESS } }] });
    let applied = world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &change).await;
    assert_eq!(applied.status, 200, "{:?}", applied.body);
    let live = world.handle.plant().watch([].into(), [].into());
    (world, live)
}

fn reading(device: &str, temperature: f64) -> Value {
    json!({ "device": device, "topic": format!("plant/{device}"), "payload": { "measurements": { "temperature": temperature } } })
}

/// Reports readings and comes back when the plant has them.
async fn report(world: &World, live: &mut LiveValues, readings: Value) {
    let answer = world.tell(Role::Intake, "POST", "/api/v1/readings", &readings).await;
    assert_eq!(answer.status, 202, "{:?}", answer.body);
    assert!(matches!(live.next().await, Some(LiveItem::Update(_))));
}

#[tokio::test]
async fn readings_become_assets_with_values() {
    let (world, mut live) = plant().await;
    report(&world, &mut live, json!([reading("p1", 21.5), reading("p2", 20.0), reading("p1", 22.5)])).await;
    let get = async |path: &str| world.ask(Role::Viewer, "GET", path).await.json();
    assert_eq!(get("/api/v1/models").await[0]["assets"], 2);
    assert_eq!(get("/api/v1/models/press").await["alarms"][0]["name"], "hot");
    let ids = async |query: &str| {
        let page = get(&format!("/api/v1/assets{query}")).await;
        let ids: Vec<_> =
            page["assets"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["next"].as_u64())
    };
    assert_eq!(ids("").await, (vec!["p1".to_owned(), "p2".to_owned()], None));
    assert_eq!(ids("?limit=1").await, (vec!["p1".to_owned()], Some(1)));
    assert_eq!(ids("?limit=1&from=1").await, (vec!["p2".to_owned()], None));
    assert_eq!(ids("?text=P2").await.0, ["p2"]);
    assert_eq!(ids("?model=mill").await.0, Vec::<String>::new());
    assert_eq!(ids("?parent=none").await.0, ["p1", "p2"]);
    assert_eq!(ids("?raised=true").await.0, Vec::<String>::new());
    let shown = get("/api/v1/assets/p1").await;
    assert_eq!((&shown["asset"]["model"], &shown["values"][0]["latest"]["value"]), (&json!("press"), &json!(22.5)));
    let property = get("/api/v1/assets/p1/properties/temperature").await;
    let window: Vec<_> = property["window"].as_array().unwrap().iter().map(|point| point["value"].clone()).collect();
    assert_eq!((window, &property["unit"]), (vec![json!(21.5), json!(22.5)], &json!("C")));
    for path in ["/api/v1/models/mill", "/api/v1/assets/p9", "/api/v1/assets/p1/properties/colour"] {
        assert_eq!(world.ask(Role::Viewer, "GET", path).await.status, 404, "{path}");
    }
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/assets?colour=red").await.status, 400);
}

#[tokio::test]
async fn assets_are_linked_to_sap() {
    let (world, mut live) = plant().await;
    report(&world, &mut live, json!([reading("p1", 21.5)])).await;
    let link = async |links: Value| world.tell(Role::Operator, "PUT", "/api/v1/assets/p1/links", &links).await;
    let linked = link(json!({ "equipment": "10000042" })).await;
    assert_eq!((linked.status.as_u16(), &linked.json()["asset"]["equipment"]), (200, &json!("10000042")));
    assert_eq!(link(json!({ "equipment": "x".repeat(19) })).await.status, 400);
    let absent = world.tell(Role::Operator, "PUT", "/api/v1/assets/p9/links", &json!({})).await;
    assert_eq!(absent.status, 404);
}

#[tokio::test]
async fn alarms_are_seen_and_operated() {
    let (world, mut live) = plant().await;
    report(&world, &mut live, json!([reading("p1", 81.5)])).await;
    let list = async |query: &str| {
        let page = world.ask(Role::Viewer, "GET", &format!("/api/v1/alarms{query}")).await.json();
        let states = page["alarms"].as_array().unwrap().iter();
        states.map(|alarm| alarm["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["ACTIVE"]);
    assert_eq!(list("?state=raised&asset=p1").await, ["ACTIVE"]);
    assert_eq!(list("?state=NORMAL,DISABLED").await, Vec::<String>::new());
    assert_eq!(list("?asset=p9").await, Vec::<String>::new());
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/alarms?state=odd").await.status, 400);
    let operate = async |operation: &str, wish: Value| {
        let path = format!("/api/v1/assets/p1/alarms/hot/{operation}");
        let answer = world.tell(Role::Operator, "POST", &path, &wish).await;
        let state = answer.json()["state"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), state)
    };
    let said = |state: &str| (200, state.to_owned());
    assert_eq!(operate("acknowledge", json!({ "note": "on my way" })).await, said("ACKNOWLEDGED"));
    assert_eq!(operate("acknowledge", json!({})).await.0, 409);
    assert_eq!(operate("snooze", json!({})).await.0, 400);
    assert_eq!(operate("snooze", json!({ "seconds": 60 })).await, said("SNOOZE_DISABLED"));
    assert_eq!(operate("disable", json!({})).await, said("DISABLED"));
    assert_eq!(operate("enable", json!({})).await.0, 200);
    assert_eq!(operate("reset", json!({ "seconds": 1 })).await.0, 400);
    assert_eq!(operate("shout", json!({})).await.0, 400);
    let absent = world.tell(Role::Operator, "POST", "/api/v1/assets/p1/alarms/cold/reset", &json!({})).await;
    assert_eq!(absent.status, 404);
}

#[tokio::test]
async fn who_operated_an_alarm_is_told() {
    let (world, mut live) = plant().await;
    report(&world, &mut live, json!([reading("p1", 81.5)])).await;
    let path = "/api/v1/assets/p1/alarms/hot/acknowledge";
    world.tell(Role::Operator, "POST", path, &json!({ "note": "on my way" })).await;
    let Some(LiveItem::Update(update)) = live.next().await else { panic!("no update") };
    let told = &update.transitions[0];
    assert_eq!((told.by.as_deref(), told.note.as_deref()), (Some(token_of(Role::Operator)), Some("on my way")));
}

/// Opens a stream and reads events until there are `count`.
async fn events(world: &World, path: &str, last: Option<&str>, count: usize) -> Vec<(String, Value)> {
    let mut opened = request("GET", path).bearer(token_of(Role::Viewer));
    if let Some(last) = last {
        opened = opened.header("last-event-id", last);
    }
    let opened: Request<_> = opened.empty();
    let answer = world.router.clone().oneshot(opened).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (200, "text/event-stream")
    );
    let mut body = answer.into_body().into_data_stream();
    let (mut text, mut found) = (String::new(), Vec::new());
    while found.len() < count {
        text += std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap();
        found = text.split("\n\n").filter_map(event).collect();
    }
    found
}

fn event(text: &str) -> Option<(String, Value)> {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    Some((line("event: ")?.to_owned(), serde_json::from_str(line("data: ")?).unwrap()))
}

#[tokio::test]
async fn streams_begin_with_what_is_asked_for() {
    let (world, mut live) = plant().await;
    report(&world, &mut live, json!([reading("p1", 21.5), reading("p1", 22.5)])).await;
    let stream = "/api/v1/values/stream?asset=p1&property=temperature";
    let latest = events(&world, &format!("{stream}&latest=true"), None, 1).await;
    assert_eq!((latest[0].0.as_str(), &latest[0].1["value"]), ("value", &json!(22.5)));
    // Of a program before this one, and of one that counted otherwise.
    for before in ["5-1", "1700000000000000", "x"] {
        let told = events(&world, stream, Some(before), 3).await;
        let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!((kinds.as_slice(), &told[1].1["value"]), (&["missed", "value", "alarm"][..], &json!(22.5)));
        assert_eq!((&told[2].1["from"], &told[2].1["to"]), (&json!("NORMAL"), &json!("NORMAL")));
        let missed = events(&world, "/api/v1/values/stream", Some(before), 1).await;
        assert_eq!(missed[0].0, "missed");
    }
    for path in ["?latest=true", "?colour=red"] {
        let refused = world.ask(Role::Viewer, "GET", &format!("/api/v1/values/stream{path}")).await;
        assert_eq!(refused.status, 400, "{path}");
    }
}

/// What came meanwhile may be older than what was seen before: the order in which things changed counts, not their times.
#[tokio::test]
async fn who_comes_back_gets_what_came_meanwhile() {
    let (world, mut live) = plant().await;
    report(&world, &mut live, json!([reading("p1", 21.5)])).await;
    let seen = live.place().to_string();
    let mut late = reading("p1", 20.5);
    late["ts"] = json!("2023-11-14T22:13:15Z");
    report(&world, &mut live, json!([late])).await;
    report(&world, &mut live, json!([reading("p1", 81.5)])).await;
    let told = events(&world, "/api/v1/values/stream?asset=p1&property=temperature", Some(&seen), 3).await;
    let told: Vec<_> = told.iter().map(|(kind, data)| (kind.as_str(), data["value"].clone())).collect();
    assert_eq!(told, [("value", json!(20.5)), ("value", json!(81.5)), ("alarm", Value::Null)]);
}

#[tokio::test]
async fn streams_tell_values_alarms_and_assets() {
    let (world, mut live) = plant().await;
    let watching = events(&world, "/api/v1/values/stream?asset=p1", None, 3);
    let reporting = async {
        tokio::task::yield_now().await;
        report(&world, &mut live, json!([reading("p1", 81.5)])).await;
    };
    let (told, ()) = tokio::join!(watching, reporting);
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds[0], "asset");
    assert!(kinds.contains(&"value"), "{told:?}");
}

#[tokio::test]
async fn property_values_are_put_as_sitewise_does() {
    let (world, mut live) = plant().await;
    let put = async |entries: Value| {
        let answer = world.tell(Role::Intake, "POST", "/api/v1/properties/batch", &json!({ "entries": entries })).await;
        (answer.status.as_u16(), answer.json())
    };
    let at = |value: Value| json!([{ "value": value, "timestamp": { "timeInSeconds": NOW } }]);
    let alias = |id: &str, value: Value| json!({ "entryId": id, "propertyAlias": "/plant/p1/temperature", "propertyValues": at(value) });
    let (status, answer) = put(json!([alias("a", json!({ "doubleValue": 31.5 }))])).await;
    assert_eq!((status, answer), (200, json!({ "errorEntries": [] })));
    assert!(matches!(live.next().await, Some(LiveItem::Update(_))));
    let shown = world.ask(Role::Viewer, "GET", "/api/v1/assets/p1/properties/temperature").await.json();
    assert_eq!(shown["latest"]["value"], 31.5);
    let by_id = json!({ "entryId": "c", "assetId": "p1", "propertyId": "colour",
        "propertyValues": at(json!({ "stringValue": "red" })) });
    let mut nobody = alias("d", json!({ "doubleValue": 1.5 }));
    nobody["propertyAlias"] = json!("/nobody/x");
    let (_, answer) = put(json!([alias("b", json!({ "stringValue": "warm" })), by_id, nobody])).await;
    let codes: Vec<_> = answer["errorEntries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["entryId"].as_str().unwrap(), entry["errors"][0]["errorCode"].as_str().unwrap()))
        .collect();
    let missing = "ResourceNotFoundException";
    assert_eq!(codes, [("b", "InvalidRequestException"), ("c", missing), ("d", missing)]);
    assert_eq!(world.log.all().len(), 1, "what is refused is not kept");
    assert_eq!(put(json!([])).await.0, 400);
}
