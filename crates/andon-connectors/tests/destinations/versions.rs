//! Changes that read the version of their entity first.

use andon_act::{Answer, IfMatch, Request, StepKind};

use crate::stand::{Play, Stand, create, post, problem, verdict};

fn patch() -> Request {
    let path = "/odata/API_X/MaintenanceNotification('1')".into();
    Request { method: "PATCH".into(), path, if_match: Some(IfMatch::Read), ..create() }
}

fn entity(tag: &str) -> Play {
    let body = r#"{"d":{"LastChangedByUser":"MEIER","LastChangeDateTime":"/Date(1770112800000+0000)/"}}"#;
    Play::status(200).header("etag", tag).body(body)
}

/// Plays, the verdict, and what arrived as `METHOD[if-match]`.
async fn check(request: &Request, plays: Vec<Play>, expect: &str, arrived: &str) -> Answer {
    let stand = Stand::new(plays).await;
    let answer = stand.send(request).await;
    let lines = stand.lines();
    let one = |(at, line): (usize, &String)| {
        let method = line.split(' ').next().unwrap_or_default().to_owned();
        let tag = stand.seen(at).header("if-match").to_owned();
        if tag.is_empty() { method } else { format!("{method}[{tag}]") }
    };
    let found = lines.iter().enumerate().map(one).collect::<Vec<_>>().join(" ");
    assert_eq!((verdict(&answer).as_str(), found.as_str()), (expect, arrived), "{answer:?}");
    answer
}

#[tokio::test]
async fn the_version_is_read_and_sent() {
    let (token, stale) = (|| Play::token("a"), || Play::status(412));
    let tag = "W/\"datetimeoffset'2023-06-27T08%3A12%3A33Z'\"";
    check(&patch(), vec![entity(tag), token(), Play::status(204)], "done", &format!("GET HEAD PATCH[{tag}]")).await;
    let in_body = Play::status(200).body(r#"{"@odata.etag":"W/\"7\""}"#);
    let v4 = Request { kind: StepKind::OdataV4, ..patch() };
    check(&v4, vec![in_body, token(), Play::status(200)], "done", "GET HEAD PATCH[W/\"7\"]").await;
    let again = vec![entity("1"), token(), stale(), entity("2"), Play::status(204)];
    check(&patch(), again, "done", "GET HEAD PATCH[1] GET PATCH[2]").await;
    let missing = vec![entity("1"), token(), Play::status(428), entity("1"), Play::status(204)];
    check(&patch(), missing, "done", "GET HEAD PATCH[1] GET PATCH[1]").await;
    let plain = Request { method: "PUT".into(), if_match: Some(IfMatch::Read), ..post() };
    check(&plain, vec![entity("1"), Play::status(200)], "done", "GET PUT[1]").await;
}

#[tokio::test]
async fn who_was_faster_twice_is_told() {
    let stale = || Play::status(412).body(r#"{"error":{"code":"P/1","message":{"value":"changed"}}}"#);
    let plays = vec![entity("1"), Play::token("a"), stale(), entity("2"), stale(), entity("3")];
    let answer = check(&patch(), plays, "refused AND-4001 412", "GET HEAD PATCH[1] GET PATCH[2]").await;
    let told = problem(&answer);
    assert!(told.contains("HTTP 412: P/1 changed. The entity was read twice"), "{told}");
    assert!(told.ends_with("last changed by MEIER at 2026-02-03T10:00:00Z"), "{told}");
}

#[tokio::test]
async fn what_fails_while_reading_is_never_lost() {
    check(&patch(), vec![Play::status(500)], "busy AND-4007", "GET").await;
    check(&patch(), vec![Play::status(404)], "refused AND-4001 404", "GET").await;
    check(&patch(), vec![Play::status(401)], "refused AND-4006 401", "GET").await;
    check(&patch(), vec![Play::status(200).body("{}")], "refused AND-4001 200", "GET").await;
    let plays = vec![entity("1"), Play::token("a"), Play::status(412), Play::status(503)];
    check(&patch(), plays, "busy AND-4007", "GET HEAD PATCH[1] GET").await;
    let plays = vec![entity("1"), Play::token("a"), Play::status(423)];
    check(&patch(), plays, "busy AND-4007", "GET HEAD PATCH[1]").await;
    let plays = vec![entity("1"), Play::token("a"), Play::status(500)];
    check(&patch(), plays, "lost AND-4003", "GET HEAD PATCH[1]").await;
}

#[tokio::test]
async fn headers_of_the_change_are_not_those_of_the_read() {
    let stand = Stand::new([entity("1"), Play::status(204)]).await;
    let headers = [("X-Group", "a"), ("Prefer", "return=minimal"), ("If-None-Match", "x")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let request = Request { csrf: false, headers, ..patch() };
    assert_eq!(verdict(&stand.send(&request).await), "done");
    let read = stand.seen(0);
    assert_eq!([read.header("x-group"), read.header("prefer"), read.header("if-none-match")], ["a", "", ""]);
    assert_eq!(stand.seen(1).header("prefer"), "return=minimal");
}
