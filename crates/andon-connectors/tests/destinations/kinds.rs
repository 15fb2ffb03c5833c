//! Attachments, rule services and language models: bodies, limits and budgets.

use std::sync::Arc;

use andon_act::{Answer, AttachmentBody, CallBudget, Found, Match, ProbeQuery, Request, StepKind, Target};
use andon_connectors::Destinations;
use andon_journal::{AttachmentInfo, Attachments, JournalError, StoredAttachment};
use andon_model::{Key, Offset, SystemClock};
use andon_testkit::memory_journal::MemoryJournal;
use async_trait::async_trait;
use bytes::Bytes;

use crate::stand::{BASIC, Play, Stand, create, post, problem, s4, spec, verdict};

/// Keeps four bytes under the digest `d1`, and fails for `broken`.
struct Shelf;

#[async_trait]
impl Attachments for Shelf {
    async fn attachment(&self, digest: &str) -> Result<Option<StoredAttachment>, JournalError> {
        let bytes = Bytes::from_static(&[0x89, b'P', 0, 0xff]);
        let found = || StoredAttachment { content_type: "image/png".into(), name: "7.png".into(), bytes };
        match digest {
            "broken" => Err(JournalError::Storage { doing: "reading", cause: "disk".into() }),
            _ => Ok((digest == "d1").then(found)),
        }
    }

    async fn attachments_of(&self, _event: Offset) -> Result<Vec<AttachmentInfo>, JournalError> {
        Ok(Vec::new())
    }
}

fn upload(digest: &str, max_bytes: u64) -> Request {
    Request {
        kind: StepKind::Attachment,
        path: "/odata/API_X/AttachmentContentSet".into(),
        headers: vec![("Slug".into(), "part%20K1.png".into()), ("LinkedSAPObjectKey".into(), "$01".into())],
        content_type: Some("image/png".into()),
        body: None,
        attachment: Some(AttachmentBody { digest: digest.into(), max_bytes }),
        ..create()
    }
}

async fn with_shelf(stand: &Stand, request: &Request) -> Answer {
    let destinations = Destinations::new(Arc::new(MemoryJournal::new()), Arc::new(Shelf), Arc::new(SystemClock));
    destinations.replace([spec(&format!("http://{}", stand.address), "[odata]\nsap_client = \"100\"\n")]);
    destinations.send(&s4(), request).await
}

#[tokio::test]
async fn attachments_are_sent_byte_for_byte() {
    let stand = Stand::new([Play::token("a"), Play::created()]).await;
    assert_eq!(verdict(&with_shelf(&stand, &upload("d1", 4)).await), "done");
    let sent = stand.seen(1);
    assert_eq!(sent.line, "POST /odata/API_X/AttachmentContentSet?sap-client=100");
    assert_eq!(sent.bytes, [0x89, b'P', 0, 0xff]);
    let headers =
        ["content-type", "slug", "linkedsapobjectkey", "x-csrf-token", "accept"].map(|name| sent.header(name));
    assert_eq!(headers, ["image/png", "part%20K1.png", "$01", "a", "application/json"]);
}

#[tokio::test]
async fn attachments_that_cannot_be_sent_are_told_before_anything_is() {
    for (request, expect) in [
        (upload("d2", 4), "refused AND-4012 0"),
        (upload("d1", 3), "refused AND-1002 0"),
        (upload("broken", 4), "busy AND-5001"),
    ] {
        let stand = Stand::new([]).await;
        let answer = with_shelf(&stand, &request).await;
        assert_eq!((verdict(&answer).as_str(), stand.lines().len()), (expect, 0), "{answer:?}");
    }
}

fn listing() -> ProbeQuery {
    ProbeQuery {
        kind: StepKind::Attachment,
        path: "/odata/API_X/GetAllOriginals".into(),
        field: "FileName".into(),
        key: Key::new("K1"),
        value: "K1".into(),
        matching: Match::Contains,
        listing: true,
        query: vec![("LinkedSAPObjectKey".into(), "'$01'".into())],
        timeout_ms: 10_000,
    }
}

#[tokio::test]
async fn listings_are_read_to_their_end() {
    let page = |name: &str, next: &str| {
        let next = if next.is_empty() { String::new() } else { format!(",\"__next\":\"{next}\"") };
        Play::status(200).body(&format!("{{\"d\":{{\"results\":[{{\"FileName\":\"{name}\"}}]{next}}}}}"))
    };
    let check = async |plays: Vec<Play>, expect: &str, requests: usize| {
        let stand = Stand::with(BASIC, plays).await;
        let found = match stand.destinations.probe(&s4(), &listing()).await {
            Found::Absent => "absent".to_owned(),
            Found::One(response) => format!("one {}", response.body["d"]["FileName"]),
            Found::Several(count) => format!("several {count}"),
            Found::Unknown(problem) => format!("unknown {}", problem.code),
        };
        assert_eq!((found.as_str(), stand.lines().len()), (expect, requests));
        assert!(stand.lines().iter().all(|line| line.starts_with("GET /odata/API_X/GetAllOriginals?")));
    };
    let next = "http://internal:8000/odata/API_X/GetAllOriginals?$skiptoken=2";
    check(vec![page("a.png", "")], "absent", 1).await;
    check(vec![page("part k1.png", "")], "one \"part k1.png\"", 1).await;
    check(vec![page("a.png", next), page("K1.png", "")], "one \"K1.png\"", 2).await;
    check(vec![page("K1.png", next), page("K1.png", "")], "several 2", 2).await;
    check(vec![page("K1.png", next), Play::status(500)], "unknown AND-4003", 2).await;
    check(vec![page("a.png", "https://["), Play::status(500)], "unknown AND-1001", 1).await;
    check(std::iter::repeat_n(page("a.png", next), 60).collect(), "unknown AND-1002", 50).await;
}

fn ask(kind: StepKind) -> Request {
    Request { kind, ..post() }
}

#[tokio::test]
async fn an_answer_that_is_all_must_arrive_as_a_whole() {
    let long = || Play::status(200).body(&"x".repeat(300 << 10));
    let page = || Play::status(200).header("content-type", "text/html").body("<html>");
    for (kind, play, expect) in [
        (StepKind::Summary, long(), "refused AND-1002 200"),
        (StepKind::Decision, long(), "done"),
        (StepKind::Summary, Play::status(200).body("{\"choices\": [{\"mess"), "done"),
        (StepKind::Summary, Play::status(429).header("retry-after", "1"), "busy AND-4007"),
        (StepKind::Decision, Play::status(200).body("{\"Result\":[]}"), "done"),
        (StepKind::Decision, page(), "refused AND-4006 200"),
        (StepKind::Decision, Play::status(404), "refused AND-4001 404"),
    ] {
        let stand = Stand::new([play]).await;
        assert_eq!(verdict(&stand.send(&ask(kind)).await), expect, "{kind:?}");
    }
    let stand = Stand::with("max_response_bytes = 1024\n", [long()]).await;
    assert_eq!(verdict(&stand.send(&ask(StepKind::Decision)).await), "refused AND-1002 200");
}

#[tokio::test]
async fn a_used_up_budget_sends_nothing() {
    let stand = Stand::new(std::iter::repeat_n(Play::status(200), 9)).await;
    let budget = Some(CallBudget { name: "notify/summary".into(), calls: 2, per_ms: 3_600_000 });
    let request = Request { budget, ..ask(StepKind::Summary) };
    let verdicts = [stand.send(&request).await, stand.send(&request).await, stand.send(&request).await];
    assert_eq!(verdicts.each_ref().map(verdict), ["done", "done", "busy AND-4007"]);
    assert!(problem(&verdicts[2]).contains("2 calls of notify/summary are used up"));
    stand.destinations.replace([spec(&format!("http://{}", stand.address), "max_concurrency = 2\n")]);
    assert_eq!(verdict(&stand.send(&request).await), "busy AND-4007", "a changed destination has the same budget");
    assert_eq!(stand.lines().len(), 2);
}

#[tokio::test]
async fn a_model_that_repeats_the_credentials_gives_none_away() {
    let stand = Stand::with(BASIC, [Play::status(200).body("{\"text\":\"Basic QU5ET046b3Blbi1zZXNhbWUtMQ==\"}")]).await;
    let Answer::Done(response) = stand.send(&ask(StepKind::Summary)).await else { panic!("done expected") };
    assert_eq!(response.body["text"], "Basic [secret]");
}
