//! The test cases that a decision carries.

use andon_model::{Code, Event, Name, Problem, Severity};
use serde_json::Value;
use toml::Spanned;

use crate::decision_file::{Case, Expect, table_to_json};
use crate::findings::{File, Findings};
use crate::model::{DecisionModel, Evaluation};

/// A case, ready to run.
#[derive(Debug)]
pub(crate) struct CompiledCase {
    name: String,
    place: String,
    event: Event,
    actions: Option<Vec<Name>>,
    rows: Option<Vec<usize>>,
    output: Option<Value>,
}

/// Reads the cases' events.
pub(crate) fn compile(file: &File<'_>, cases: &[Spanned<Case>], findings: &mut Findings) -> Vec<CompiledCase> {
    let mut compiled = Vec::with_capacity(cases.len());
    for spanned in cases {
        let case = spanned.get_ref();
        match serde_json::from_value(table_to_json(&case.event)) {
            Ok(event) => compiled.push(CompiledCase::new(file, spanned, event)),
            Err(error) => {
                let what = format!("the event of case {:?} is not a CloudEvent: {error}", case.name);
                findings.push(file.error_at(Code::ConfigurationValue, &spanned.span(), what));
            }
        }
    }
    compiled
}

impl CompiledCase {
    fn new(file: &File<'_>, spanned: &Spanned<Case>, event: Event) -> Self {
        let case = spanned.get_ref();
        let (line, column) = crate::findings::line_and_column(file.text, spanned.span().start);
        let Expect { actions, rows, output } = &case.expect;
        Self {
            name: case.name.clone(),
            place: format!("{} line {line} column {column}", file.path),
            event,
            actions: actions.clone(),
            rows: rows.clone(),
            output: output.as_ref().map(table_to_json),
        }
    }

    /// Decides the event and compares. An event that the decision is not for hits no row.
    pub(crate) fn run(&self, model: &DecisionModel) -> Option<(Severity, Problem)> {
        let differences = if model.matches(&self.event) {
            match model.evaluate(&self.event) {
                Ok(found) => self.differences(&found),
                Err(problem) => vec![problem.to_string()],
            }
        } else {
            let nothing = Evaluation {
                rows: Vec::new(),
                outputs: Vec::new(),
                actions: Vec::new(),
                lookups: serde_json::Map::new(),
            };
            let mut found = self.differences(&nothing);
            if !found.is_empty() {
                found.insert(0, "the decision is not [on] such an event".to_owned());
            }
            found
        };
        let what = || format!("case {:?}: {}", self.name, differences.join("; "));
        (!differences.is_empty())
            .then(|| (Severity::Error, Problem::new(Code::CaseFailed, what()).at(self.place.clone())))
    }

    fn differences(&self, found: &Evaluation) -> Vec<String> {
        let rows: Vec<usize> = found.rows.iter().map(|row| row.row).collect();
        let actions: Vec<&Name> = found.actions.iter().map(|(name, _)| name).collect();
        let mut differences = Vec::new();
        if let Some(expected) = self.rows.as_ref().filter(|expected| **expected != rows) {
            differences.push(format!("expected rows {expected:?}, found {rows:?}"));
        }
        if let Some(expected) = self.actions.as_ref().filter(|expected| !expected.iter().eq(actions.iter().copied())) {
            differences.push(format!("expected actions {expected:?}, found {actions:?}"));
        }
        if let Some(expected) = &self.output {
            let nothing = Value::Object(serde_json::Map::new());
            compare("output", expected, found.outputs.first().unwrap_or(&nothing), &mut differences);
        }
        differences
    }
}

/// Compares what is expected with a part of what was found; objects may have more members than expected.
fn compare(path: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                compare(&format!("{path}.{key}"), value, found.get(key).unwrap_or(&Value::Null), differences);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if expected == found => {}
        _ => differences.push(format!("expected {path} = {expected}, found {found}")),
    }
}
