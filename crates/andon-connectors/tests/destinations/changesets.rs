//! Change sets on the wire, and what their answers mean.

use andon_act::{Answer, ChangesetPart, Request};
use serde_json::json;

use crate::stand::{Play, Stand, create, problem, verdict};

fn changeset() -> Request {
    let part = |content_id, path: &str| ChangesetPart {
        content_id,
        method: "POST".into(),
        path: path.into(),
        headers: Vec::new(),
        body: Some(format!("{{\"n\":{content_id}}}")),
    };
    let changeset = vec![part(1, "A_Order"), part(2, "$1/to_Item")];
    Request { path: "/odata/API_X/$batch".into(), body: None, content_type: None, changeset, ..create() }
}

fn part(id: u32, status: &str, body: &str) -> String {
    format!(
        "Content-Type: application/http\r\ncontent-id: {id}\r\n\r\nHTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n{body}\r\n"
    )
}

fn done(parts: &[String]) -> String {
    let mut text = "--outer\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n".to_owned();
    for part in parts {
        text.extend(["--inner\r\n", part]);
    }
    text + "--inner--\r\n\r\n--outer--\r\n"
}

fn fallen(status: &str, body: &str) -> String {
    format!("--outer\r\n{}--outer--\r\n", part(1, status, body))
}

fn batch(body: &str) -> Play {
    Play::status(202).header("content-type", "multipart/mixed; boundary=outer").body(body)
}

#[tokio::test]
async fn a_change_set_goes_out_with_a_token_and_the_same_bytes_each_time() {
    let both = done(&[part(1, "201 Created", "{\"d\":{\"Order\":\"7\"}}"), part(2, "204 No Content", "")]);
    let stand = Stand::new([Play::token("a"), Play::token_required(), Play::token("b"), batch(&both)]).await;
    let Answer::Done(response) = stand.send(&changeset()).await else { panic!("done expected") };
    assert_eq!(
        response.body,
        json!({"responses": [{"status": 201, "body": {"d": {"Order": "7"}}}, {"status": 204, "body": null}]})
    );
    assert_eq!(
        stand.lines(),
        ["HEAD /odata/API_X/", "POST /odata/API_X/$batch", "HEAD /odata/API_X/", "POST /odata/API_X/$batch"]
    );
    let (first, second) = (stand.seen(1), stand.seen(3));
    assert_eq!((first.header("x-csrf-token"), second.header("x-csrf-token")), ("a", "b"));
    assert_eq!(first.header("accept"), "multipart/mixed");
    assert!(first.header("content-type").starts_with("multipart/mixed; boundary=batch_"));
    assert_eq!((&first.body, first.header("content-type")), (&second.body, second.header("content-type")));
    assert!(first.body.contains("POST $1/to_Item HTTP/1.1\r\n"), "{}", first.body);
}

#[tokio::test]
async fn answers_are_told_apart() {
    let one = part(1, "201 Created", "{}");
    let error = |code: &str| format!("{{\"error\":{{\"code\":\"{code}\",\"message\":{{\"value\":\"no\"}}}}}}");
    for (play, expect) in [
        (batch(&fallen("400 Bad Request", &error("IM/125"))), "refused AND-4001 400"),
        (batch(&fallen("400 Bad Request", &error("MC/601"))), "busy AND-4007"),
        (batch(&fallen("423 Locked", "")), "busy AND-4007"),
        (batch(&fallen("412 Precondition Failed", "")), "refused AND-4001 412"),
        (batch(&fallen("500 Internal Server Error", "")), "lost AND-4003"),
        (batch(&done(&[one.clone(), part(2, "400 Bad Request", "")])), "lost AND-4003"),
        (batch(&done(std::slice::from_ref(&one))), "lost AND-4003"),
        (batch("--outer\r\n"), "lost AND-4003"),
        (Play::status(200).body("{}"), "lost AND-4003"),
        (Play::status(202), "lost AND-4003"),
        (batch(&"x".repeat(5_000)), "lost AND-4003"),
        (Play::status(200).header("content-type", "text/html").body("<html>"), "refused AND-4006 200"),
        (Play::status(400).body(&error("005A")), "refused AND-4001 400"),
        (Play::status(503).header("retry-after", "1"), "busy AND-4007"),
        (Play::status(500), "lost AND-4003"),
    ] {
        let stand = Stand::with("max_response_bytes = 4096\n", [Play::token("a"), play.clone()]).await;
        let answer = stand.send(&changeset()).await;
        assert_eq!(verdict(&answer), expect, "for {:?}: {answer:?}", play.body);
    }
}

#[tokio::test]
async fn a_set_that_was_done_in_part_is_told() {
    let stand =
        Stand::new([Play::token("a"), batch(&done(&[part(1, "201 Created", ""), part(2, "409 Conflict", "")]))]).await;
    let told = problem(&stand.send(&changeset()).await);
    assert!(told.contains("1 of 2 requests were done, another gave HTTP 409 Conflict"), "{told}");
}

#[tokio::test]
async fn a_part_that_cannot_be_written_is_never_sent() {
    let stand = Stand::new([]).await;
    let mut request = changeset();
    request.changeset[1].path = "../other".into();
    let answer = stand.send(&request).await;
    assert_eq!((verdict(&answer).as_str(), stand.lines().len()), ("refused AND-3003 0", 0));
    assert!(problem(&answer).contains("change set part 2"), "{answer:?}");
}
