//! The outputs of a decision: what columns they may have, and which actions they ask for.
//!
//! The output `action` is a text or a list of texts, each the name of an action; empty, `none` or missing asks for none.

use std::collections::BTreeSet;

use andon_model::Name;
use serde_json::{Map, Value};
use zen_engine::model::{DecisionNodeKind, DecisionTableContent, GraphContent};
use zen_expression::intellisense::IntelliSense;

use crate::findings::{File, Findings};
use crate::jdm::{self, TablePlace};
use crate::literal;
use crate::table;

/// The output that names actions.
pub(crate) const ACTION: &str = "action";
/// The name that asks for no action.
const NO_ACTION: &str = "none";

/// The names of actions in an `action` output.
fn names(action: &Value) -> Result<Vec<Name>, String> {
    let texts: Vec<&str> = match action {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text],
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().ok_or_else(|| format!("the output action holds {item}, which is not a text")))
            .collect::<Result<_, _>>()?,
        other => return Err(format!("the output action is {other}, but must be a text or a list of texts")),
    };
    texts.into_iter().filter(|text| asks(text)).map(|text| Name::new(text).map_err(|e| e.to_string())).collect()
}

fn asks(text: &str) -> bool {
    !text.is_empty() && text != NO_ACTION
}

/// The actions that outputs ask for, each with the position of the first output that does.
pub(crate) fn actions(outputs: &[Value]) -> Result<Vec<(Name, usize)>, String> {
    let mut actions: Vec<(Name, usize)> = Vec::new();
    for (at, output) in outputs.iter().enumerate() {
        for name in names(output.get(ACTION).unwrap_or(&Value::Null))? {
            if !actions.iter().any(|(known, _)| *known == name) {
                actions.push((name, at));
            }
        }
    }
    Ok(actions)
}

/// A document's result as a list of outputs, without what a table merely passed through.
pub(crate) fn of_result(result: Value, context_names: &BTreeSet<String>) -> Result<Vec<Value>, String> {
    let items = match result {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        other => vec![other],
    };
    let mut outputs = Vec::new();
    for item in items {
        match item {
            Value::Object(object) => outputs.extend(own_part(object, context_names)),
            other => return Err(format!("the document puts out {other}, which is not an object")),
        }
    }
    Ok(outputs)
}

fn own_part(mut object: Map<String, Value>, context_names: &BTreeSet<String>) -> Option<Value> {
    object.retain(|key, _| !context_names.contains(key));
    (!object.is_empty()).then_some(Value::Object(object))
}

/// What the cells of a document say about actions.
#[derive(Debug, Default)]
pub(crate) struct NamedActions {
    /// The actions that are named as such.
    pub(crate) names: BTreeSet<Name>,
    /// Places where a name is computed.
    pub(crate) computed: Vec<String>,
}

/// Checks the output columns of a document and finds the actions that it names.
pub(crate) fn inspect(
    content: &GraphContent,
    file: &File<'_>,
    context_names: &BTreeSet<String>,
    intellisense: &mut IntelliSense,
) -> Result<NamedActions, Findings> {
    let mut inspection = Inspection { file, intellisense, named: NamedActions::default(), findings: Findings::new() };
    let mut has_action = false;
    for (_, table, place) in jdm::tables(content) {
        inspection.columns(table, &place, context_names);
        has_action |= table.outputs.iter().any(|output| output.field.trim() == ACTION);
    }
    for node in &content.nodes {
        if let DecisionNodeKind::ExpressionNode { content } = &node.kind {
            for expression in content.expressions.iter().filter(|e| e.key.trim() == ACTION) {
                has_action = true;
                inspection.cell(&expression.value, &format!("node \"{}\", key \"{ACTION}\"", node.name));
            }
        }
    }
    if !has_action {
        let what = "no output column \"action\": it names the action to run, \"none\" for none";
        inspection.findings.push(file.error_in("", what));
    }
    if inspection.findings.is_empty() { Ok(inspection.named) } else { Err(inspection.findings) }
}

struct Inspection<'a> {
    file: &'a File<'a>,
    intellisense: &'a mut IntelliSense,
    named: NamedActions,
    findings: Findings,
}

impl Inspection<'_> {
    fn columns(&mut self, content: &DecisionTableContent, place: &TablePlace, context_names: &BTreeSet<String>) {
        let mut paths: Vec<Vec<&str>> = Vec::new();
        for output in content.outputs.iter() {
            let label = jdm::label(&output.name, &output.field);
            let path: Vec<&str> = output.write_path().0.split('.').map(str::trim).collect();
            if let Some(what) = path_fault(&path, &paths, context_names) {
                self.findings.push(self.file.error_in(&place.column(label), what));
            }
            paths.push(path);
            if output.field.trim() == ACTION {
                for (row, rule) in content.rules.iter().enumerate() {
                    self.cell(table::cell(rule, &output.id), &place.cell(row + 1, label));
                }
            }
        }
    }

    fn cell(&mut self, source: &str, place: &str) {
        if source.trim().is_empty() {
            return;
        }
        let Some(texts) = literal::texts(self.intellisense, source) else {
            self.named.computed.push(place.to_owned());
            return;
        };
        for text in texts.iter().filter(|text| asks(text)) {
            match Name::new(text) {
                Ok(name) => {
                    self.named.names.insert(name);
                }
                Err(error) => self.findings.push(self.file.error_in(place, error.to_string())),
            }
        }
    }
}

fn path_fault(path: &[&str], others: &[Vec<&str>], context_names: &BTreeSet<String>) -> Option<String> {
    if path.iter().any(|part| part.is_empty()) {
        return Some("an output column needs a field, such as action or notification.text".to_owned());
    }
    if context_names.contains(path[0]) {
        return Some(format!("an output cannot be called {}: that is what the table reads", path[0]));
    }
    let clash = others.iter().find(|other| other.iter().zip(path).all(|(a, b)| a == b))?;
    Some(format!("two output columns write to {}", clash.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn actions_are_texts_or_lists_of_texts() {
        let check = |outputs: Value, expect: Result<&[(&str, usize)], &str>| {
            let found = actions(outputs.as_array().expect("a list"));
            match (found, expect) {
                (Ok(found), Ok(expect)) => {
                    let found: Vec<_> = found.iter().map(|(name, at)| (name.as_str(), *at)).collect();
                    assert_eq!(found, expect, "{outputs}");
                }
                (Err(found), Err(expect)) => assert!(found.contains(expect), "{outputs}: {found}"),
                (found, expect) => panic!("{outputs}: {found:?}, expected {expect:?}"),
            }
        };
        check(json!([]), Ok(&[]));
        check(json!([{}, {"action": null}, {"action": ""}, {"action": "none"}, {"action": []}]), Ok(&[]));
        check(json!([{"action": "b"}, {"action": ["a", "b", "none"]}]), Ok(&[("b", 0), ("a", 1)]));
        check(json!([{"action": 5}]), Err("must be a text"));
        check(json!([{"action": ["a", 5]}]), Err("not a text"));
        check(json!([{"action": "Not A Name"}]), Err("is not a name"));
    }

    #[test]
    fn results_lose_what_was_passed_through() {
        let names = BTreeSet::from(["event".to_owned()]);
        assert_eq!(of_result(json!({"event": {}, "a": 1}), &names), Ok(vec![json!({"a": 1})]));
        assert_eq!(of_result(json!({"event": {}}), &names), Ok(vec![]));
        assert_eq!(of_result(json!([{"a": 1}, {"b": 2}]), &names), Ok(vec![json!({"a": 1}), json!({"b": 2})]));
        assert_eq!(of_result(Value::Null, &names), Ok(vec![]));
        assert!(of_result(json!([5]), &names).is_err());
    }
}
