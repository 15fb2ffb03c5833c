//! What comes back, and what it means.

use andon_act::{Answer, Found, ProbeQuery, Request, StepKind, Target};
use andon_model::{Key, Name};

use crate::stand::{BASIC, Play, Stand, create, destinations, post, problem, raw, s4, verdict};

async fn sent_to(url: &str, request: &Request) -> Answer {
    destinations(url, "").await.send(&s4(), request).await
}

#[tokio::test]
async fn broken_connections_are_lost_and_missing_ones_are_busy() {
    let half = "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"d\":";
    for (answer, expect) in [
        (Some(""), "lost AND-4003"),
        (Some("HTTP/1.1 201 Cre"), "lost AND-4003"),
        (Some(half), "lost AND-4003"),
        (Some("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"), "done"),
        (Some("HTTP/1.1 400 Bad\r\ncontent-length: 99\r\n\r\n{}"), "refused AND-4001 400"),
    ] {
        let found = sent_to(&raw(answer).await, &post()).await;
        assert_eq!(verdict(&found), expect, "for {answer:?}: {found:?}");
    }
    let impatient = Request { timeout_ms: 50, ..post() };
    assert_eq!(verdict(&sent_to(&raw(None).await, &impatient).await), "lost AND-4003");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port").local_addr().expect("address");
    assert_eq!(verdict(&sent_to(&format!("http://{closed}"), &post()).await), "busy AND-4002");
    assert_eq!(verdict(&sent_to(&format!("http://{closed}"), &create()).await), "busy AND-4002");
}

#[tokio::test]
async fn errors_are_told_in_the_words_of_the_application() {
    let body =
        r#"{"error":{"code":"IM/310","message":{"value":"Plant 9 is unknown"},"innererror":{"transactionid":"4711"}}}"#;
    let stand = Stand::new([Play::status(400).body(body)]).await;
    let answer = stand.send(&post()).await;
    assert_eq!(
        problem(&answer),
        "AND-4001: the destination refused the request (s4 POST /odata/API_X/MaintenanceNotification): \
         HTTP 400: IM/310 Plant 9 is unknown (transaction id 4711)"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let stand = Stand::new([Play::status(307).header("location", "/elsewhere")]).await;
    assert_eq!(verdict(&stand.send(&post()).await), "refused AND-4001 307");
    assert_eq!(stand.lines().len(), 1);
}

#[tokio::test]
async fn an_answer_over_the_limit_counts_without_its_body() {
    let stand = Stand::with("max_response_bytes = 1024\n", [Play::status(201).body(&"x".repeat(2_000))]).await;
    let Answer::Done(response) = stand.send(&post()).await else { panic!("done expected") };
    assert!(response.body.is_null());
    assert_eq!(response.warnings, ["the answer is longer than 1024 bytes and was not kept"]);
}

#[tokio::test]
async fn credentials_never_come_back() {
    let echo = "your header was Basic QU5ET046b3Blbi1zZXNhbWUtMQ== for open-sesame-1";
    let stand = Stand::with(BASIC, [Play::status(400).body(echo), Play::status(200).body(echo)]).await;
    for answer in [stand.send(&post()).await, stand.send(&post()).await] {
        let text = format!("{answer:?}");
        assert!(!text.contains("QU5ET046") && !text.contains("open-sesame-1"), "{text}");
        assert!(text.contains("your header was Basic [secret] for [secret]"), "{text}");
    }
}

#[tokio::test]
async fn credentials_do_not_come_back_in_pieces_or_headers() {
    let cut = format!("{}open-sesame-1", "x".repeat(492));
    let plays = [
        Play::status(400).body(&cut),
        Play::status(201).header("location", "/x?p=open%2Dsesame-1").header("etag", "W/\"open-sesame-1\""),
        Play::status(200).header("sap-message", r#"{"code":"A/1","message":"open\u002dsesame-1"}"#),
    ];
    let stand = Stand::with(BASIC, plays).await;
    for _ in 0..3 {
        let text = format!("{:?}", stand.send(&post()).await);
        assert!(text.contains("[secret]") && !text.contains("open") && !text.contains("sesame"), "{text}");
    }
}

#[tokio::test]
async fn api_keys_and_own_headers_are_sent() {
    let options = "headers = { x-channel = \"andon\" }\nquery = { tenant = \"a b\" }\n[auth]\nkind = \"api-key\"\n\
                   header = \"APIKey\"\nvalue = { secret = \"key\" }\n";
    let stand = Stand::with(options, [Play::status(204)]).await;
    let request = Request { headers: vec![("If-Match".into(), "W/\"1\"".into())], ..post() };
    assert_eq!(verdict(&stand.send(&request).await), "done");
    let sent = stand.seen(0);
    let headers = ["apikey", "x-channel", "if-match"].map(|name| sent.header(name));
    assert_eq!(headers, ["hub-key-0815", "andon", "W/\"1\""]);
    assert_eq!(sent.line, "POST /odata/API_X/MaintenanceNotification?tenant=a%20b");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_named() {
    let stand = Stand::with("[auth]\nkind = \"basic\"\nuser = \"A\"\npassword = { secret = \"none\" }\n", []).await;
    assert_eq!(verdict(&stand.send(&post()).await), "refused AND-4008 0");
    let stand = Stand::new([]).await;
    let unknown = Name::new("other").expect("name");
    assert_eq!(verdict(&stand.destinations.send(&unknown, &post()).await), "refused AND-2002 0");
    for request in [
        Request { path: "/a/../../b".into(), ..post() },
        Request { headers: vec![("x".into(), "a\nb".into())], ..post() },
        Request { method: "PO ST".into(), ..post() },
    ] {
        assert_eq!(verdict(&stand.send(&request).await), "refused AND-3003 0");
    }
    assert!(stand.lines().is_empty());
}

#[tokio::test]
async fn repeatable_requests_need_the_destination_to_say_so() {
    let request = Request { repeatable_since: Some("2026-02-03T10:00:00Z".parse().expect("time")), ..post() };
    let stand = Stand::new([]).await;
    assert_eq!(verdict(&stand.send(&request).await), "refused AND-2007 0");
    let accepted = Play::status(201).header("repeatabilityresult", "accepted");
    let stand = Stand::with("[odata]\nrepeatable = true\n", [accepted, Play::status(201)]).await;
    let (Answer::Done(first), Answer::Done(second)) = (stand.send(&request).await, stand.send(&request).await) else {
        panic!("done expected")
    };
    assert_eq!((first.warnings.len(), second.warnings.len()), (0, 1));
    assert_eq!(stand.seen(0).header("repeatabilitycreation"), "Tue, 03 Feb 2026 10:00:00 GMT");
    assert_eq!(stand.seen(0).header("requestid").len(), 32);
    assert_eq!(stand.seen(0).header("requestid"), stand.seen(1).header("requestid"));
}

#[tokio::test]
async fn probes_tell_what_is_there() {
    let list = |entities: &str| Play::status(200).body(&format!(r#"{{"d":{{"results":[{entities}]}}}}"#));
    let entity = r#"{"Ref":"ABC","No":"7"}"#;
    let plays = [list(""), list(entity), list(&format!("{entity},{entity}")), Play::status(404), Play::status(503)];
    let stand = Stand::with(BASIC, plays).await;
    let query = ProbeQuery {
        kind: StepKind::Odata,
        path: "/odata/API_X/Set".into(),
        field: "Ref".into(),
        key: Key::new("ABC"),
        value: "ABC".into(),
        matching: andon_act::Match::Equals,
        listing: false,
        query: Vec::new(),
        timeout_ms: 10_000,
    };
    let mut found = Vec::new();
    for _ in 0..5 {
        found.push(match stand.destinations.probe(&s4(), &query).await {
            Found::Absent => "absent".to_owned(),
            Found::One(response) => format!("one {}", response.body["d"]["No"]),
            Found::Several(count) => format!("several {count}"),
            Found::Unknown(problem) => format!("unknown {}", problem.code),
        });
    }
    assert_eq!(found, ["absent", "one \"7\"", "several 2", "unknown AND-4001", "unknown AND-4003"]);
    let line = "GET /odata/API_X/Set?$filter=Ref%20eq%20%27ABC%27&$top=2&$format=json";
    assert_eq!((stand.seen(0).line.as_str(), stand.seen(0).header("authorization").is_empty()), (line, false));
}
