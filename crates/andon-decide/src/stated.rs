//! What a decision is known to say before any event comes: for checks of what reads it.

use std::sync::Arc;

use andon_model::{Lookup, Name};
use serde_json::{Map, Number, Value};
use zen_engine::model::DecisionTableContent;
use zen_expression::compiler::Opcode;
use zen_expression::intellisense::IntelliSense;

use crate::compile::Plan;
use crate::model::DecisionModel;
use crate::outputs::ACTION;
use crate::table::{self, Output, Row, Table};
use crate::{jdm, literal};

/// Most values of one cell that are told.
const MAX_ALTERNATIVES: usize = 16;

/// What a table is known to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// Names of its outputs: the first part of each column's path.
    pub outputs: Vec<String>,
    /// Its rows; a row whose cells choose between texts stands here once for each choice.
    pub rows: Vec<StatedRow>,
}

/// What a row is known to say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatedRow {
    /// Counted from 1.
    pub number: usize,
    /// The actions that it names; `None` when their names are computed.
    pub actions: Option<Vec<String>>,
    /// The outputs that are the same for every event.
    pub output: Map<String, Value>,
    /// Names of the outputs that are computed from the event.
    pub open: Vec<String>,
}

impl DecisionModel {
    /// What the decision is known to say; `None` when it is more than one table.
    pub fn stated(&self) -> Option<Stated> {
        let (Plan::Table(compiled), Some(content)) = (self.plan(), jdm::plain_table(self.content())) else {
            return None;
        };
        let first = |path: &Vec<String>| path.first().map(|part| part.trim().to_owned()).unwrap_or_default();
        let mut outputs: Vec<String> = compiled.outputs.iter().map(|output| first(&output.path)).collect();
        outputs.sort_unstable();
        outputs.dedup();
        let mut intellisense = IntelliSense::new();
        let rows = compiled.rows.iter().enumerate();
        let rows = rows.flat_map(|(at, row)| Reading { compiled, content, at, row }.rows(&mut intellisense)).collect();
        Some(Stated { outputs, rows })
    }

    /// The lookups by the name of their result, with the name of the table.
    pub fn lookups(&self) -> impl Iterator<Item = (&str, &Name, &Arc<Lookup>)> {
        self.lookup_plans().iter().map(|plan| (plan.alias.as_str(), &plan.table, &plan.lookup))
    }
}

/// A row under inspection.
struct Reading<'a> {
    compiled: &'a Table,
    content: &'a DecisionTableContent,
    at: usize,
    row: &'a Row,
}

impl Reading<'_> {
    fn rows(&self, intellisense: &mut IntelliSense) -> Vec<StatedRow> {
        let cells: Vec<(&[String], Option<Vec<Value>>)> = self
            .row
            .values
            .iter()
            .filter_map(|(column, output)| {
                let path = self.compiled.outputs.get(*column)?.path.as_slice();
                Some((path, self.alternatives(*column, output, intellisense)))
            })
            .collect();
        let most = cells.iter().filter_map(|(_, values)| values.as_ref().map(Vec::len)).max().unwrap_or(1);
        (0..most.clamp(1, MAX_ALTERNATIVES)).map(|choice| self.chosen(&cells, choice)).collect()
    }

    /// The row in which every cell makes this choice, or its last.
    fn chosen(&self, cells: &[(&[String], Option<Vec<Value>>)], choice: usize) -> StatedRow {
        let mut row = StatedRow { number: self.at + 1, actions: Some(Vec::new()), ..StatedRow::default() };
        for (path, values) in cells {
            let is_action = matches!(path, [name] if name == ACTION);
            if is_action {
                row.actions = values.as_ref().map(|values| values.iter().flat_map(texts).collect());
            }
            if let Some(values) = values {
                put(&mut row.output, path, values.get(choice).or(values.last()).cloned().unwrap_or_default());
            } else {
                row.open.extend(path.first().cloned());
            }
        }
        row
    }

    /// The values that a cell can give; `None` when they are computed.
    fn alternatives(&self, column: usize, output: &Output, intellisense: &mut IntelliSense) -> Option<Vec<Value>> {
        let code = match output {
            Output::Constant(value) => return Some(vec![value.clone()]),
            Output::Computed(code) => code,
        };
        if let [Opcode::PushNumber(number)] = code.as_ref() {
            return Some(vec![Value::Number(number.to_string().parse::<Number>().ok()?)]);
        }
        let rule = self.content.rules.get(self.at)?;
        let source = table::cell(rule, &self.content.outputs.get(column)?.id);
        let is_list = source.starts_with('[');
        let texts: Vec<Value> = literal::texts(intellisense, source)?.into_iter().map(Value::from).collect();
        if is_list { Some(vec![Value::Array(texts)]) } else { Some(texts) }
    }
}

/// The texts of a value or of its entries.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(entries) => entries.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Puts a value where a column's path leads.
fn put(output: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => drop(output.insert(name.clone(), value)),
        [name, rest @ ..] => {
            let inner = output.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Library;

    struct One(String);

    impl Library for One {
        fn table(&self, _: &Name) -> Option<&str> {
            Some(&self.0)
        }

        fn lookup(&self, _: &Name) -> Option<Arc<Lookup>> {
            None
        }
    }

    fn stated(action: &str, text: &str) -> Vec<StatedRow> {
        let row = json!({"_id": "1", "i": "> 1", "a": action, "x": text});
        let outputs = json!([{"id": "a", "name": "A", "field": "action"}, {"id": "x", "name": "X", "field": "d.text"}]);
        let inputs = json!([{"id": "i", "name": "I", "field": "event.data.n"}]);
        let content = json!({"hitPolicy": "first", "inputs": inputs, "outputs": outputs, "rules": [row]});
        let nodes = json!([
            {"id": "in", "type": "inputNode", "name": "in"},
            {"id": "t", "type": "decisionTableNode", "name": "t", "content": content},
            {"id": "out", "type": "outputNode", "name": "out"},
        ]);
        let edges =
            json!([{"id": "1", "sourceId": "in", "targetId": "t"}, {"id": "2", "sourceId": "t", "targetId": "out"}]);
        let library = One(json!({"nodes": nodes, "edges": edges}).to_string());
        let name = Name::new("d").expect("a name");
        let model = DecisionModel::compile(&name, "table = \"t\"\n", &library).expect("valid");
        let stated = model.stated().expect("one table");
        assert_eq!(stated.outputs, ["action", "d"]);
        stated.rows
    }

    #[test]
    fn cells_are_told_as_far_as_they_are_the_same_for_every_event() {
        let check = |action: &str, text: &str, expect: &[Value], open: &[&str]| {
            let rows = stated(action, text);
            let outputs: Vec<Value> = rows.iter().map(|row| Value::Object(row.output.clone())).collect();
            assert_eq!(outputs, expect, "{action} {text}");
            assert_eq!(rows[0].open, open, "{action} {text}");
        };
        check("\"go\"", "\"Stop\"", &[json!({"action": "go", "d": {"text": "Stop"}})], &[]);
        check("\"go\"", "", &[json!({"action": "go"})], &[]);
        check("\"go\"", "5", &[json!({"action": "go", "d": {"text": 5}})], &[]);
        check("\"go\"", "\"Stop \" + event.id", &[json!({"action": "go"})], &["d"]);
        let choices = [json!({"action": "go", "d": {"text": "a"}}), json!({"action": "go", "d": {"text": "b"}})];
        check("\"go\"", "event.data.n > 2 ? \"a\" : \"b\"", &choices, &[]);
        assert_eq!(stated("[\"go\", \"come\"]", "")[0].actions, Some(vec!["go".to_owned(), "come".to_owned()]));
        assert_eq!(stated("event.data.action", "")[0].actions, None);
    }
}
