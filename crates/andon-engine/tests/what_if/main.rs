//! What a changed configuration would have made of past events: the same to the byte where nothing changed, named where
//! something did, and never sent.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what went wrong by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod plant;

use andon_engine::{Against, ApplyError, Changed, Concerns, Difference, Moment, PartKind, WhatIf, WhatIfPage};
use andon_model::{Clock as _, Name, Offset};
use andon_testkit::first_hit_table;
use serde_json::json;

use crate::plant::{ACTION, Plant, action, table};

/// A step after all others.
const MORE: &str = r#"
[[step]]
name = "more"
stage = "post"
kind = "http"
destination = "s4"
method = "GET"
path = "/more"
"#;

/// One document for all events, and a count of them.
const EPISODE: &str = r#"
[episode]
once_per = "hall"
[[step]]
name = "look"
stage = "open-check"
kind = "http"
destination = "s4"
method = "GET"
path = "/doc/${{episode.document}}"
[[step]]
name = "add"
stage = "update"
kind = "http"
destination = "s4"
method = "PUT"
path = "/doc/${{episode.document}}"
body = '{"Count": ${{episode.count}}}'
[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "POST"
path = "/create"
body = '{"Ref": "${{key}}"}'
document = "d.Number"
guard = { kind = "probe", set = "/Set", field = "Ref", settle = "2s" }
"#;

/// Every difference, page by page.
async fn replay(plant: &Plant, asked: WhatIf) -> (WhatIfPage, Vec<Difference>) {
    let (mut whole, mut differences, mut after) = (WhatIfPage::default(), Vec::new(), None);
    loop {
        let asked = WhatIf { after, ..asked.clone() };
        let page = plant.engine.handle().what_if(asked).await.expect("replayed");
        whole.events += page.events;
        whole.runs += page.runs;
        whole.requests += page.requests;
        whole.unanswered += page.unanswered;
        differences.extend(page.differences);
        after = page.next;
        if after.is_none() {
            return (whole, differences);
        }
    }
}

fn full(asked: WhatIf) -> WhatIf {
    WhatIf { in_full: usize::MAX, ..asked }
}

/// `(what, step, change, fields)` of every part.
fn named(difference: &Difference) -> Vec<(PartKind, String, Changed, Vec<String>)> {
    let step = |part: &andon_engine::Part| part.step.as_ref().map_or(String::new(), ToString::to_string);
    difference.parts.iter().map(|part| (part.what, step(part), part.change, part.fields.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn unchanged_is_identical() {
    let plant = Plant::start().await;
    plant.work(250).await;
    plant.target.close();
    for against in [Against::Current, Against::Recorded] {
        let (whole, differences) = replay(&plant, WhatIf { against, ..WhatIf::default() }).await;
        assert_eq!(differences, [], "{against:?}");
        assert_eq!((whole.events, whole.runs, whole.requests, whole.unanswered), (250, 250, 1_000, 0), "{against:?}");
    }
}

/// A change that touches every step brings the requests of the unchanged side to light: they are those that were sent.
#[tokio::test(start_paused = true)]
async fn what_is_rendered_is_what_was_sent() {
    let plant = Plant::start().await;
    plant.work(40).await;
    plant.target.close();
    let touched = ACTION.replace("timeout = \"9s\"", "timeout = \"8s\"");
    let (_, differences) = replay(&plant, full(WhatIf { changes: vec![action(&touched)], ..WhatIf::default() })).await;
    assert_eq!((differences.len(), plant.target.sent().len()), (40, 160));
    assert_sent(&plant, &differences);
}

/// Events that joined an episode join the same one, as often as it was then.
#[tokio::test(start_paused = true)]
async fn events_join_the_episodes_that_they_joined() {
    let plant = Plant::start().await;
    plant.apply(vec![action(EPISODE)]).await;
    plant.work(5).await;
    plant.target.close();
    assert_eq!(replay(&plant, WhatIf::default()).await.1, []);
    let touched = EPISODE.replace("method = ", "headers = { x-touched = \"1\" }\nmethod = ");
    let (whole, differences) =
        replay(&plant, full(WhatIf { changes: vec![action(&touched)], ..WhatIf::default() })).await;
    assert_eq!((whole.requests, plant.target.sent().len(), whole.unanswered), (9, 9, 0), "one created, four updated");
    assert_sent(&plant, &differences);
}

/// What the unchanged side renders is, to the byte, what was sent.
fn assert_sent(plant: &Plant, differences: &[Difference]) {
    let sent = plant.target.sent();
    let parts = differences.iter().flat_map(|difference| &difference.parts);
    for before in parts.map(|part| part.before.as_ref().expect("in full")) {
        let request = &before["request"];
        let found = sent.iter().find(|sent| sent["key"] == request["key"]).expect("it was sent");
        assert_eq!(serde_json::to_string(request).expect("JSON"), serde_json::to_string(found).expect("JSON"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_template_is_named_with_its_field() {
    let plant = Plant::start().await;
    plant.work(3).await;
    plant.target.close();
    let changes = vec![action(&ACTION.replace("\"Group\": \"900\"", "\"Group\": \"901\""))];
    let (_, differences) = replay(&plant, full(WhatIf { changes, ..WhatIf::default() })).await;
    assert_eq!(differences.len(), 3);
    let expected = vec![(PartKind::Request, "create".into(), Changed::Changed, vec!["body/Group".into()])];
    assert_eq!(named(&differences[0]), expected);
    let after = &differences[0].parts[0].after.as_ref().expect("in full")["request"]["body"];
    assert!(after.as_str().expect("a body").contains("901"), "{after}");
}

/// The document in SAP that would be another is named, at the step that made it and only there.
#[tokio::test(start_paused = true)]
async fn the_document_that_would_differ_is_named() {
    let plant = Plant::start().await;
    plant.work(1).await;
    plant.target.close();
    let touched = ACTION.replace("timeout = \"9s\"", "timeout = \"8s\"");
    let (_, differences) = replay(&plant, WhatIf { changes: vec![action(&touched)], ..WhatIf::default() }).await;
    let documents: Vec<Option<&str>> = differences[0].parts.iter().map(|part| part.document.as_deref()).collect();
    assert_eq!(documents, [None, None, Some("3"), None], "read, summary, document, notice");
}

/// A page goes on with what the page before it has compiled, and nothing is kept after the last one.
#[tokio::test(start_paused = true)]
async fn pages_share_what_they_compile() {
    let plant = Plant::start().await;
    plant.work_on(150, |number| format!("{number}{}", "x".repeat(50_000))).await;
    plant.target.close();
    let changes = vec![action(&ACTION.replace("/read/", "/look/"))];
    let ask = async |asked: WhatIf| plant.engine.handle().what_if(asked).await.expect("replayed").next;
    let asked = full(WhatIf { changes: changes.clone(), ..WhatIf::default() });
    let read_before = plant.configurations_read();
    let after = ask(asked.clone()).await;
    assert_eq!(after, Some(Offset(100)), "the differences of all events do not fit into a page");
    assert_eq!(ask(WhatIf { after, ..asked.clone() }).await, None);
    assert_eq!(plant.configurations_read() - read_before, 1, "once for both pages");
    ask(asked.clone()).await;
    assert_eq!(plant.configurations_read() - read_before, 2, "the next replay begins anew");
    let other = vec![action(&ACTION.replace("/read/", "/see/"))];
    ask(WhatIf { changes: other, after, ..asked }).await;
    assert_eq!(plant.configurations_read() - read_before, 3, "other changes are another configuration");
}

/// What follows a changed request rests on the answer to the one that was sent.
#[tokio::test(start_paused = true)]
async fn later_requests_are_marked_as_assumed() {
    let plant = Plant::start().await;
    plant.work(1).await;
    plant.target.close();
    let changed = ACTION.replace("/read/", "/look/").replace("\"Group\": \"900\"", "\"Group\": \"901\"");
    let (_, differences) = replay(&plant, WhatIf { changes: vec![action(&changed)], ..WhatIf::default() }).await;
    let assumed: Vec<(bool, bool)> =
        differences[0].parts.iter().map(|part| (part.assumed, part.before.is_some())).collect();
    assert_eq!(assumed, [(false, false), (true, false)], "and no request is carried unless asked for");
}

#[tokio::test(start_paused = true)]
async fn a_changed_table_takes_and_gives_runs() {
    let plant = Plant::start().await;
    plant.work(4).await;
    plant.target.close();
    let rows = [("\"pump-1\"", "none"), ("", "notify")];
    let changes = vec![table(&first_hit_table("event.data.equipment", &rows))];
    let (_, differences) = replay(&plant, WhatIf { changes: changes.clone(), ..WhatIf::default() }).await;
    let of_pump_1: Vec<_> = differences.iter().filter(|difference| difference.id == "1").flat_map(named).collect();
    let gone = |step: &str| (PartKind::Request, step.into(), Changed::Removed, vec![]);
    let mut expected = vec![
        (PartKind::Decision, String::new(), Changed::Changed, vec![]),
        (PartKind::Action, String::new(), Changed::Removed, vec![]),
    ];
    expected.extend(["read", "sum", "create", "tell"].map(gone));
    assert_eq!(of_pump_1, expected);
    let others = differences.iter().filter(|difference| difference.id != "1");
    assert!(others.flat_map(named).all(|part| part.0 == PartKind::Decision), "another row, the same documents");

    plant.apply(changes).await;
    let (_, now) = replay(&plant, WhatIf { against: Against::Recorded, ..WhatIf::default() }).await;
    assert_eq!(now, differences, "what is in force, against what was");
    assert_eq!(replay(&plant, WhatIf::default()).await.1, []);
}

/// Without a recorded answer nobody knows what would follow: the run ends there, and is counted.
#[tokio::test(start_paused = true)]
async fn a_run_without_answers_is_followed_as_far_as_they_go() {
    let plant = Plant::start().await;
    plant.target.refuse("/create");
    plant.work(2).await;
    plant.target.close();
    let (whole, differences) = replay(&plant, WhatIf::default()).await;
    assert_eq!((whole.runs, whole.requests, whole.unanswered, differences), (2, 6, 2, vec![]));
    let added = format!("{ACTION}{MORE}");
    let (_, differences) = replay(&plant, WhatIf { changes: vec![action(&added)], ..WhatIf::default() }).await;
    assert_eq!(differences, [], "the new step comes after the one whose answer is missing");
}

#[tokio::test(start_paused = true)]
async fn a_range_is_kept() {
    let plant = Plant::start().await;
    plant.work(120).await;
    let midday = plant.clock.now();
    plant.work(30).await;
    let check = async |asked: WhatIf, expected: u64| {
        assert_eq!(replay(&plant, asked.clone()).await.0.events, expected, "{asked:?}");
    };
    let (offset, time) = (|n| Some(Moment::Offset(Offset(n))), Some(Moment::Time(midday)));
    check(WhatIf { from: offset(101), ..WhatIf::default() }, 50).await;
    check(WhatIf { from: offset(101), to: offset(110), ..WhatIf::default() }, 10).await;
    check(WhatIf { from: time, ..WhatIf::default() }, 30).await;
    check(WhatIf { to: time, ..WhatIf::default() }, 120).await;
    check(WhatIf { from: offset(0), to: offset(0), ..WhatIf::default() }, 0).await;
    check(WhatIf { from: offset(i64::MAX), ..WhatIf::default() }, 0).await;
    check(WhatIf { source: Some("/pump".into()), ..WhatIf::default() }, 150).await;
    check(WhatIf { kind: Some("other".into()), ..WhatIf::default() }, 0).await;
    let about = |decision: Option<&str>, action: Option<&str>| {
        let name = |text: &str| Name::new(text).expect("a name");
        WhatIf { concerns: Concerns { decision: decision.map(name), action: action.map(name) }, ..WhatIf::default() }
    };
    check(about(Some("all"), None), 150).await;
    check(about(Some("all"), Some("notify")), 150).await;
    check(about(Some("all"), Some("other")), 0).await;
    check(about(Some("other"), None), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_compile_is_refused() {
    let plant = Plant::start().await;
    let asked = WhatIf { changes: vec![action("[[step]]\n")], ..WhatIf::default() };
    let refused = plant.engine.handle().what_if(asked).await.expect_err("refused");
    assert!(matches!(refused, ApplyError::Refused { .. }), "{refused}");
    let asked = WhatIf { after: Some(Offset(7)), ..WhatIf::default() };
    let page = plant.engine.handle().what_if(asked).await.expect("replayed");
    assert_eq!(json!(page)["differences"], json!([]));
}
