//! One action with every kind of step, killed at every one of its effects in turn, before and after the
//! effect took place: nothing is lost, and nothing is there twice.

use std::collections::BTreeSet;

use super::table::Tables;
use super::*;
use crate::{Request, StepKind};

const EVERY_KIND: &str = r#"
[[step]]
name = "place"
stage = "pre"
kind = "lookup"
lookup = "plants"
key = { plant = "1010" }
[[step]]
name = "read"
stage = "pre"
kind = "http"
destination = "s4"
method = "GET"
path = "/Set"
[[step]]
name = "rules"
stage = "pre"
kind = "decision"
destination = "rules"
body = '{"Group": "${{pre.place.group}}"}'
[[step]]
name = "sum"
stage = "pre"
kind = "summary"
destination = "llm"
api = "openai"
model = "m"
prompt = "p"
fallback = "f"
[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/svc"
guard = { kind = "probe", set = "Set", field = "Ref" }
changeset = [{ method = "POST", path = "Set", body = '{"Ref": "${{key}}", "Text": "${{pre.sum.text}}"}' }]
[[step]]
name = "rate"
stage = "post"
kind = "decision"
table = "severity"
[[step]]
name = "upload"
stage = "post"
kind = "attachment"
destination = "s4"
service = "/att"
attachment = "${{event.data.digest}}"
file_name = "${{main.create.responses[0].status}}-${{key}}.png"
guard = { kind = "probe", list = "All", field = "FileName" }
[[step]]
name = "order"
stage = "post"
kind = "odata-v4"
destination = "s4"
service = "/v4"
method = "POST"
path = "Set"
body = '{"Text": "Order ${{key}}"}'
guard = { kind = "probe", set = "Set", field = "Text", match = "contains" }
[[step]]
name = "close"
stage = "post"
kind = "odata"
destination = "s4"
service = "/svc"
method = "MERGE"
path = "Set('1')"
if_match = "read"
"#;

/// Steps of which a document must exist exactly once.
const CREATING: [&str; 3] = ["create", "upload", "order"];

/// A destination that does what it is asked.
#[derive(Default)]
struct World {
    /// Keys of documents, in the order in which they were made.
    made: Vec<String>,
    asked_model: usize,
}

impl World {
    fn send(&mut self, request: &Request) -> Input {
        let body = match request.kind {
            StepKind::Decision => json!({ "Result": [{ "ActionId": "a" }] }),
            StepKind::Summary => {
                self.asked_model += 1;
                json!({ "choices": [{ "message": { "content": "Hot." } }] })
            }
            _ if request.changeset.is_empty() => json!({ "d": {} }),
            _ => json!({ "responses": [{ "status": 201, "body": {} }] }),
        };
        if request.method == "POST" && request.kind.is_odata() {
            self.made.push(request.key.to_string());
        }
        done(body)
    }

    /// Performs an effect and says what comes of it; `None` when the run has ended.
    fn perform(&mut self, effect: &Effect) -> Option<Input> {
        match effect {
            Effect::Join { .. } => Some(Input::Episode(None)),
            Effect::Admit { .. } => Some(Input::Admitted),
            Effect::WakeAt(_) => Some(Input::Tick),
            Effect::Send { request, .. } => Some(self.send(request)),
            Effect::Probe { query, .. } => {
                let count = self.made.iter().filter(|key| **key == query.value).count();
                Some(Input::Probed(match count {
                    0 => Found::Absent,
                    1 => Found::One(response(json!({ "d": {} }))),
                    several => Found::Several(several),
                }))
            }
            Effect::Record(_) => None,
        }
    }
}

/// When the process is killed: at which effect, and whether that still took place.
type Kill = (usize, bool);

/// Runs to the end; how many effects that took.
fn run(kills: &[Kill]) -> (World, RunState, usize) {
    let action = Action::compile(&Name::new("notify").expect("a name"), EVERY_KIND).expect("a valid action");
    let event = Event::new("/pump", "1", "anomaly", json!({ "digest": "ab".repeat(32), "severity": 1 }));
    let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Tables };
    let mut world = World::default();
    let mut now = Timestamp::default();
    let mut transition = plan(ctx, 1, Value::Null, Value::Null, now);
    for effects in 0..200 {
        let [effect] = transition.effects.as_slice() else { panic!("no single effect: {:?}", transition.effects) };
        if let Effect::WakeAt(at) = effect {
            now = *at;
        }
        let kill = kills.iter().find(|(at, _)| *at == effects);
        let input = match kill {
            Some((_, false)) => Some(Input::Tick),
            _ => world.perform(effect),
        };
        let Some(input) = input else { return (world, transition.state, effects) };
        now = now.after(Duration::from_millis(1));
        let stored = serde_json::to_string(&transition.state).expect("serialises");
        let state = RunState::parse(&stored).expect("parses");
        if state.status().is_settled() {
            return (world, state, effects);
        }
        transition = if kill.is_some() { resume(ctx, state, now) } else { step(ctx, state, input, now) };
        assert_eq!(transition.rejected, None);
    }
    panic!("the run does not end");
}

fn check(kills: &[Kill]) {
    let (world, state, _) = run(kills);
    assert_eq!(state.status(), RunStatus::Done, "{kills:?}: {:?}", state.problem);
    let different: BTreeSet<&String> = world.made.iter().collect();
    assert_eq!((world.made.len(), different.len()), (CREATING.len(), CREATING.len()), "{kills:?}: {:?}", world.made);
    assert!(world.asked_model <= 1, "{kills:?}");
    assert_eq!(state.results.len(), 9, "{kills:?}: every step has its answer");
}

#[test]
fn killed_at_every_effect_in_turn() {
    let (_, _, effects) = run(&[]);
    for at in 0..effects {
        check(&[(at, false)]);
        check(&[(at, true)]);
    }
}

#[test]
fn killed_at_every_two_effects() {
    let (_, _, effects) = run(&[]);
    for first in 0..effects {
        for second in first + 1..effects + 6 {
            check(&[(first, first % 2 == 0), (second, second % 2 == 1)]);
            check(&[(first, true), (second, true)]);
        }
    }
}
