//! What templates read of decisions, lookups and earlier answers. Needs no metadata of a service, except for answers.

use andon_act::template::{Form, Inserted, NamedPath, Origin, PathRoot, Seen, Template};
use andon_model::{Code, Severity};

use super::{Check, Text, WrittenStep};
use crate::metadata::suggest::instead;

/// Most rows that a message lists.
const MAX_LISTED: usize = 5;

impl<'a> Check<'a> {
    /// Checks every template of a step.
    pub(super) fn references(&mut self, step: &'a WrittenStep) {
        step.json_texts().for_each(|text| self.references_of(text, Form::Json));
        step.plain_texts().for_each(|text| self.plain_references(text));
    }

    /// Checks a template that is not JSON.
    pub(super) fn plain_references(&mut self, text: &Text) {
        self.references_of(text, Form::Text);
    }

    fn references_of(&mut self, text: &Text, form: Form) {
        // A faulty template is reported when the action is compiled.
        let Ok(template) = Template::compile(text.get_ref(), form, "") else { return };
        for inserted in template.insertions() {
            self.insertion(text, &inserted);
        }
    }

    fn insertion(&mut self, text: &Text, inserted: &Inserted<'_>) {
        let facts = self.facts;
        for path in inserted.paths() {
            let found: Vec<String> = match path.root {
                PathRoot::Decision => {
                    facts.origins.iter().filter_map(|origin| decision_fault(origin, &path, inserted)).collect()
                }
                PathRoot::Lookups => facts.origins.iter().filter_map(|origin| lookup_fault(origin, &path)).collect(),
                PathRoot::Answer(stage) => self.read_answer(stage.as_str(), &path.keys).into_iter().collect(),
                PathRoot::Event | PathRoot::Run | PathRoot::Episode => Vec::new(),
            };
            for what in found {
                let what = format!("{inserted:?}: {what}");
                self.report(Severity::Error, Code::ConfigurationReference, text, inserted.at(), what);
            }
        }
    }
}

/// What is wrong with reading an output of this decision.
fn decision_fault(origin: &Origin, path: &NamedPath, inserted: &Inserted<'_>) -> Option<String> {
    let (outputs, first) = (origin.outputs.as_ref()?, path.keys.first()?);
    if path.provided {
        return None;
    }
    let decision = &origin.decision;
    if !outputs.contains(first) {
        let hint = instead(first, outputs.iter().map(String::as_str));
        return Some(format!("decision {decision} has no output {first}; {hint}"));
    }
    let lacking = origin.rows.iter().filter(|row| {
        let is_there = row.output.contains_key(first) || row.open.contains(first);
        !is_there && inserted.value(&Seen { decision: Some(row), ..Seen::default() }).is_none_or(|value| value.is_err())
    });
    let lacking: Vec<String> = lacking.map(|row| row.number.to_string()).take(MAX_LISTED).collect();
    let is_conditional = inserted.source().contains(" if ");
    if lacking.is_empty() || is_conditional {
        return None;
    }
    let (rows, ask, leave) = if lacking.len() == 1 { ("row", "asks", "leaves") } else { ("rows", "ask", "leave") };
    Some(format!("{rows} {} of decision {decision} {ask} for the action and {leave} {first} empty", lacking.join(", ")))
}

/// What is wrong with reading a lookup of this decision.
fn lookup_fault(origin: &Origin, path: &NamedPath) -> Option<String> {
    let alias = path.keys.first()?;
    let decision = &origin.decision;
    let Some((name, lookup)) = origin.lookups.get(alias) else {
        let hint = instead(alias, origin.lookups.keys().map(String::as_str));
        return (!path.provided).then(|| format!("decision {decision} has no lookup {alias}; {hint}"));
    };
    let column = path.keys.get(1)?;
    let columns = lookup.value_columns();
    let is_known = columns.contains(column);
    let hint = || instead(column, columns.iter().map(String::as_str));
    (!is_known && !path.provided).then(|| format!("lookup {name} has no column {column}; {}", hint()))
}
