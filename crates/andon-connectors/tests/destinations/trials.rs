//! `destinations test`.

use andon_act::Target;

use crate::oauth::{client, token};
use crate::stand::{BASIC, Play, Stand, destinations, s4};

/// Lines as `what ok|no`.
async fn check(options: &str, plays: Vec<Play>, expect: &[&str]) {
    let stand = Stand::with(options, plays).await;
    let lines = stand.destinations.test(&s4()).await;
    let short: Vec<_> = lines.iter().map(|l| format!("{} {}", l.what, if l.ok { "ok" } else { "no" })).collect();
    assert_eq!(short, expect, "{lines:?}");
}

#[tokio::test]
async fn every_line_says_what_was_tried() {
    let odata = &format!("{BASIC}[odata]\ncsrf_service_document = \"/odata/API_X/\"\n");
    let ok = || Play::status(200);
    check(odata, vec![ok(), Play::token("a")], &["address ok", "connection ok", "credentials ok", "csrf token ok"])
        .await;
    check(odata, vec![Play::status(401)], &["address ok", "connection ok", "credentials no"]).await;
    let page = ok().header("content-type", "text/html").body("<html>");
    check(BASIC, vec![page], &["address ok", "connection ok", "credentials no"]).await;
    check("", vec![Play::status(404)], &["address ok", "connection ok", "credentials ok"]).await;
    let missing = "[auth]\nkind = \"basic\"\nuser = \"A\"\npassword = { env = \"ANDON_TEST_NOWHERE\" }\n";
    check(missing, vec![], &["address ok", "credentials no"]).await;
}

#[tokio::test]
async fn a_refused_password_is_tried_once() {
    let odata = format!("{BASIC}[odata]\ncsrf_service_document = \"/odata/API_X/\"\n");
    let stand = Stand::with(&odata, [Play::status(401), Play::status(401)]).await;
    let lines = stand.destinations.test(&s4()).await;
    assert_eq!(stand.lines().len(), 1, "SAP locks users for less: {lines:?}");
    assert!(lines.iter().any(|line| line.detail == "not accepted: check user and password"), "{lines:?}");
}

#[tokio::test]
async fn a_proxy_that_is_away_is_named() {
    let destinations = destinations("http://127.0.0.1:9", "[proxy]\nurl = \"http://127.0.0.1:9\"\n").await;
    let lines = destinations.test(&s4()).await;
    assert!(lines.iter().any(|line| line.detail.starts_with("through the proxy http://127.0.0.1:9/: ")), "{lines:?}");
}

#[tokio::test]
async fn an_address_without_a_server_is_told() {
    let destinations = destinations("http://127.0.0.1:9", "").await;
    let lines = destinations.test(&s4()).await;
    assert!(lines.iter().any(|line| line.what == "connection" && !line.ok), "{lines:?}");
}

#[tokio::test]
async fn the_token_has_its_own_line() {
    let service = Stand::new([token("t", 60), Play::status(401)]).await;
    let options = client(&service.address);
    let all = ["address ok", "token ok", "connection ok", "credentials ok"];
    check(&options, vec![Play::status(200)], &all).await;
    check(&options, vec![], &["address ok", "token no"]).await;
}
