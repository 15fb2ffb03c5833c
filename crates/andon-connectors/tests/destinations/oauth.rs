//! Access tokens: asked for, kept, renewed, and never seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use andon_act::{Answer, Target};
use andon_connectors::Destinations;
use andon_model::{Clock, Timestamp};

use crate::stand::{Play, Stand, post, problem, s4, secrets, spec, verdict};

/// What a token service answers.
pub(crate) fn token(token: &str, seconds: u64) -> Play {
    Play::status(200).body(&format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":{seconds}}}"#))
}

/// Client credentials at a token service.
pub(crate) fn client(address: &str) -> String {
    format!(
        "[auth]\nkind = \"oauth2-client-credentials\"\ntoken_url = \"http://{address}/oauth/token\"\n\
         client_id = \"sb-andon!b1\"\nclient_secret = {{ secret = \"password\" }}\n"
    )
}

fn status(codes: &[u16]) -> Vec<Play> {
    codes.iter().map(|code| Play::status(*code)).collect()
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_sent_with_every_request() {
    let service = Stand::new([token("token-one-1", 3_600)]).await;
    let more = "scope = \"a b\"\nparameters = { resource = \"urn:x\" }\n";
    let stand = Stand::with(&format!("{}{more}", client(&service.address)), status(&[201, 201])).await;
    assert_eq!(verdict(&stand.send(&post()).await), "done");
    assert_eq!(verdict(&stand.send(&post()).await), "done");
    assert_eq!(service.lines(), ["POST /oauth/token"]);
    let asked = service.seen(0);
    let form = "grant_type=client_credentials&client_id=sb-andon%21b1&client_secret=open-sesame-1&scope=a%20b";
    assert_eq!(asked.body, format!("{form}&resource=urn%3Ax"));
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(stand.seen(1).header("authorization"), "Bearer token-one-1");
}

#[tokio::test]
async fn clients_and_users_prove_themselves_as_configured() {
    let service = Stand::new([token("a", 60), token("b", 60)]).await;
    let basic = format!("{}client_auth = \"basic\"\n", client(&service.address));
    Stand::with(&basic, status(&[201])).await.send(&post()).await;
    let asked = service.seen(0);
    assert_eq!(asked.body, "grant_type=client_credentials");
    assert_eq!(asked.header("authorization"), "Basic c2ItYW5kb24lMjFiMTpvcGVuLXNlc2FtZS0x");
    let user = client(&service.address).replace("client-credentials", "password");
    let user = format!("{user}user = \"ANDON\"\npassword = {{ secret = \"key\" }}\n");
    let stand = Stand::with(&user, status(&[201])).await;
    assert_eq!(verdict(&stand.send(&post()).await), "done");
    let form = "client_id=sb-andon%21b1&client_secret=open-sesame-1&grant_type=password";
    assert_eq!(service.seen(1).body, format!("{form}&username=ANDON&password=hub-key-0815"));
}

/// Tokens in turn, answers of the destination in turn; the verdict, and how often each was called.
async fn check(tokens: &[&str], answers: &[u16], expect: &str, calls: (usize, usize)) {
    let service = Stand::new(tokens.iter().map(|name| token(name, 3_600))).await;
    let stand = Stand::with(&client(&service.address), status(answers)).await;
    let found = stand.send(&post()).await;
    assert_eq!(verdict(&found), expect, "{found:?}");
    assert_eq!((service.lines().len(), stand.lines().len()), calls, "for {tokens:?} {answers:?}");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_sent_once_more() {
    check(&["one", "two"], &[401, 201], "done", (2, 2)).await;
    check(&["one", "two", "three"], &[401, 401, 201], "refused AND-4006 401", (2, 2)).await;
    check(&["one", "one"], &[401, 201], "refused AND-4006 401", (2, 1)).await;
    check(&["one", "two"], &[500, 201], "lost AND-4003", (1, 1)).await;
    check(&["one", "two"], &[403, 201], "refused AND-4001 403", (1, 1)).await;
    check(&["one"], &[401, 201], "busy AND-4007", (2, 1)).await;
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_twice() {
    let stand = Stand::with(crate::stand::BASIC, status(&[401, 401])).await;
    assert_eq!(verdict(&stand.send(&post()).await), "refused AND-4006 401");
    assert_eq!(stand.lines().len(), 1);
}

#[tokio::test]
async fn many_requests_share_one_token() {
    let service = Stand::new([token("one", 3_600), token("two", 3_600)]).await;
    let answers: Vec<u16> = [vec![401; 8], vec![201; 8]].concat();
    let stand = Stand::with(&client(&service.address), status(&answers)).await;
    let request = post();
    let found = futures_util::future::join_all((0..8).map(|_| stand.send(&request))).await;
    assert!(found.iter().all(|answer| verdict(answer) == "done" || verdict(answer).starts_with("refused AND-4006")));
    assert_eq!(service.lines().len(), 2);
}

/// What the token service plays, and what comes of it; the destination must not be called.
async fn check_service(play: Play, expect: &str, words: &str) {
    let service = Stand::new([play]).await;
    let stand = Stand::with(&client(&service.address), status(&[201])).await;
    let found = stand.send(&post()).await;
    assert_eq!(verdict(&found), expect, "{found:?}");
    assert!(problem(&found).contains(words), "{found:?}");
    assert!(!problem(&found).contains("open-sesame"), "{found:?}");
    assert_eq!(stand.lines().len(), 0);
}

#[tokio::test]
async fn a_token_service_that_fails_is_told_and_nothing_is_sent() {
    let refusal = r#"{"error":"invalid_client","error_description":"open-sesame-1 is wrong"}"#;
    let told = "HTTP 401 invalid_client: [secret] is wrong";
    check_service(Play::status(401).body(refusal), "refused AND-4009 0", told).await;
    check_service(Play::status(400), "refused AND-4009 0", "HTTP 400").await;
    check_service(Play::status(302), "refused AND-4009 0", "HTTP 302").await;
    check_service(Play::status(503).body("<html>"), "busy AND-4007", "HTTP 503").await;
    check_service(Play::status(429), "busy AND-4007", "HTTP 429").await;
    check_service(Play::status(404).body("{}"), "refused AND-4009 0", "HTTP 404").await;
    let unrouted = Play::status(404).header("x-cf-routererror", "unknown_route");
    check_service(unrouted, "busy AND-4007", "HTTP 404").await;
    check_service(Play::status(200).body("<html>"), "busy AND-4007", "logon or maintenance page").await;
    check_service(Play::status(200), "busy AND-4007", "no JSON object").await;
    check_service(Play::status(200).body("{\"access_to"), "busy AND-4007", "no JSON object").await;
    let error = r#"{"error":"unauthorized_client","error_description":"open-sesame-1?"}"#;
    check_service(Play::status(200).body(error), "refused AND-4009 0", "unauthorized_client: [secret]?").await;
    let passing = r#"{"error":"temporarily_unavailable"}"#;
    check_service(Play::status(200).body(passing), "busy AND-4007", "temporarily_unavailable").await;
    let odd = r#"{"access_token":"x","token_type":"mac"}"#;
    check_service(Play::status(200).body(odd), "refused AND-4009 0", "holds no bearer token").await;
    for bearer in ["", "line\\nbreak-in-it", "two words", "schl\u{fc}ssel", &"x".repeat(70_000)] {
        check_service(token(bearer, 60), "refused AND-4009 0", "holds no bearer token").await;
    }
    check_service(Play::status(200).body(&"x".repeat(600_000)), "busy AND-4002", "longer than").await;
}

#[tokio::test]
async fn a_secret_never_follows_a_redirection() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Stand::new([token("stolen-token", 60)]).await;
        let there = format!("http://{}/oauth/token", elsewhere.address);
        check_service(Play::status(status).header("location", &there), "refused AND-4009 0", "HTTP 30").await;
        assert_eq!(elsewhere.lines().len(), 0);
    }
}

/// How often a token is asked for when two requests go out, by what the answer says of its life.
async fn check_life(member: &str, expect: usize) {
    let body = format!(r#"{{"access_token":"t1","token_type":"bearer"{member}}}"#);
    let service = Stand::new([Play::status(200).body(&body), Play::status(200).body(&body)]).await;
    let stand = Stand::with(&client(&service.address), status(&[201, 201])).await;
    for _ in 0..2 {
        assert_eq!(verdict(&stand.send(&post()).await), "done", "for {member}");
    }
    assert_eq!(service.lines().len(), expect, "for {member}");
}

#[tokio::test]
async fn a_life_that_makes_no_sense_costs_no_document() {
    for over in [r#","expires_in":0"#, r#","expires_in":-1"#, r#","expires_in":"-86400""#] {
        check_life(over, 2).await;
    }
    for good in ["", r#","expires_in":null"#, r#","expires_in":"soon""#, r#","expires_in":1e300"#] {
        check_life(good, 1).await;
    }
    check_life(r#","expires_in":99999999999999999999999999"#, 1).await;
    check_life(r#","expires_in":[true]"#, 1).await;
}

#[tokio::test]
async fn a_token_that_ends_while_no_other_can_be_had_makes_the_request_wait() {
    let plays = [token("one", 3_600), Play::status(200).body("<html>maintenance"), token("two", 3_600)];
    let service = Stand::new(plays).await;
    let stand = Stand::with(&client(&service.address), status(&[401, 201])).await;
    let found = stand.send(&post()).await;
    assert_eq!(verdict(&found), "busy AND-4007", "{found:?}");
    assert_eq!(verdict(&stand.send(&post()).await), "done");
    assert_eq!(stand.seen(1).header("authorization"), "Bearer two");
    assert_eq!((service.lines().len(), stand.lines().len()), (3, 2));
}

#[tokio::test]
async fn a_token_service_that_is_silent_costs_no_more_than_its_timeout() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = silent.local_addr().expect("address").to_string();
    let stand = Stand::with(&format!("timeout = \"100ms\"\n{}", client(&address)), status(&[201])).await;
    assert_eq!(verdict(&stand.send(&post()).await), "busy AND-4002");
    let stand = Stand::with(&client(&address), status(&[201])).await;
    let impatient = andon_act::Request { timeout_ms: 50, ..post() };
    assert_eq!(verdict(&stand.send(&impatient).await), "busy AND-4002");
    assert_eq!(stand.lines().len(), 0);
}

/// A clock that stands where it is put, in seconds.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed) * 1_000_000)
    }
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let service = Stand::new([token("one", 100), token("two", 100), Play::status(503), token("four", 100)]).await;
    let stand = Stand::new(status(&[201; 9])).await;
    let hands = Arc::new(Hands::default());
    let store = secrets().await;
    let destinations = Destinations::new(store.clone(), store, hands.clone());
    destinations.replace([spec(&format!("http://{}", stand.address), &client(&service.address))]);
    let sent = async |at: i64| {
        hands.0.store(at, Ordering::Relaxed);
        let answer = destinations.send(&s4(), &post()).await;
        let last = stand.lines().len() - 1;
        format!("{} {}", verdict(&answer), stand.seen(last).header("authorization"))
    };
    assert_eq!(sent(0).await, "done Bearer one");
    assert_eq!(sent(89).await, "done Bearer one");
    assert_eq!(sent(91).await, "done Bearer two");
    assert_eq!(sent(185).await, "done Bearer two", "due, but the service is busy and the token still good");
    assert_eq!(sent(192).await, "done Bearer four");
}

#[tokio::test]
async fn neither_token_nor_secret_comes_back_in_an_answer() {
    let service = Stand::new([token("token-4711-abc", 3_600)]).await;
    let echo = r#"{"you":"Bearer token-4711-abc","me":"ok"}"#;
    let plays = [Play::status(400).body(echo), Play::status(200).body(echo)];
    let stand = Stand::with(&client(&service.address), plays).await;
    let refused = stand.send(&post()).await;
    assert!(!format!("{refused:?}").contains("token-4711"), "{refused:?}");
    let Answer::Done(response) = stand.send(&post()).await else { panic!("done expected") };
    assert_eq!(response.body["you"], "Bearer [secret]");
}
