//! What a template can see, and what is said when something is not there.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use andon_model::Key;
use serde_json::Value;

use super::path::{Path, Root, Segment};
use crate::Stage;

/// Most keys that an error lists.
const MAX_KEYS_LISTED: usize = 10;

/// Most characters of a key that an error shows.
const MAX_KEY_CHARS: usize = 64;

/// What a template can see. Decision, lookups and answers are borrowed, so it is cheap to make.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    event: Value,
    decision: Cow<'a, Value>,
    lookups: Cow<'a, Value>,
    run: Value,
    episode: Value,
    answers: Vec<Answered<'a>>,
    /// In a preview: the paths into answers that are not there yet, as they are met.
    open: Option<Rc<RefCell<BTreeSet<String>>>>,
}

/// What a completed step was answered.
#[derive(Debug, Clone)]
struct Answered<'a> {
    stage: Stage,
    step: &'a str,
    body: Cow<'a, Value>,
}

impl<'a> Scope<'a> {
    /// * `event`: the event in its JSON form.
    /// * `decision`: the output of the decision table's row.
    /// * `lookups`: an object, alias → the values found, or `null` where nothing was.
    pub fn new(event: Value, decision: &'a Value, lookups: &'a Value) -> Self {
        let (decision, lookups) = (Cow::Borrowed(decision), Cow::Borrowed(lookups));
        Self { event, decision, lookups, run: Value::Null, episode: Value::Null, answers: Vec::new(), open: None }
    }

    /// Adds what a completed step was answered: `body` is `null` when the answer was empty.
    pub fn add_answer(&mut self, stage: Stage, step: &'a str, body: &'a Value) {
        self.answers.push(Answered { stage, step, body: Cow::Borrowed(body) });
    }

    /// Sets what `run` shows (an object) and the duplicate-guard key of the step that is rendered.
    pub fn set_run(&mut self, mut run: Value, key: &Key) {
        if let Value::Object(members) = &mut run {
            members.insert("key".into(), key.as_str().into());
        }
        self.run = run;
    }

    /// Makes it the scope of a preview: an insertion that reads an answer that is not there yet stays as it is written.
    pub fn leave_open(&mut self) {
        self.open = Some(Rc::default());
    }

    /// The paths that were left open so far, in order.
    pub fn left_open(&self) -> Vec<String> {
        self.open.as_ref().map(|open| open.borrow().iter().cloned().collect()).unwrap_or_default()
    }

    /// Whether an insertion of these paths is left open.
    pub(super) fn leaves_open(&self, paths: &[Path]) -> bool {
        let Some(open) = &self.open else { return false };
        let unknown: Vec<String> = paths.iter().filter(|path| !self.is_answered(path)).map(Path::to_string).collect();
        let is_open = !unknown.is_empty();
        open.borrow_mut().extend(unknown);
        is_open
    }

    /// Whether the path leads into something that is there: everything but answers is.
    fn is_answered(&self, path: &Path) -> bool {
        let Root::Answer(stage) = path.root else { return true };
        let named = |answer: &Answered<'_>| path.segments.first().is_some_and(|first| first.is(answer.step));
        self.answers.iter().any(|answer| answer.stage == stage && named(answer))
    }

    /// Sets what `episode` shows, an object.
    pub fn set_episode(&mut self, episode: Value) {
        self.episode = episode;
    }

    /// The value at `path`; when there is none, a sentence that says where it ends.
    pub(super) fn resolve(&self, path: &Path) -> Result<&Value, String> {
        let (mut value, from) = self.start(path)?;
        for (at, segment) in path.segments.iter().enumerate().skip(from) {
            value = descend(value, segment).ok_or_else(|| explain(path, at, value))?;
        }
        Ok(value)
    }

    /// The value to walk from, and how many segments led there.
    fn start(&self, path: &Path) -> Result<(&Value, usize), String> {
        let stage = match path.root {
            Root::Event => return Ok((&self.event, 0)),
            Root::Decision => return Ok((&self.decision, 0)),
            Root::Lookups => return Ok((&self.lookups, 0)),
            Root::Run => return Ok((&self.run, 0)),
            Root::Episode => return Ok((&self.episode, 0)),
            Root::Answer(stage) => stage,
        };
        let answers = || self.answers.iter().filter(|answer| answer.stage == stage);
        match answers().find(|answer| path.segments.first().is_some_and(|first| first.is(answer.step))) {
            Some(answer) => Ok((&answer.body, 1)),
            None => Err(no_key(path, 0, &mut answers().map(|answer| answer.step))),
        }
    }
}

impl Scope<'_> {
    /// The value at `path`, to be changed; `None` where there is none.
    pub(super) fn value_mut(&mut self, path: &Path) -> Option<&mut Value> {
        let (value, from) = match path.root {
            Root::Event => (&mut self.event, 0),
            Root::Decision => (self.decision.to_mut(), 0),
            Root::Lookups => (self.lookups.to_mut(), 0),
            Root::Run => (&mut self.run, 0),
            Root::Episode => (&mut self.episode, 0),
            Root::Answer(stage) => {
                let is_meant = |a: &&mut Answered<'_>| {
                    a.stage == stage && path.segments.first().is_some_and(|first| first.is(a.step))
                };
                (self.answers.iter_mut().find(is_meant)?.body.to_mut(), 1)
            }
        };
        path.segments[from..].iter().try_fold(value, descend_mut)
    }
}

pub(super) fn descend_mut<'a>(value: &'a mut Value, segment: &Segment) -> Option<&'a mut Value> {
    match (value, segment) {
        (Value::Object(members), Segment::Key(key)) => members.get_mut(&**key),
        (Value::Array(entries), segment) => {
            let at = index_of(segment, entries.len())?;
            entries.get_mut(at)
        }
        _ => None,
    }
}

/// The place that a segment names in a list.
fn index_of(segment: &Segment, length: usize) -> Option<usize> {
    match segment {
        Segment::Key(key) => key.parse().ok(),
        Segment::Index(index) if *index < 0 => usize::try_from(i64::try_from(length).ok()?.checked_add(*index)?).ok(),
        Segment::Index(index) => usize::try_from(*index).ok(),
    }
}

fn descend<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match (value, segment) {
        (Value::Object(members), Segment::Key(key)) => members.get(&**key),
        (Value::Array(entries), segment) => entries.get(index_of(segment, entries.len())?),
        _ => None,
    }
}

/// Why `value`, which the first `at` segments lead to, has no segment `at`.
fn explain(path: &Path, at: usize, value: &Value) -> String {
    let (prefix, segment) = (path.prefix(at), &path.segments[at]);
    match value {
        Value::Object(members) => no_key(path, at, &mut members.keys().map(String::as_str)),
        Value::Array(entries) => format!("{path}: {prefix} is a list of {}, it has no [{segment}]", entries.len()),
        Value::Null => format!("{path}: {prefix} is null, it has no {segment}"),
        Value::Bool(_) => format!("{path}: {prefix} is true or false, it has no {segment}"),
        Value::Number(_) => format!("{path}: {prefix} is a number, it has no {segment}"),
        Value::String(_) => format!("{path}: {prefix} is a text, it has no {segment}"),
    }
}

fn no_key(path: &Path, at: usize, mut keys: &mut dyn Iterator<Item = &str>) -> String {
    let listed: Vec<String> =
        (&mut keys).take(MAX_KEYS_LISTED).map(|k| k.chars().take(MAX_KEY_CHARS).collect()).collect();
    let more = if keys.next().is_some() { ", …" } else { "" };
    let has = if listed.is_empty() { "it is empty".to_owned() } else { format!("it has: {}{more}", listed.join(", ")) };
    format!("{path}: {} has no {} ({has})", path.prefix(at), path.segments[at])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, expect: Result<Value, &str>) {
        let event =
            json!({"data": {"equipment": "p1", "score": 0.9, "list": [1, 2], "none": null, "a b": {"0": true}}});
        let (decision, lookups) = (json!({"priority": "1"}), json!({"plant": null}));
        let body = json!({"Result": [{"X": 7}]});
        let mut scope = Scope::new(event, &decision, &lookups);
        scope.add_answer(Stage::Pre, "fetch-plant", &body);
        scope.set_run(json!({"id": "r1"}), &Key::new("K"));
        let (path, _) = Path::read(text).expect("well-formed").expect("a path");
        assert_eq!(scope.resolve(&path).cloned(), expect.map_err(str::to_owned), "for {text}");
    }

    #[test]
    fn values_are_found() {
        check("event.data.equipment", Ok(json!("p1")));
        check("event.data.list[-1]", Ok(json!(2)));
        check("event.data.list.0", Ok(json!(1)));
        check("event.data['a b'].0", Ok(json!(true)));
        check("event.data.none", Ok(Value::Null));
        check("pre.fetch-plant.Result[0].X", Ok(json!(7)));
        check("default.any.priority", Ok(json!("1")));
        check("key", Ok(json!("K")));
    }

    #[test]
    fn what_is_missing_is_named() {
        check(
            "event.data.asset.id",
            Err("event.data.asset.id: event.data has no \"asset\" (it has: equipment, score, list, none, a b)"),
        );
        check("event.data.list[2]", Err("event.data.list[2]: event.data.list is a list of 2, it has no [2]"));
        check("event.data.list[-3]", Err("event.data.list[-3]: event.data.list is a list of 2, it has no [-3]"));
        check("event.data.score.x", Err("event.data.score.x: event.data.score is a number, it has no \"x\""));
        check("lookups.plant.name", Err("lookups.plant.name: lookups.plant is null, it has no \"name\""));
        check("pre.other.x", Err("pre.other.x: pre has no \"other\" (it has: fetch-plant)"));
        check("post.other.x", Err("post.other.x: post has no \"other\" (it is empty)"));
    }

    #[test]
    fn at_most_ten_keys_are_listed() {
        let event: Value = (0..12).map(|i| (format!("k{i:02}"), Value::Null)).collect::<serde_json::Map<_, _>>().into();
        let scope = Scope::new(event, &Value::Null, &Value::Null);
        let (path, _) = Path::read("event.x").expect("well-formed").expect("a path");
        let text = scope.resolve(&path).expect_err("missing");
        assert!(text.ends_with("(it has: k00, k01, k02, k03, k04, k05, k06, k07, k08, k09, …)"), "{text}");
    }
}
