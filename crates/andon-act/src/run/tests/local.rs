//! Lookups and decisions by table: evaluated where they stand, without a request.

use super::table::Walk;
use super::*;

const LOCAL: &str = r#"
[[step]]
name = "place"
stage = "pre"
kind = "lookup"
lookup = "plants"
key = { plant = "${{event.data.plant}}" }
missing = "null"
[[step]]
name = "rate"
stage = "pre"
kind = "decision"
table = "severity"
empty = "continue"
[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "PUT"
path = "/Set"
body = '{"Plant": "${{pre.place.name | default("?")}}", "Priority": "${{pre.rate.output.priority | default("9")}}", "Hit": ${{pre.rate.matched}}}'
"#;

fn body(data: Value) -> String {
    let walk = Walk::new(LOCAL, data).feed(Input::Admitted);
    walk.last_request().body.clone().unwrap_or_default()
}

#[test]
fn local_answers_are_there_when_the_first_request_is_made() {
    let walk = Walk::new(LOCAL, json!({ "plant": "1010", "severity": 2 }));
    assert_eq!(walk.shown, ["admit s4"], "both local steps are done when the run is planned");
    assert_eq!(walk.result("place"), &json!({ "name": "Walldorf", "group": "A" }));
    let expected = json!({ "matched": true, "output": { "priority": "2" }, "outputs": [{ "priority": "2" }] });
    assert_eq!(walk.result("rate"), &expected);
    let shown = walk.timeline.iter().find(|entry| entry.step == "rate").map(|entry| &entry.detail);
    let shown = shown.expect("a line");
    assert_eq!((&shown["version"], &shown["rows"][0]["id"]), (&json!(4), &json!("r2")), "the rows that hit are shown");
    assert_eq!(
        body(json!({ "plant": "1010", "severity": 2 })),
        r#"{"Plant": "Walldorf", "Priority": "2", "Hit": true}"#
    );
}

#[test]
fn nothing_found_can_be_an_answer() {
    assert_eq!(body(json!({ "plant": "2", "severity": 9 })), r#"{"Plant": "?", "Priority": "9", "Hit": false}"#);
}

#[test]
fn nothing_found_is_a_defined_end_otherwise() {
    let check = |from: &str, data: Value, detail: &str| {
        assert!(LOCAL.contains(from));
        let walk = Walk::new(&LOCAL.replace(from, ""), data);
        assert_eq!((walk.last(), walk.problem().0), ("record refused", Code::NothingDetermined));
        assert!(walk.problem().1.contains(detail), "{:?}", walk.problem());
        assert!(walk.requests.is_empty());
    };
    check("missing = \"null\"", json!({ "plant": "2", "severity": 1 }), "lookup plants has no row for plant \"2\"");
    check("empty = \"continue\"", json!({ "plant": "1010", "severity": 9 }), "no row of decision severity hits");
}

#[test]
fn a_table_may_be_asked_about_something_else() {
    let input = "table = \"severity\"\ninput = '{\"severity\": ${{event.data.level}}}'";
    let walk = Walk::new(&LOCAL.replace("table = \"severity\"", input), json!({ "plant": "1010", "level": 3 }));
    assert_eq!(walk.result("rate")["output"], json!({ "priority": "3" }));
}

#[test]
fn a_refusal_is_repaired_by_trying_again() {
    let steps = LOCAL.replace("missing = \"null\"", "");
    let walk = Walk::new(&steps, json!({ "plant": "2", "severity": 1 }));
    let again = walk.feed(release(Release::Retry { confirmed_absent: false }));
    assert_eq!(again.last(), "record refused", "it is asked again, not sent");
    let resolved = again.feed(release(Release::Resolve { document: None }));
    assert_eq!(resolved.last(), "admit s4", "a person may pass over it");
}

#[test]
fn the_same_question_has_the_same_answer_after_a_crash() {
    let walk = Walk::new(LOCAL, json!({ "plant": "1010", "severity": 2 }));
    let (before, results) = (walk.timeline.len(), walk.state.results.clone());
    let walk = walk.resumed();
    assert_eq!((walk.last(), walk.timeline.len()), ("admit s4", before), "local steps are not done twice");
    assert_eq!(walk.state.results, results);
}
