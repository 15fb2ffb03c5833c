//! What is known about the values of templates before there is an event, and what an insertion gives for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::{Key, Lookup, Name};
use serde_json::{Map, Value, json};

use super::Scope;
use super::outline::{Inserted, PathRoot};
use crate::Stage;

/// A key as any run has it: twenty characters, upper case.
const SAMPLE_KEY: &str = "AAAAAAAAAAAAAAAAAAAA";

/// What is known about the values that the templates of one action see.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The decisions that ask for the action; none when nothing can be told.
    pub origins: Vec<Origin>,
    /// Every lookup of the configuration, for `lookup` steps.
    pub lookups: BTreeMap<Name, Arc<Lookup>>,
    /// Every decision that is one table, for `decision` steps.
    pub tables: BTreeMap<Name, KnownTable>,
}

/// A decision that a step may ask.
#[derive(Debug, Clone, Default)]
pub struct KnownTable {
    /// Names of its outputs; `None` when they cannot be told.
    pub outputs: Option<Vec<String>>,
    /// Its rows.
    pub rows: Vec<KnownRow>,
}

/// A decision that asks for an action.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The decision.
    pub decision: Name,
    /// Names of its outputs; `None` when they cannot be told.
    pub outputs: Option<Vec<String>>,
    /// The rows that name the action.
    pub rows: Vec<KnownRow>,
    /// Its lookups by the name of their result: name of the table, and its rows.
    pub lookups: BTreeMap<String, (Name, Arc<Lookup>)>,
}

/// A row of a decision table, as far as it is the same for every event.
#[derive(Debug, Clone, Default)]
pub struct KnownRow {
    /// Counted from 1.
    pub number: usize,
    /// The outputs whose values are known.
    pub output: Map<String, Value>,
    /// Names of outputs that are computed from the event.
    pub open: Vec<String>,
}

/// The values that an insertion is tried with; what is `None` is not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    /// A row of a decision table.
    pub decision: Option<&'a KnownRow>,
    /// Results of lookups by their names.
    pub lookups: Option<&'a Map<String, Value>>,
    /// What a step of Andon's own answers.
    pub answer: Option<SeenAnswer<'a>>,
}

/// The answer of a `lookup` or `decision` step, as far as it is known: what is not in `body` is not known.
#[derive(Debug, Clone, Copy)]
pub struct SeenAnswer<'a> {
    /// The step's stage.
    pub stage: Stage,
    /// The step's name.
    pub step: &'a str,
    /// The answer.
    pub body: &'a Value,
}

impl SeenAnswer<'_> {
    fn holds(&self, stage: Stage, keys: &[String]) -> bool {
        let Some((first, keys)) = keys.split_first() else { return false };
        let found = keys.iter().try_fold(self.body, |value, key| value.get(key));
        self.stage == stage && self.step == first && found.is_some()
    }
}

impl Seen<'_> {
    fn knows(&self, root: PathRoot, keys: &[String]) -> bool {
        let first = keys.first().map_or("", String::as_str);
        match root {
            PathRoot::Decision => self.decision.is_some_and(|row| !row.open.iter().any(|open| open == first)),
            PathRoot::Lookups => self.lookups.is_some_and(|lookups| lookups.contains_key(first)),
            PathRoot::Run => first == "key",
            PathRoot::Answer(stage) => self.answer.is_some_and(|answer| answer.holds(stage, keys)),
            PathRoot::Event | PathRoot::Episode => false,
        }
    }
}

impl Inserted<'_> {
    /// What it gives for what is known: `None` when it also reads something else, the reason when it fails.
    pub fn value(&self, seen: &Seen<'_>) -> Option<Result<Value, String>> {
        let paths = self.expression.paths();
        let named = self.paths();
        if paths.is_empty() || !named.iter().all(|path| seen.knows(path.root, &path.keys)) {
            return None;
        }
        let decision = seen.decision.map_or(Value::Null, |row| Value::Object(row.output.clone()));
        let lookups = seen.lookups.map_or(Value::Null, |lookups| Value::Object(lookups.clone()));
        let mut scope = Scope::new(Value::Null, &decision, &lookups);
        scope.set_run(json!({}), &Key::new(SAMPLE_KEY));
        if let Some(SeenAnswer { stage, step, body }) = seen.answer {
            scope.add_answer(stage, step, body);
        }
        let value = self.expression.evaluate(&scope).map(std::borrow::Cow::into_owned);
        Some(value.map_err(|(_, what)| what))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Form, Template};
    use super::*;

    #[test]
    fn insertions_are_computed_for_what_is_known() {
        let row = KnownRow {
            number: 1,
            output: json!({"text": "Pump", "n": 2}).as_object().cloned().unwrap_or_default(),
            open: vec!["late".into()],
        };
        let lookups = json!({"site": {"plant": "1010"}}).as_object().cloned().unwrap_or_default();
        let body = json!({"group": "920"});
        let answer = Some(SeenAnswer { stage: Stage::Pre, step: "place", body: &body });
        let seen = Seen { decision: Some(&row), lookups: Some(&lookups), answer };
        let check = |expression: &str, expect: Option<Result<Value, &str>>| {
            let template = Template::compile(&format!("${{{{{expression}}}}}"), Form::Text, "t").expect("valid");
            let found = template.insertions()[0].value(&seen);
            let found = found.map(|value| value.map_err(|what| what.split(' ').take(4).collect::<Vec<_>>().join(" ")));
            assert_eq!(found, expect.map(|value| value.map_err(str::to_owned)), "for {expression}");
        };
        check("decision.text | left(2)", Some(Ok(json!("Pu"))));
        check("decision.n", Some(Ok(json!(2))));
        check("lookups.site.plant ~ '-' ~ decision.text", Some(Ok(json!("1010-Pump"))));
        check("pre.place.group ~ '!'", Some(Ok(json!("920!"))));
        check("pre.place.name", None);
        check("main.place.group", None);
        check("pre.other.group", None);
        check("key", Some(Ok(json!(SAMPLE_KEY))));
        check("decision.late", None);
        check("event.id", None);
        check("decision.text ~ event.id", None);
        check("lookups.other.plant", None);
        check("decision.none", Some(Err("decision.none: decision has no")));
        check("decision.none | default('x')", Some(Ok(json!("x"))));
    }
}
