//! Change sets, attachments, versions, rule services: what is sent, and what a loss leads to.

use super::table::Walk;
use super::*;
use crate::{IfMatch, Match, StepKind};

const CHANGESET: &str = r#"
[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/svc"
guard = { kind = "probe", set = "Set", field = "Ref", settle = "5s" }
document = "responses[1].body.d.Number"
changeset = [
  { method = "POST", path = "Parents", body = '{"Name": "${{event.data.name}}"}' },
  { method = "POST", path = "Set", headers = { X = "${{event.id}}" }, body = '{"Ref": "${{key}}"}' },
]
"#;

fn reset() -> Input {
    Input::Answered(Answer::Lost(Problem::new(Code::Lost, "partly done")))
}

fn found(body: Value) -> Input {
    Input::Probed(Found::One(response(body)))
}

#[test]
fn a_change_set_is_one_request() {
    let answer =
        json!({ "responses": [{ "status": 201, "body": {} }, { "status": 201, "body": { "d": { "Number": "7" } } }] });
    let walk = Walk::new(CHANGESET, json!({ "name": "a\"b" })).all([Input::Admitted, done(answer)]);
    let request = walk.last_request();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/svc/$batch"));
    assert!(request.csrf && request.body.is_none());
    let parts: Vec<_> = request.changeset.iter().map(|p| (p.content_id, p.path.as_str(), p.headers.len())).collect();
    assert_eq!(parts, [(1, "Parents", 0), (2, "Set", 1)]);
    assert_eq!(request.changeset[0].body.as_deref(), Some(r#"{"Name": "a\"b"}"#));
    assert_eq!((walk.last(), walk.state.documents[0].number.as_str()), ("record done", "7"));
}

#[test]
fn a_change_set_that_may_be_done_is_searched_for() {
    let walk =
        Walk::new(CHANGESET, json!({ "name": "n" })).all([Input::Admitted, reset(), Input::Tick, Input::Admitted]);
    assert_eq!(walk.last(), "probe /svc/Set Ref");
    let adopted = walk.feed(found(json!({ "d": { "Number": "7" } })));
    assert_eq!((adopted.last(), adopted.state.documents[0].number.as_str()), ("record done", "7"));
    assert_eq!(adopted.result("create")["responses"][0], json!({ "status": null, "body": null }));
}

#[test]
fn the_same_change_set_is_sent_again() {
    let lost = Walk::new(CHANGESET, json!({ "name": "n" })).feed(Input::Admitted).resumed();
    assert!(matches!(lost.state.phase, Phase::Waiting { probe: true, .. }), "a crash is a loss");
    let again = lost.all([Input::Tick, Input::Admitted, Input::Probed(Found::Absent), Input::Admitted]);
    assert_eq!(again.requests.len(), 2);
    assert_eq!(again.requests[0], again.requests[1]);
}

const ATTACHMENT: &str = r#"
[[step]]
name = "upload"
stage = "post"
kind = "attachment"
destination = "s4"
service = "/att"
attachment = "${{event.data.image.digest}}"
file_name = "Riß 100% ${{key}}.png"
content_type = "${{event.data.image.type}}"
headers = { BusinessObjectTypeName = "QFGEN", LinkedSAPObjectKey = "${{event.data.defect}}" }
guard = { kind = "probe", list = "GetAllOriginals", field = "FileName", query = { LinkedSAPObjectKey = "'${{event.data.defect}}'" } }
"#;

fn image(digest: &str) -> Value {
    json!({ "image": { "digest": digest, "type": "image/png" }, "defect": "$0'4" })
}

#[test]
fn an_attachment_is_bytes_with_headers() {
    let digest = "AB".repeat(32);
    let walk = Walk::new(ATTACHMENT, image(&digest)).feed(Input::Admitted);
    let request = walk.last_request();
    assert_eq!(
        (request.kind, request.method.as_str(), request.path.as_str()),
        (StepKind::Attachment, "POST", "/att/AttachmentContentSet")
    );
    let attachment = request.attachment.as_ref().expect("an attachment");
    assert_eq!((attachment.digest.as_str(), attachment.max_bytes), (digest.to_lowercase().as_str(), 20 * 1024 * 1024));
    assert_eq!(request.content_type.as_deref(), Some("image/png"));
    let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(header("LinkedSAPObjectKey"), Some("$0'4"));
    assert_eq!(header("Slug"), Some(format!("Ri%C3%9F 100%25 {}.png", request.key).as_str()));
}

#[test]
fn a_lost_upload_is_looked_for_in_the_list() {
    let walk = Walk::new(ATTACHMENT, image(&"ab".repeat(32)));
    let walk = walk.all([Input::Admitted, reset(), Input::Tick, Input::Admitted]);
    let query = walk.probes.last().expect("a search");
    assert_eq!((query.path.as_str(), query.listing, query.matching), ("/att/GetAllOriginals", true, Match::Contains));
    assert_eq!(query.query, [("LinkedSAPObjectKey".to_owned(), "'$0''4'".to_owned())]);
    assert_eq!((query.field.as_str(), query.value.as_str()), ("FileName", query.key.as_str()));
    assert_eq!(walk.feed(found(json!({ "d": { "FileName": "x" } }))).last(), "record done");
}

/// SAP would cut it, and the key with it.
#[test]
fn a_file_name_that_is_too_long_is_never_sent() {
    let named = |prefix: usize| ATTACHMENT.replace("Riß 100% ", &"ß".repeat(prefix));
    let at_most = 255 - 20 - ".png".len();
    for (prefix, expected) in [(at_most, 1), (at_most + 1, 0)] {
        let walk = Walk::new(&named(prefix), image(&"ab".repeat(32))).feed(Input::Admitted);
        assert_eq!(walk.requests.len(), expected, "{}", walk.last());
    }
}

#[test]
fn what_is_no_digest_is_never_sent() {
    for digest in ["", "zz", &"g".repeat(64), &"a".repeat(65)] {
        let walk = Walk::new(ATTACHMENT, image(digest)).feed(Input::Admitted);
        assert_eq!((walk.last(), walk.problem().0), ("record refused", Code::BadBody), "{digest}");
    }
}

const DEFECT: &str = r#"
[[step]]
name = "defect"
stage = "main"
kind = "odata"
destination = "s4"
service = "/def"
method = "POST"
path = "A_Defect"
body = '{"DefectText": "Scratch ${{key}}"}'
guard = { kind = "probe", set = "A_Defect", field = "DefectText", match = "contains" }
"#;

#[test]
fn a_tag_in_a_text_can_be_searched_for() {
    let sent = |steps: &str| {
        Walk::new(steps, json!({ "n": "1" })).all([Input::Admitted, reset(), Input::Tick, Input::Admitted])
    };
    let query = sent(DEFECT).probes.pop().expect("a search");
    assert_eq!((query.matching, query.listing, query.value.as_str()), (Match::Contains, false, query.key.as_str()));
    let whole = DEFECT.replace("match = \"contains\"", "value = \"Scratch ${{key}}\"");
    let query = sent(&whole).probes.pop().expect("a search");
    assert_eq!((query.matching, query.value), (Match::Equals, format!("Scratch {}", query.key)));
    let v4 = DEFECT.replace("kind = \"odata\"", "kind = \"odata-v4\"");
    assert_eq!(sent(&v4).probes.pop().map(|query| query.kind), Some(StepKind::OdataV4));
}

#[test]
fn a_search_that_cannot_be_made_is_found_out_before_sending() {
    let unknown = DEFECT.replace("match = \"contains\"", "value = \"${{event.data.none}}\"");
    let empty = DEFECT.replace("match = \"contains\"", "value = \"${{event.data.none | default('')}}\"");
    for (steps, code) in [(unknown, Code::MissingPath), (empty, Code::BadBody)] {
        let walk = Walk::new(&steps, json!({})).feed(Input::Admitted);
        assert_eq!((walk.last(), walk.problem().0, walk.requests.len()), ("record refused", code, 0));
    }
}

const PATCH: &str = r#"
[[step]]
name = "close"
stage = "post"
kind = "odata-v4"
destination = "s4"
service = "/v4"
method = "PATCH"
path = "Set('${{event.data.n}}')"
if_match = "read"
body = '{"Closed": true}'
"#;

#[test]
fn a_version_is_read_by_the_adapter() {
    let walk = Walk::new(PATCH, json!({ "n": "1" })).feed(Input::Admitted);
    assert_eq!(walk.last_request().if_match, Some(IfMatch::Read));
    let resumed = walk.resumed();
    assert!(matches!(resumed.state.phase, Phase::Waiting { probe: false, .. }), "a repetition does no harm");
    let again = resumed.all([Input::Tick, Input::Admitted]);
    assert_eq!(again.requests[0], again.requests[1]);
}

const RULES: &str = r#"
[[step]]
name = "rules"
stage = "pre"
kind = "decision"
destination = "rules"
body = '{"RuleServiceId": "r", "Vocabulary": [{"Fault": {"Kind": "${{event.data.kind}}"}}]}'
[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "PUT"
path = "/${{pre.rules.Result[0].ActionInfo.ActionId | default('none')}}"
"#;

#[test]
fn a_rule_service_is_asked_and_believed() {
    let result = json!({ "Result": [{ "ActionInfo": { "ActionId": "a1" } }] });
    let walk = Walk::new(RULES, json!({ "kind": "x" })).all([Input::Admitted, done(result), Input::Admitted]);
    assert_eq!(walk.shown, ["admit rules", "send POST /v2/rule-services", "admit s4", "send PUT /a1"]);
    let lost = Walk::new(RULES, json!({ "kind": "x" })).all([Input::Admitted, reset()]);
    assert!(matches!(lost.state.phase, Phase::Waiting { probe: false, .. }), "asking again does no harm");
}

#[test]
fn no_result_is_a_defined_end() {
    let asked = |steps: &str, body: Value| Walk::new(steps, json!({ "kind": "x" })).all([Input::Admitted, done(body)]);
    let refused = asked(RULES, json!({ "Result": [] }));
    assert_eq!((refused.last(), refused.problem().0), ("record refused", Code::NothingDetermined));
    assert_eq!(asked(RULES, json!({ "Other": 1 })).problem().1, "the rule service's answer has no list Result");
    let continued = RULES.replace("kind = \"decision\"", "kind = \"decision\"\nempty = \"continue\"");
    let walk = asked(&continued, json!({ "Result": [] })).feed(Input::Admitted);
    assert_eq!(walk.last(), "send PUT /none");
    assert_eq!(asked(&continued, json!("<html>")).last(), "record refused", "what is no answer is none");
}
