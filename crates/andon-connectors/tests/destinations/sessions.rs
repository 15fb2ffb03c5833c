//! Tokens and cookies.

use andon_act::Target;

use crate::stand::{BASIC, Play, Stand, create, s4, spec, verdict};

const SAP: &str = "[odata]\nsap_client = \"100\"\nsap_language = \"EN\"\n";

#[tokio::test]
async fn a_changing_request_brings_the_token_with_its_cookies() {
    let stand = Stand::with(&format!("{BASIC}{SAP}"), [Play::token("t1"), Play::created(), Play::created()]).await;
    assert_eq!(verdict(&stand.send(&create()).await), "done");
    assert_eq!(verdict(&stand.send(&create()).await), "done");
    let post = "POST /odata/API_X/MaintenanceNotification?sap-client=100&sap-language=EN";
    assert_eq!(stand.lines(), ["HEAD /odata/API_X/?sap-client=100&sap-language=EN", post, post]);
    assert_eq!((stand.seen(0).header("x-csrf-token"), stand.seen(0).header("cookie")), ("Fetch", ""));
    let sent = stand.seen(1);
    assert_eq!(sent.header("x-csrf-token"), "t1");
    assert_eq!(sent.header("cookie"), "sap-usercontext=sap-client=100; SAP_SESSIONID_S4H_100=t1-session");
    assert_eq!(sent.header("authorization"), "Basic QU5ET046b3Blbi1zZXNhbWUtMQ==");
    assert_eq!((sent.header("accept"), sent.header("content-type")), ("application/json", "application/json"));
    assert_eq!(sent.body, "{\"NotificationText\":\"x\"}");
}

/// Plays, the verdict, and the methods that arrived.
async fn check(plays: Vec<Play>, expect: &str, methods: &str) {
    let stand = Stand::new(plays).await;
    let answer = stand.send(&create()).await;
    let arrived: Vec<_> = stand.lines().iter().filter_map(|l| l.split(' ').next().map(str::to_owned)).collect();
    assert_eq!((verdict(&answer).as_str(), arrived.join(" ").as_str()), (expect, methods), "{answer:?}");
}

#[tokio::test]
async fn a_stale_token_is_replaced_once() {
    let (token, required) = (Play::token, Play::token_required);
    check(vec![token("a"), required(), token("b"), Play::created()], "done", "HEAD POST HEAD POST").await;
    check(vec![token("a"), required(), token("b"), required()], "busy AND-4007", "HEAD POST HEAD POST").await;
    check(vec![token("a"), Play::status(403)], "refused AND-4001 403", "HEAD POST").await;
    check(vec![token("a"), Play::status(500)], "lost AND-4003", "HEAD POST").await;
}

#[tokio::test]
async fn what_fails_before_the_token_is_never_lost() {
    let page = || Play::token("a").header("content-type", "text/html").body("<html><title>Logon</title>");
    check(vec![Play::status(405), Play::token("a"), Play::created()], "done", "HEAD GET POST").await;
    check(vec![page(), page()], "refused AND-4006 200", "HEAD GET").await;
    check(vec![Play::status(200), Play::status(200)], "refused AND-4001 0", "HEAD GET").await;
    check(vec![Play::status(401)], "refused AND-4006 401", "HEAD").await;
    check(vec![Play::status(302), Play::status(302)], "refused AND-4001 302", "HEAD GET").await;
    check(vec![Play::status(500), Play::status(500)], "busy AND-4007", "HEAD GET").await;
    check(vec![Play::status(429), Play::status(429)], "busy AND-4007", "HEAD GET").await;
    check(vec![Play::status(403), Play::status(403)], "refused AND-4001 403", "HEAD GET").await;
}

#[tokio::test]
async fn many_requests_share_one_fetch() {
    let plays = std::iter::once(Play::token("a")).chain(std::iter::repeat_n(Play::created(), 8));
    let stand = Stand::new(plays).await;
    let request = create();
    let answers = futures_util::future::join_all((0..8).map(|_| stand.send(&request))).await;
    assert!(answers.iter().all(|answer| verdict(answer) == "done"));
    assert_eq!(stand.lines().iter().filter(|line| line.starts_with("HEAD")).count(), 1);
}

#[tokio::test]
async fn an_unchanged_destination_keeps_its_session() {
    let stand =
        Stand::new([Play::token("a"), Play::created(), Play::created(), Play::token("b"), Play::created()]).await;
    let url = format!("http://{}", stand.address);
    stand.send(&create()).await;
    stand.destinations.replace([spec(&url, "")]);
    stand.send(&create()).await;
    stand.destinations.replace([spec(&url, "max_concurrency = 3\n")]);
    stand.send(&create()).await;
    let methods: Vec<_> = stand.lines().iter().map(|line| line[..4].to_owned()).collect();
    assert_eq!(methods, ["HEAD", "POST", "POST", "HEAD", "POST"]);
    assert_eq!(stand.destinations.limits(&s4()).map(|limits| limits.max_concurrency), Some(3));
    stand.destinations.replace([]);
    assert_eq!(verdict(&stand.send(&create()).await), "refused AND-2002 0");
}
