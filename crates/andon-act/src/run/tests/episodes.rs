//! Episodes: one open document per key, whatever the routes and wherever the process is killed.

use super::table::{Tables, Walk};
use super::*;
use crate::Request;

const ONCE: &str = r#"
[episode]
once_per = "${{event.data.equipment}}/${{event.data.fault}}"
for = "24h"
[[step]]
name = "read"
stage = "pre"
kind = "http"
destination = "s4"
method = "GET"
path = "/equipment"
[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/svc"
method = "POST"
path = "Set"
document = "d.Number"
guard = { kind = "probe", set = "Set", field = "Ref" }
body = '{"Ref": "${{key}}", "Text": "${{episode.key}}"}'
[[step]]
name = "tell"
stage = "post"
kind = "http"
destination = "chat"
method = "PUT"
path = "/told"
[[step]]
name = "status"
stage = "open-check"
kind = "odata"
destination = "s4"
service = "/svc"
method = "GET"
path = "Set('${{episode.document}}')"
open_while = { path = "d.Phase", values = ["1", "2"] }
[[step]]
name = "text"
stage = "update"
kind = "odata"
destination = "s4"
service = "/svc"
method = "PATCH"
path = "Set('${{episode.document}}')"
if_match = "read"
body = '{"Text": "${{open-check.status.d.Text}}, no. ${{episode.count}} since ${{episode.opened_at}}"}'
"#;

fn walk() -> Walk {
    Walk::new(ONCE, json!({ "equipment": "p1", "fault": "hot" }))
}

fn open_at(minutes: u64) -> OpenEpisode {
    let at = Timestamp::default().after(Duration::from_mins(minutes));
    OpenEpisode { document: "77".into(), run: RunId::new("FIRST"), opened_at: at, touched_at: at, count: 4 }
}

fn joins() -> Input {
    Input::Episode(Some(open_at(0)))
}

fn answer(phase: &str) -> Input {
    done(json!({ "d": { "Phase": phase, "Text": "Hot" } }))
}

fn documents(state: &RunState) -> Vec<&str> {
    state.documents.iter().map(|document| document.number.as_str()).collect()
}

fn put(walk: &Walk) -> Option<(&str, i64)> {
    walk.episodes.last().map(|open| (open.document.as_str(), open.count))
}

#[test]
fn the_first_event_takes_the_full_route_and_opens_an_episode() {
    let walk = walk();
    assert_eq!(walk.shown, ["join p1/hot"]);
    assert!(!walk.state.holds_episode(), "its turn has not come");
    let walk = walk.all([Input::Episode(None), Input::Admitted, done(json!({})), Input::Admitted]);
    assert!(walk.state.holds_episode());
    assert!(walk.last_request().body.as_ref().is_some_and(|body| body.contains(r#""Text": "p1/hot""#)));
    let walk = walk.all([done(json!({ "d": { "Number": "77" } })), Input::Admitted]);
    assert_eq!(put(&walk), None, "it opens when it settles");
    let walk = walk.feed(done(json!({})));
    assert_eq!((walk.last(), put(&walk)), ("record done", Some(("77", 1))));
    assert!(!walk.state.holds_episode());
}

#[test]
fn a_further_event_updates_the_document_while_it_is_open() {
    let walk = walk().all([joins(), Input::Admitted]);
    assert_eq!(walk.last(), "send GET /svc/Set('77')");
    let walk = walk.all([answer("2"), Input::Admitted]);
    assert_eq!(walk.last(), "send PATCH /svc/Set('77')");
    let expected = r#"{"Text": "Hot, no. 5 since 1970-01-01T00:00:00Z"}"#;
    assert_eq!(walk.last_request().body.as_deref(), Some(expected));
    let walk = walk.feed(done(Value::Null));
    assert_eq!((walk.last(), documents(&walk.state), put(&walk)), ("record done", vec!["77"], Some(("77", 5))));
    let joined = walk.timeline.iter().find(|line| line.kind == TimelineKind::Joined).expect("a line");
    assert_eq!((&joined.detail["document"], &joined.detail["opened_by"]), (&json!("77"), &json!("FIRST")));
}

#[test]
fn a_closed_document_is_followed_by_a_new_episode() {
    let gone = Input::Answered(Answer::Refused { problem: Problem::new(Code::Refused, "404"), status: 404 });
    for closed in [answer("3"), gone] {
        let walk = walk().all([joins(), Input::Admitted, closed]);
        assert_eq!(walk.last(), "admit s4");
        let walk = walk.feed(Input::Admitted);
        assert_eq!(walk.last(), "send GET /equipment");
        assert!(walk.state.results.is_empty(), "templates of the full route see its own answers alone");
        let rest = [done(json!({})), Input::Admitted, done(json!({ "d": { "Number": "78" } })), Input::Admitted];
        let walk = walk.all(rest).feed(done(json!({})));
        assert_eq!((documents(&walk.state), put(&walk)), (vec!["78"], Some(("78", 1))));
    }
}

#[test]
fn what_nobody_can_tell_is_refused() {
    let walk = walk().all([joins(), Input::Admitted, done(json!({ "d": {} }))]);
    assert_eq!((walk.last(), walk.problem().0), ("record refused", Code::MissingPath));
    assert_eq!(put(&walk), None);
    let again = walk.feed(release(Release::Retry { confirmed_absent: false }));
    assert_eq!(again.last(), "join p1/hot", "others went on meanwhile: it asks again");
}

#[test]
fn without_steps_of_its_own_an_event_is_counted() {
    let full = ONCE.split("[[step]]\nname = \"status\"").next().expect("text");
    let young = Walk::new(full, json!({ "equipment": "p1", "fault": "hot" })).feed(joins());
    assert_eq!((young.last(), put(&young)), ("record done", Some(("77", 5))));
    let old = Walk::new(&full.replace("24h", "1m"), json!({ "equipment": "p1", "fault": "hot" })).feed(joins());
    assert_eq!(old.last(), "admit s4", "its time is over");
    let always = Walk::new(&full.replace("for = \"24h\"", ""), json!({ "equipment": "p1", "fault": "hot" }));
    assert_eq!(always.feed(joins()).last(), "record done");
}

#[test]
fn keys_are_bounded_and_refused_before_anything_is_sent() {
    let check = |equipment: &str, code: Code| {
        let once = ONCE.replace("/${{event.data.fault}}", "");
        let walk = Walk::new(&once, json!({ "equipment": equipment }));
        assert_eq!((walk.last(), walk.problem().0), ("record refused", code));
        assert_eq!(walk.state.episode_key(), None);
        let again = walk.feed(release(Release::Retry { confirmed_absent: false }));
        assert_eq!(again.last(), "record refused");
    };
    check(" ", Code::BadBody);
    check(&"x".repeat(201), Code::BadBody);
    assert_eq!(Walk::new(ONCE, json!({ "equipment": "p" })).problem().0, Code::MissingPath);
}

#[test]
fn a_waiting_run_says_for_whom_and_can_be_cancelled() {
    let walk = walk().feed(Input::Behind(RunId::new("R1")));
    let behind = walk.state.episode.as_ref().and_then(|episode| episode.behind.clone());
    assert_eq!(behind, Some(RunId::new("R1")));
    let walk = walk.feed(Input::Behind(RunId::new("R1")));
    assert!(walk.last().starts_with("rejected"), "once is enough");
    let walk = walk.feed(release(Release::Resolve { document: None }));
    assert!(walk.last().starts_with("rejected"));
    let walk = walk.feed(release(Release::Cancel));
    assert_eq!((walk.last(), walk.state.holds_episode()), ("record cancelled", false));
}

#[test]
fn a_document_counts_even_if_a_later_step_is_refused() {
    let to_create = [Input::Episode(None), Input::Admitted, done(json!({})), Input::Admitted];
    let walk = walk().all(to_create).all([done(json!({ "d": { "Number": "77" } })), Input::Admitted, refused()]);
    assert_eq!((walk.last(), put(&walk)), ("record refused", Some(("77", 1))));
    let walk = walk.feed(release(Release::Retry { confirmed_absent: false }));
    assert_eq!(walk.last(), "admit chat", "it goes on where it was");
    let walk = walk.all([Input::Admitted, done(json!({}))]);
    assert_eq!(
        (walk.last(), walk.episodes.len()),
        ("record done", 1),
        "others may have joined: it is not written again"
    );
}

#[test]
fn a_parked_run_holds_its_episode_until_it_is_resolved() {
    let to_create = [Input::Episode(None), Input::Admitted, done(json!({})), Input::Admitted];
    let parking = ONCE.replace(r#"{ kind = "probe", set = "Set", field = "Ref" }"#, r#"{ kind = "park" }"#);
    let walk = Walk::new(&parking, json!({ "equipment": "p1", "fault": "hot" })).all(to_create).feed(lost());
    assert_eq!((walk.last(), walk.state.holds_episode(), put(&walk)), ("record parked", true, None));
    let walk = walk.feed(release(Release::Resolve { document: Some("77".into()) }));
    let walk = walk.all([Input::Admitted, done(json!({}))]);
    assert_eq!((walk.state.holds_episode(), put(&walk)), (false, Some(("77", 1))));
}

#[test]
fn a_refused_full_route_asks_again_and_goes_on_where_it_was() {
    let walk = walk().all([Input::Episode(None), Input::Admitted, done(json!({ "a": 1 })), Input::Admitted, refused()]);
    let retried = walk.feed(release(Release::Retry { confirmed_absent: false }));
    assert_eq!(retried.last(), "join p1/hot");
    let retried = retried.feed(Input::Episode(None)).feed(Input::Admitted);
    assert_eq!((retried.last(), retried.result("read")), ("send POST /svc/Set", &json!({ "a": 1 })));
}

#[test]
fn faults_are_found_when_the_action_is_checked() {
    let check = |from: &str, to: &str, expect: &str| {
        assert!(ONCE.contains(from), "{from}");
        let problems = Action::compile(&Name::new("notify").expect("a name"), &ONCE.replacen(from, to, 1));
        let problems = problems.expect_err("faulty");
        assert!(problems.iter().any(|problem| problem.to_string().contains(expect)), "{expect}: {problems:?}");
    };
    check("document = \"d.Number\"\n", "", "has a main step that names its document");
    check("[episode]\nonce_per = \"${{event.data.equipment}}/${{event.data.fault}}\"\nfor = \"24h\"", "", "[episode]");
    check("for = \"24h\"", "for = \"0s\"", "greater than zero");
    check("/${{event.data.fault}}", "/${{episode.document}}", "is not known");
    check("/${{event.data.fault}}", "/${{pre.read.x}}", "names no earlier pre step");
    check("\"Text\": \"${{episode.key}}\"", "\"Text\": \"${{episode.document}}\"", "is not known");
    check("\"Text\": \"${{episode.key}}\"", "\"Text\": \"${{open-check.status.d}}\"", "no earlier open-check step");
    check("${{open-check.status.d.Text}}", "${{pre.read.x}}", "names no earlier pre step");
    check("values = [\"1\", \"2\"]", "values = []", "at least one value");
    check(
        "stage = \"open-check\"\nkind = \"odata\"\ndestination = \"s4\"\nservice = \"/svc\"\nmethod = \"GET\"",
        "stage = \"open-check\"\nkind = \"odata\"\ndestination = \"s4\"\nservice = \"/svc\"\nmethod = \"DELETE\"",
        "an open-check step reads",
    );
}

/// The stored form of a run in an episode, version 1.
#[test]
fn the_stored_form_with_an_episode_is_golden() {
    let walk = walk().all([joins(), Input::Admitted, answer("1")]);
    let golden = include_str!("../../../tests/golden/run_state_v1_episode.json");
    assert_eq!(serde_json::to_string_pretty(&walk.state).expect("serialises"), golden.trim_end());
    assert_eq!(RunState::parse(golden).expect("parses"), walk.state);
}

/// A destination with documents that are open or closed, and the journal's episode.
#[derive(Default)]
struct World {
    /// Keys of documents in order, and whether each is open; its number is its place, from 1.
    documents: Vec<(String, bool)>,
    episode: Option<OpenEpisode>,
}

impl World {
    fn perform(&mut self, effect: &Effect) -> Option<Input> {
        match effect {
            Effect::Join { .. } => Some(Input::Episode(self.episode.clone())),
            Effect::Admit { .. } => Some(Input::Admitted),
            Effect::WakeAt(_) => Some(Input::Tick),
            Effect::Send { request, .. } => Some(self.send(request)),
            Effect::Probe { query, .. } => {
                let found = self.documents.iter().position(|(key, _)| *key == query.value);
                let one = |at: usize| Found::One(response(json!({ "d": { "Number": (at + 1).to_string() } })));
                Some(Input::Probed(found.map_or(Found::Absent, one)))
            }
            Effect::Record(_) => None,
        }
    }

    fn send(&mut self, request: &Request) -> Input {
        if request.method == "POST" {
            self.documents.push((request.key.to_string(), true));
            return done(json!({ "d": { "Number": self.documents.len().to_string() } }));
        }
        let number = request.path.split('\'').nth(1).and_then(|number| number.parse::<usize>().ok());
        let is_open = number.and_then(|number| self.documents.get(number - 1)).is_some_and(|(_, is_open)| *is_open);
        answer(if is_open { "1" } else { "5" })
    }

    /// The run of one event to its end, killed at one effect, before or after it took place; how many there were.
    fn run(&mut self, id: &str, now: &mut Timestamp, kill: Option<(usize, bool)>) -> usize {
        let action = Action::compile(&Name::new("notify").expect("a name"), ONCE).expect("a valid action");
        let event = Event::new("/pump", id, "anomaly", json!({ "equipment": "p1", "fault": "hot" }));
        let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Tables };
        let mut transition = plan(ctx, 1, Value::Null, Value::Null, *now);
        for effects in 0..100 {
            let [effect] = transition.effects.as_slice() else { panic!("no single effect: {:?}", transition.effects) };
            if let Effect::WakeAt(at) = effect {
                *now = *at;
            }
            if let Some(open) = &transition.episode {
                self.episode = Some(open.clone());
            }
            *now = now.after(Duration::from_millis(1));
            let killed = kill.filter(|(at, _)| *at == effects);
            let input = if killed.is_some_and(|(_, took_place)| !took_place) { None } else { self.perform(effect) };
            let state =
                RunState::parse(&serde_json::to_string(&transition.state).expect("serialises")).expect("parses");
            if state.status().is_settled() {
                assert_eq!(state.status(), RunStatus::Done, "{:?}", state.problem);
                return effects;
            }
            transition = match input.filter(|_| killed.is_none()) {
                Some(input) => step(ctx, state, input, *now),
                None => resume(ctx, state, *now),
            };
            assert_eq!(transition.rejected, None);
        }
        panic!("the run does not end");
    }
}

/// Four events, of which the third finds the document closed: two documents, killed wherever.
#[test]
fn killed_at_every_effect_of_every_route() {
    let check = |killed: usize, kill: Option<(usize, bool)>| {
        let (mut world, mut now, mut effects) = (World::default(), Timestamp::default(), Vec::new());
        for event in 0..4 {
            if event == 2 {
                world.documents.iter_mut().for_each(|(_, is_open)| *is_open = false);
            }
            effects.push(world.run(&event.to_string(), &mut now, kill.filter(|_| event == killed)));
        }
        let open = world.episode.expect("an episode");
        assert_eq!((world.documents.len(), open.document.as_str(), open.count), (2, "2", 2), "{killed} {kill:?}");
        effects
    };
    for (event, effects) in (0..).zip(check(9, None)) {
        for at in 0..effects {
            check(event, Some((at, false)));
            check(event, Some((at, true)));
        }
    }
}
