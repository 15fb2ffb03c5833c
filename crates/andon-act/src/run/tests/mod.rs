use std::collections::BTreeMap;
use std::time::Duration;

use andon_model::{
    Code, Event, Name, Offset, Problem, Release, RowHit, RunId, RunStatus, TableVersion, TimelineEntry, TimelineKind,
    Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

mod crashes;
mod episodes;
mod kinds;
mod local;
mod previews;
mod summaries;
mod table;

use super::*;
use crate::{Action, Answer, Determined, Found, Library, Response};

fn action(guard: &str) -> Action {
    let text = action_text().replace(PROBE, guard);
    Action::compile(&Name::new("notify").expect("a name"), &text).expect("a valid action")
}

fn action_text() -> String {
    let guard = PROBE;
    format!(
        r#"
        [[step]]
        name = "read"
        stage = "pre"
        kind = "http"
        destination = "plant"
        method = "GET"
        path = "/equipment/${{{{event.data.equipment}}}}"
        retry = {{ attempts = 3, base = "1s" }}
        [[step]]
        name = "create"
        stage = "main"
        kind = "odata"
        destination = "s4"
        method = "POST"
        service = "/svc"
        path = "Set"
        guard = {guard}
        document = "d.Number"
        retry = {{ attempts = 3, base = "1s" }}
        body = '{{"Ref": "${{{{key}}}}", "Text": "${{{{pre.read.name}}}}"}}'
        "#
    )
}

/// A configuration without tables.
#[derive(Debug)]
struct Nothing;

impl Library for Nothing {
    fn decide(&self, decision: &Name, _event: &Event) -> Result<Determined, Problem> {
        Err(Problem::new(Code::ConfigurationReference, decision.to_string()))
    }

    fn lookup(&self, lookup: &Name, _key: &BTreeMap<String, String>) -> Result<Option<Value>, Problem> {
        Err(Problem::new(Code::ConfigurationReference, lookup.to_string()))
    }
}

const PROBE: &str = r#"{ kind = "probe", set = "Set", field = "Ref", settle = "5s" }"#;

fn event() -> Event {
    Event::new("/pump", "1", "anomaly", json!({ "equipment": "p 1" }))
}

fn done(body: Value) -> Input {
    Input::Answered(Answer::Done(response(body)))
}

fn response(body: Value) -> Response {
    Response { status: 201, body, etag: None, location: None, warnings: Vec::new() }
}

fn lost() -> Input {
    Input::Answered(Answer::Lost(Problem::new(Code::Lost, "reset")))
}

fn busy() -> Input {
    Input::Answered(Answer::Busy { problem: Problem::new(Code::Busy, "503"), after: Some(Duration::from_secs(7)) })
}

fn refused() -> Input {
    Input::Answered(Answer::Refused { problem: Problem::new(Code::Refused, "400"), status: 400 })
}

fn release(release: Release) -> Input {
    Input::Released { release, by: "anna".into() }
}

/// What a transition shows in one word per effect.
fn show(transition: &Transition) -> String {
    if let Some(reason) = transition.rejected {
        return format!("rejected: {reason}");
    }
    let words = transition.effects.iter().map(|effect| match effect {
        Effect::Join { key } => format!("join {key}"),
        Effect::Admit { destination, .. } => format!("admit {destination}"),
        Effect::Send { request, .. } => format!("send {} {}", request.method, request.path),
        Effect::Probe { query, .. } => format!("probe {} {}", query.path, query.field),
        Effect::WakeAt(at) => format!("wake at {}s", at.as_micros() / 1_000_000),
        Effect::Record(outcome) => format!("record {}", outcome.status),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Feeds inputs one after the other, one second apart, and shows what each led to.
fn walk(guard: &str, inputs: Vec<Input>) -> (RunState, Vec<String>) {
    let (action, event) = (action(guard), event());
    let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Nothing };
    let planned = plan(ctx, 7, json!({ "action": "notify" }), json!({}), Timestamp::default());
    let mut shown = vec![show(&planned)];
    let mut state = planned.state;
    for (seconds, input) in (1..).zip(inputs) {
        let stored = serde_json::to_string(&state).expect("serialises");
        let read_back = RunState::parse(&stored).expect("parses");
        let transition = step(ctx, read_back, input, Timestamp::from_micros(seconds * 1_000_000));
        shown.push(show(&transition));
        state = transition.state;
    }
    (state, shown)
}

fn check(guard: &str, inputs: Vec<Input>, expected: &[&str]) -> RunState {
    let (state, shown) = walk(guard, inputs);
    assert_eq!(shown, expected);
    state
}

fn until_create() -> Vec<Input> {
    vec![Input::Admitted, done(json!({ "name": "Pump \"A\"" })), Input::Admitted]
}

const UNTIL_CREATE: [&str; 4] = ["admit plant", "send GET /equipment/p%201", "admit s4", "send POST /svc/Set"];

fn after_create(inputs: Vec<Input>, expected: &[&str], guard: &str) -> RunState {
    let all = [UNTIL_CREATE.as_slice(), expected].concat();
    check(guard, [until_create(), inputs].concat(), &all)
}

#[test]
fn the_straight_way() {
    let state = after_create(vec![done(json!({ "d": { "Number": "10000001" } }))], &["record done"], PROBE);
    assert_eq!(state.status(), RunStatus::Done);
    let documents: Vec<_> = state.documents.iter().map(|d| (d.number.as_str(), d.found_by_probe)).collect();
    assert_eq!(documents, [("10000001", false)]);
}

#[test]
fn a_lost_create_is_searched_for_and_adopted() {
    let found = Input::Probed(Found::One(response(json!({ "d": { "Number": "10000001" } }))));
    let expected = ["wake at 9s", "wake at 9s", "rejected: the run does not wait for this"];
    after_create(vec![lost(), Input::Tick, found.clone()], &expected, PROBE);
    let (action, event) = (action(PROBE), event());
    let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Nothing };
    let (lost_state, _) = walk(PROBE, [until_create(), vec![lost()]].concat());
    let due = Timestamp::from_micros(9_000_000);
    let asked = step(ctx, lost_state, Input::Tick, due);
    assert_eq!(show(&asked), "admit s4");
    let probing = step(ctx, asked.state, Input::Admitted, due);
    assert_eq!(show(&probing), "probe /svc/Set Ref");
    let adopted = step(ctx, probing.state.clone(), found, due);
    assert_eq!(show(&adopted), "record done");
    assert!(adopted.state.documents.iter().all(|document| document.found_by_probe));
    let absent = step(ctx, probing.state.clone(), Input::Probed(Found::Absent), due);
    assert_eq!(show(&absent), "admit s4");
    let again = step(ctx, absent.state, Input::Admitted, due);
    assert_eq!(again.state.request, probing.state.request, "the same bytes are sent again");
    let several = step(ctx, probing.state, Input::Probed(Found::Several(2)), due);
    assert_eq!(several.state.status(), RunStatus::Parked);
}

#[test]
fn guards_decide_what_a_loss_leads_to() {
    let state = after_create(vec![lost()], &["record parked"], r#"{ kind = "park" }"#);
    assert_eq!(state.problem.map(|p| p.code), Some(Code::Lost));
    let (state, _) = walk(r#"{ kind = "natural" }"#, [until_create(), vec![lost()]].concat());
    assert!(matches!(state.phase, Phase::Waiting { probe: false, .. }));
    let (state, _) = walk(r#"{ kind = "repeatable" }"#, until_create());
    assert_eq!(state.request.and_then(|r| r.repeatable_since), Some(Timestamp::from_micros(3_000_000)));
}

#[test]
fn a_refusal_after_a_loss_leaves_the_first_attempt_in_doubt() {
    let repeatable = r#"{ kind = "repeatable" }"#;
    let (state, _) = walk(repeatable, [until_create(), vec![lost()]].concat());
    let (action, event) = (action(repeatable), event());
    let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Nothing };
    let later = state.due().expect("it waits");
    let first = state.request.clone();
    let again = step(ctx, step(ctx, state, Input::Tick, later).state, Input::Admitted, later).state;
    let parked = step(ctx, again, refused(), later).state;
    assert_eq!(parked.status(), RunStatus::Parked, "the lost attempt may have been processed");
    let retried = step(ctx, parked, release(Release::Retry { confirmed_absent: false }), later);
    assert_eq!(retried.state.request, first, "the same bytes, with the first attempt's time");
}

#[test]
fn busy_waits_at_least_as_long_as_asked() {
    after_create(vec![busy(), Input::Tick], &["wake at 11s", "wake at 11s"], PROBE);
}

#[test]
fn a_refusal_can_be_retried_resolved_or_cancelled() {
    let retry = || release(Release::Retry { confirmed_absent: false });
    after_create(
        vec![refused(), retry(), Input::Admitted],
        &["record refused", "admit s4", "send POST /svc/Set"],
        PROBE,
    );
    let resolve = release(Release::Resolve { document: Some("42".into()) });
    let state = after_create(vec![refused(), resolve], &["record refused", "record done"], PROBE);
    assert_eq!(state.documents.iter().map(|d| d.number.as_str()).collect::<Vec<_>>(), ["42"]);
    let body = state.results.last().map(|result| &result.body);
    assert_eq!(body, Some(&json!({ "d": { "Number": "42" } })), "later steps find the number where an answer has it");
    let cancel = release(Release::Cancel);
    after_create(
        vec![refused(), cancel, retry()],
        &["record refused", "record cancelled", "rejected: the run has ended"],
        PROBE,
    );
}

#[test]
fn a_parked_run_needs_somebody_who_looked() {
    let park = r#"{ kind = "park" }"#;
    let retry = |confirmed_absent| release(Release::Retry { confirmed_absent });
    let look = "rejected: look in the destination first: retry with confirmed_absent, or resolve with the document";
    after_create(vec![lost(), retry(false), retry(true)], &["record parked", look, "admit s4"], park);
}

#[test]
fn nobody_moves_a_run_whose_request_is_on_its_way() {
    let cancel = release(Release::Cancel);
    after_create(vec![cancel], &["rejected: a request is on its way; wait for its answer"], PROBE);
}

#[test]
fn a_missing_path_refuses_before_anything_is_sent() {
    let inputs = vec![Input::Admitted, done(json!({ "other": 1 })), Input::Admitted];
    let (state, shown) = walk(PROBE, inputs);
    assert_eq!(shown.last().map(String::as_str), Some("record refused"));
    let problem = state.problem.expect("a problem");
    assert_eq!(problem.code, Code::MissingPath);
    assert!(problem.detail.contains("pre.read.name"), "{problem}");
}

#[test]
fn what_was_under_way_at_a_crash_is_in_doubt() {
    let (action, event) = (action(PROBE), event());
    let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Nothing };
    let (sending, _) = walk(PROBE, until_create());
    let resumed = resume(ctx, sending, Timestamp::from_micros(60_000_000));
    assert_eq!(show(&resumed), "wake at 65s");
    assert!(matches!(resumed.state.phase, Phase::Waiting { probe: true, .. }));
    let (ready, _) = walk(PROBE, vec![]);
    assert_eq!(show(&resume(ctx, ready, Timestamp::default())), "admit plant");
}

#[test]
fn attempts_are_limited() {
    let (action, event) = (action(PROBE), event());
    let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Nothing };
    let mut state = walk(PROBE, until_create()).0;
    let mut now = Timestamp::from_micros(10_000_000);
    let mut sends = 1;
    while !state.status().is_settled() {
        state = step(ctx, state, busy(), now).state;
        now = state.due().unwrap_or(now);
        state = step(ctx, state, Input::Tick, now).state;
        let admitted = step(ctx, state, Input::Admitted, now);
        sends += admitted.effects.iter().filter(|e| matches!(e, Effect::Send { .. })).count();
        state = admitted.state;
    }
    assert_eq!((sends, state.status()), (3, RunStatus::Refused));
    assert_eq!(state.problem.map(|p| p.code), Some(Code::RetriesExhausted));
}

/// The stored form, version 1: what older programs have written must stay readable.
#[test]
fn the_stored_form_is_golden() {
    let inputs = [until_create(), vec![done(json!({ "d": { "Number": "10000001" } }))]].concat();
    let (state, _) = walk(PROBE, inputs);
    let golden = include_str!("../../../tests/golden/run_state_v1.json");
    assert_eq!(serde_json::to_string_pretty(&state).expect("serialises"), golden.trim_end());
    assert_eq!(RunState::parse(golden).expect("parses"), state);
}

#[test]
fn a_newer_form_is_refused() {
    let newer = include_str!("../../../tests/golden/run_state_v1.json").replace("\"v\": 1", "\"v\": 2");
    let error = RunState::parse(&newer).expect_err("must be refused").to_string();
    assert!(error.contains("format 2"), "{error}");
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::Admitted),
        2 => Just(Input::Tick),
        2 => Just(done(json!({ "name": "n", "d": { "Number": "1" } }))),
        2 => Just(lost()),
        1 => Just(busy()),
        1 => Just(refused()),
        2 => Just(Input::Probed(Found::Absent)),
        1 => Just(Input::Probed(Found::Unknown(Problem::new(Code::Lost, "reset")))),
        1 => Just(Input::Probed(Found::Several(2))),
        1 => Just(release(Release::Retry { confirmed_absent: false })),
    ]
}

proptest! {
    /// A2 as a property: whatever happens in whatever order, a create in doubt is never sent again
    /// before a search found nothing.
    #[test]
    fn no_order_of_inputs_repeats_a_request_in_doubt(inputs in prop::collection::vec(any_input(), 1..60)) {
        let (action, event) = (action(PROBE), event());
        let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Nothing };
        let mut state = plan(ctx, 1, json!({}), json!({}), Timestamp::default()).state;
        let (mut in_doubt, mut now) = (false, Timestamp::default());
        for input in inputs {
            now = now.after(Duration::from_secs(30));
            let creating = state.step == 1;
            let transition = step(ctx, state.clone(), input.clone(), now);
            if transition.rejected.is_none() && creating {
                match &input {
                    Input::Answered(Answer::Lost(_)) => in_doubt = true,
                    Input::Probed(Found::Absent) => in_doubt = false,
                    _ => {}
                }
                let sends = transition.effects.iter().any(|e| matches!(e, Effect::Send { .. }));
                prop_assert!(!(sends && in_doubt), "sent in doubt after {input:?}");
            }
            prop_assert!(transition.effects.len() <= 1);
            state = transition.state;
        }
    }
}
