//! Refusals: their status, code and place.

use andon_journal::Role;
use serde_json::json;

use crate::support::{World, request, token_of};

async fn check(world: &World, call: (&str, &str, &str), expected: (u16, &str, &str)) {
    let (method, path, body) = call;
    let mut request = request(method, path).bearer(token_of(Role::Admin));
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let answer = world.send(request.body(body.to_owned())).await;
    let problem = answer.json();
    let place = problem["place"].as_str().unwrap_or_default();
    let seen = (answer.status.as_u16(), problem["code"].as_str().unwrap(), place);
    assert_eq!(seen, expected, "{method} {path} {body}: {problem}");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_absent() {
    let world = World::start().await;
    for path in [
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/events/99",
        "/api/v1/runs/NONE",
        "/api/v1/quarantine/99",
        "/api/v1/quarantine/99/raw",
        "/api/v1/configuration?revision=99",
        "/api/v1/configuration?revision=-1",
        "/api/v1/configuration/tables/none/history",
        "/api/v1/configuration/chairs/none/history",
    ] {
        check(&world, ("GET", path, ""), (404, "AND-1201", "")).await;
    }
    check(&world, ("DELETE", "/api/v1/tokens/none", ""), (404, "AND-1201", "")).await;
    check(&world, ("DELETE", "/api/v1/secrets/none", ""), (404, "AND-1201", "")).await;
    check(&world, ("POST", "/api/v1/events/99/decide", ""), (404, "AND-1201", "")).await;
    check(&world, ("POST", "/api/v1/quarantine/99/replay", ""), (404, "AND-1201", "")).await;
    check(&world, ("POST", "/api/v1/runs/NONE/release", r#"{"release":"cancel"}"#), (404, "AND-1201", "")).await;
    check(&world, ("POST", "/api/v1/sources/none", "e-1"), (404, "AND-1004", "")).await;
}

#[tokio::test]
async fn malformed_parameters_are_named() {
    let world = World::start().await;
    for path in
        ["/api/v1/events?limit=0", "/api/v1/events?limit=1001", "/api/v1/runs?limit=0", "/api/v1/quarantine?limit=5000"]
    {
        check(&world, ("GET", path, ""), (400, "AND-1202", "")).await;
    }
    for path in [
        "/api/v1/events?limit=many",
        "/api/v1/events?offset=1",
        "/api/v1/runs?status=lost",
        "/api/v1/runs?action=Not+A+Name",
        "/api/v1/configuration?revision=new",
    ] {
        check(&world, ("GET", path, ""), (400, "AND-1202", "query")).await;
    }
    for path in ["/api/v1/events/first", "/api/v1/quarantine/x", "/api/v1/configuration/tables/Bad!/history"] {
        check(&world, ("GET", path, ""), (400, "AND-1202", "path")).await;
    }
    check(&world, ("POST", "/api/v1/destinations/Bad!/test", ""), (400, "AND-1202", "path")).await;
}

#[tokio::test]
async fn malformed_bodies_are_named_with_their_place() {
    let world = World::start().await;
    let release = "/api/v1/runs/NONE/release";
    check(&world, ("POST", release, "{"), (400, "AND-1202", "line 1, column 1")).await;
    check(&world, ("POST", release, "{\n \"release\": 1}"), (400, "AND-1202", "line 2, column 13")).await;
    check(&world, ("POST", release, r#"{"release":"forget"}"#), (400, "AND-1202", "line 1, column 19")).await;
    check(&world, ("POST", release, ""), (415, "AND-1202", "header content-type")).await;
    check(&world, ("POST", "/api/v1/dry-run", "[]"), (400, "AND-1202", "body")).await;
    let apply = "/api/v1/configuration/apply";
    check(&world, ("POST", apply, r#"{"change":[]}"#), (400, "AND-1202", "line 1, column 9")).await;
}

#[tokio::test]
async fn a_route_names_the_methods_that_it_takes() {
    let world = World::start().await;
    let answer = world.ask(Role::Admin, "DELETE", "/api/v1/events").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (405, Some("AND-1202")));
    let mut allowed: Vec<_> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn a_refused_configuration_lists_everything_found() {
    let world = World::start().await;
    let put = |name: &str, text: &str| json!({ "put": { "kind": "destination", "name": name, "text": text } });
    let changes = json!({ "changes": [put("a", "odd"), put("b", "bad")] });
    let answer = world.tell(Role::Admin, "POST", "/api/v1/configuration/apply", &changes).await;
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    assert_eq!((problem["code"].as_str(), problem["place"].as_str()), (Some("AND-2001"), Some("destinations/b.toml")));
    assert_eq!(problem["findings"].as_array().unwrap().len(), 2);
    let checked = world.tell(Role::Operator, "POST", "/api/v1/configuration/check", &changes).await;
    assert_eq!((checked.status.as_u16(), &checked.json()["findings"]), (200, &problem["findings"]));
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/configuration").await.json()["revision"], 0);
}

#[tokio::test]
async fn a_dead_journal_asks_to_come_back() {
    let world = World::start().await;
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/runs").await.status, 200);
    let _next_process = world.journal.crash();
    for (role, method, path) in [
        (Role::Viewer, "GET", "/api/v1/runs"),
        (Role::Viewer, "GET", "/api/v1/status"),
        (Role::Viewer, "GET", "/api/v1/configuration"),
        (Role::Admin, "GET", "/api/v1/secrets"),
    ] {
        let answer = world.ask(role, method, path).await;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (503, Some("AND-5001")), "{path}");
    }
    let delivery = request("POST", "/api/v1/events").bearer(token_of(Role::Intake)).body("e-1");
    assert_eq!(world.send(delivery).await.status, 503);
    assert_eq!(world.ask(Role::Viewer, "GET", "/metrics").await.status, 200);
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_page() {
    let world = World::start().await;
    let problem = world.send(request("GET", "/api/v1/events").empty()).await.json();
    let link = problem["type"].as_str().unwrap();
    let page = async |path: &str, accept: &str| world.send(request("GET", path).header("accept", accept).empty()).await;
    let markdown = page(link, "*/*").await;
    assert_eq!((markdown.status.as_u16(), markdown.header("content-type")), (200, "text/markdown; charset=utf-8"));
    assert!(String::from_utf8_lossy(&markdown.body).starts_with("# AND-1101: "));
    assert_eq!(page(&format!("{link}.md"), "*/*").await.body, markdown.body);
    let html = page(link, "text/html,*/*;q=0.8").await;
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert!(String::from_utf8_lossy(&html.body).contains("<title>AND-1101</title>"));
    check(&world, ("GET", "/errors/AND-9999", ""), (404, "AND-1201", "")).await;
}
