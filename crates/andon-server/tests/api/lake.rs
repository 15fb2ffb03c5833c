//! Readings over HTTP, SQL, saved queries, history, and whether every reading is accounted for.

use andon_journal::{Role, SqlFormat};
use http::header::ACCEPT;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{World, request, token_of};

const EMPTY: &str = r#"{"columns":[],"rows":[],"truncated":false}"#;

#[tokio::test]
async fn readings_are_kept_all_or_none() {
    let world = World::start().await;
    let report = async |content_type: &str, body: &str| {
        let post = request("POST", "/api/v1/readings").bearer(token_of(Role::Intake));
        let answer = world.send(post.header("content-type", content_type).body(body.to_owned())).await;
        (answer.status.as_u16(), answer.json())
    };
    let lines = "{\"device\":\"d1\",\"payload\":{\"t\":1}}\n{\"device\":\"d2\",\"topic\":\"a/b\",\"payload\":2}\n";
    assert_eq!(report("application/x-ndjson", lines).await, (202, json!({ "first": 1, "count": 2 })));
    let with_time = r#"[{"device":"d1","ts":"2023-11-14T00:00:00Z","payload":{}}]"#;
    assert_eq!(report("application/json", with_time).await, (202, json!({ "first": 3, "count": 1 })));
    let kept: Vec<_> =
        world.log.all().iter().map(|r| (r.topic.to_string(), String::from_utf8(r.payload.clone()).unwrap())).collect();
    let expect = [("data/d1", "{\"t\":1}"), ("a/b", "2"), ("data/d1", "{\"ts\":\"2023-11-14T00:00:00Z\"}")];
    assert_eq!(kept, expect.map(|(topic, payload)| (topic.to_owned(), payload.to_owned())));
    let (status, problem) = report("application/x-ndjson", "{\"device\":\"d1\",\"payload\":1}\n{").await;
    assert_eq!((status, &problem["place"]), (400, &json!("line 2")));
    assert_eq!(report("text/plain", lines).await.0, 415);
    assert_eq!(report("application/json", "[]").await, (202, json!({ "count": 0 })));
    assert_eq!(report("application/json", r#"{"device":"full","payload":1}"#).await.0, 503);
    assert_eq!(world.log.all().len(), 3, "what is refused is not kept");
}

#[tokio::test]
async fn a_claim_speaks_for_no_device() {
    let world = World::start().await;
    let wish = json!({ "id": "gateway", "grants": ["client_credentials"], "scopes": "andon/claim" });
    let client = world.tell(Role::Admin, "POST", "/api/v1/oauth/clients", &wish).await.json();
    let form = format!(
        "grant_type=client_credentials&client_id=gateway&client_secret={}",
        client["client_secret"].as_str().unwrap()
    );
    let post = request("POST", "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
    let token = world.send(post.body(form)).await.json()["access_token"].as_str().unwrap().to_owned();
    let report = async |device: &str| {
        let reading = json!({ "device": device, "payload": 1 });
        world.send(request("POST", "/api/v1/readings").bearer(&token).json(&reading)).await.status.as_u16()
    };
    let claim = json!({ "allow": ["pump-*"] });
    assert_eq!(world.tell(Role::Admin, "PUT", "/api/v1/device-rules/claims/gateway", &claim).await.status, 200);
    assert_eq!(report("pump-01").await, 403, "its secret is in every device that is still to be onboarded");
}

#[tokio::test]
async fn queries_are_answered_in_the_format_that_is_accepted() {
    let world = World::start().await;
    world.lake.answers("a,b\n1,2\n");
    let ask = async |accept: &str, body: Value| {
        let post = request("POST", "/api/v1/sql").bearer(token_of(Role::Viewer));
        world.send(post.header(ACCEPT.as_str(), accept).json(&body)).await
    };
    let answer = ask("text/csv", json!({ "query": "SELECT 1", "limit": 5, "as_of": "2026-01-01T00:00:00Z" })).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"a,b\n1,2\n"[..]));
    assert!(answer.header("content-type").starts_with("text/csv"));
    let asked = world.lake.asked();
    assert_eq!((asked.text.as_str(), asked.rows, asked.format), ("SELECT 1", Some(5), SqlFormat::Csv));
    assert!(asked.as_of.is_some() && !asked.caller.is_empty());
    let wrong = ask("", json!({ "query": "SELECT wrong" })).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["code"]), (400, &json!("AND-1301")));
    assert_eq!(ask("image/png", json!({ "query": "SELECT 1" })).await.status, 406);
    assert_eq!(ask("", json!({ "query": "SELECT 1", "as_of": "yesterday" })).await.status, 400);
    assert_eq!(ask("", json!({ "sql": "SELECT 1" })).await.status, 400);
    let late = ask("", json!({ "query": "SELECT forever", "timeout": 0 })).await;
    assert_eq!((late.status.as_u16(), &late.json()["code"]), (422, &json!("AND-1302")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_whole() {
    let world = World::start().await;
    world.lake.answers(EMPTY);
    let post = request("POST", "/api/v1/sql").bearer(token_of(Role::Viewer)).json(&json!({ "query": "SELECT broken" }));
    let answer = world.router.clone().oneshot(post).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(axum::body::to_bytes(answer.into_body(), usize::MAX).await.is_err());
}

const HOT: &str = "title = \"Hot presses\"\nchart = \"line\"\nx = \"ts\"\ny = \"t\"\n\
    sql = \"SELECT ts, t FROM readings WHERE device = :device AND ts > :since\"\n\
    [parameters.device]\n[parameters.since]\ntype = \"time\"\ndefault = \"48h\"\n";

#[tokio::test]
async fn saved_queries_are_configuration() {
    let world = World::start().await;
    let apply = async |text: &str| {
        let change = json!({ "changes": [{ "put": { "kind": "query", "name": "hot", "text": text } }] });
        world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &change).await.status.as_u16()
    };
    assert_eq!(apply(HOT).await, 200);
    let listed = world.ask(Role::Viewer, "GET", "/api/v1/queries").await.json();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["chart"], &listed[0]["y"]),
        (&json!("hot"), &json!("line"), &json!(["t"]))
    );
    world.lake.answers(r#"{"columns":[{"name":"t","type":"Float64"}],"rows":[{"t":1.5}],"truncated":false}"#);
    let data = world.ask(Role::Viewer, "GET", "/api/v1/queries/hot/data?device=p%271").await;
    assert_eq!((data.status.as_u16(), &data.json()["data"]["rows"]), (200, &json!([{ "t": 1.5 }])));
    let text = world.lake.asked().text;
    assert!(text.contains("device = 'p''1' AND ts > to_timestamp_micros(1699827200000000)"), "{text}");
    for (path, status) in [("hot/data", 400), ("hot/data?device=a&colour=red", 400), ("cold/data", 404)] {
        let answer = world.ask(Role::Viewer, "GET", &format!("/api/v1/queries/{path}")).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn history_comes_from_the_lake() {
    let world = World::start().await;
    let path = "/api/v1/assets/p1/properties/t";
    let get = async |query: &str| world.ask(Role::Viewer, "GET", &format!("{path}/{query}")).await;
    world.lake.answers(
        r#"{"columns":[],"rows":[{"micros":1700000000000000,"quality":"GOOD","value_double":1.5},
        {"micros":1700000001000000,"quality":"GOOD","value_double":2.5}],"truncated":false}"#,
    );
    let history = get("history?limit=1&from=2023-11-14T00:00:00Z").await.json();
    let expect = json!({ "values": [{ "ts": "2023-11-14T22:13:20Z", "value": 1.5, "quality": "GOOD" }],
        "next": "2023-11-14T22:13:21Z" });
    assert_eq!(history, expect);
    world.lake.answers(r#"{"columns":[],"rows":[{"micros":1700000000000000,"count":2,"avg":1.5}],"truncated":false}"#);
    let windows = get("aggregates?window=15m").await.json();
    assert_eq!(windows["windows"][0], json!({ "from": "2023-11-14T22:13:20Z", "count": 2, "avg": 1.5 }));
    assert!(world.lake.asked().text.contains("/ 900000000 * 900000000"));
    world.lake.answers(EMPTY);
    for (query, status) in [
        ("history", 404),
        ("history?window=1h", 400),
        ("history?from=soon", 400),
        ("history?limit=0", 400),
        ("aggregates?window=0s", 400),
        ("aggregates?window=x", 400),
    ] {
        assert_eq!(get(query).await.status.as_u16(), status, "{query}");
    }
}

#[tokio::test]
async fn every_reading_is_accounted_for() {
    let world = World::with_readings().await;
    let readings: Vec<_> = ["d1", "d1", "d1", "d2"].map(|device| json!({ "device": device, "payload": 1 })).into();
    world.tell(Role::Intake, "POST", "/api/v1/readings", &json!(readings)).await;
    world.clock.advance(7);
    let lake = world.ask(Role::Viewer, "GET", "/api/v1/lake").await.json();
    let seen = ["in_flight", "drift", "behind_seconds", "readings", "quarantined"].map(|name| lake[name].clone());
    // The third of a batch is received two microseconds after the first.
    assert_eq!(seen, [json!(2), json!(0), json!(6.999_998), json!(1), json!(1)]);
    assert_eq!(lake["tables"][0]["name"], "readings");
    let page = world.ask(Role::Viewer, "GET", "/api/v1/lake/devices").await.json();
    let row = |device: &str, received: u64, rows: (u64, u64), in_flight: u64| {
        json!({ "device": device, "received": received, "readings": rows.0, "quarantined": rows.1,
            "in_flight": in_flight, "drift": 0 })
    };
    assert_eq!(page, json!({ "counted": true, "devices": [row("d1", 3, (1, 1), 1), row("d2", 1, (0, 0), 1)] }));
    let compacted = world.ask(Role::Operator, "POST", "/api/v1/lake/compact").await.json();
    assert_eq!(compacted["tables"][0]["files_added"], 1);
    assert_eq!(world.ask(Role::Operator, "POST", "/api/v1/lake/vacuum").await.json(), json!({ "tables": [] }));
    assert_eq!(world.ask(Role::Admin, "POST", "/api/v1/lake/rebuild").await.status, 202);
}

#[tokio::test]
async fn a_server_without_a_lake_says_so() {
    let world = World::without_lake().await;
    for (method, path) in [("GET", "/api/v1/lake"), ("POST", "/api/v1/lake/compact")] {
        let answer = world.ask(Role::Admin, method, path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("AND-5008")), "{path}");
    }
}
