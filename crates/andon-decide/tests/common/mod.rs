//! Building blocks of the tests: tables from rows of cell texts, and a library to hold them.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_decide::{DecisionModel, Findings, Library};
use andon_model::{Event, Lookup, Name};
use serde_json::{Map, Value, json};

/// A library in memory.
#[derive(Default)]
pub(crate) struct Shelf {
    tables: BTreeMap<String, String>,
    lookups: BTreeMap<String, Arc<Lookup>>,
}

impl Shelf {
    pub(crate) fn with_table(mut self, name: &str, text: &str) -> Self {
        self.tables.insert(name.into(), text.into());
        self
    }

    pub(crate) fn with_lookup(mut self, name: &str, csv: &str) -> Self {
        self.lookups.insert(name.into(), Arc::new(Lookup::parse_csv(csv).expect("a lookup")));
        self
    }
}

impl Library for Shelf {
    fn table(&self, name: &Name) -> Option<&str> {
        self.tables.get(name.as_str()).map(String::as_str)
    }

    fn lookup(&self, name: &Name) -> Option<Arc<Lookup>> {
        self.lookups.get(name.as_str()).cloned()
    }
}

/// The content of a table node. Column identifiers are `i0`, `i1`, … and `o0`, `o1`, …; row identifiers `r1`, `r2`, …
pub(crate) fn table_content(policy: &str, inputs: &[&str], outputs: &[&str], rows: &[Vec<String>]) -> Value {
    let columns = |prefix: &str, fields: &[&str]| -> Vec<Value> {
        fields
            .iter()
            .enumerate()
            .map(|(at, f)| json!({"id": format!("{prefix}{at}"), "name": "", "field": f}))
            .collect()
    };
    let ids: Vec<String> =
        (0..inputs.len()).map(|at| format!("i{at}")).chain((0..outputs.len()).map(|at| format!("o{at}"))).collect();
    let rules = rows.iter().enumerate().map(|(number, cells)| {
        let mut rule: Map<String, Value> = ids.iter().cloned().zip(cells.iter().map(|c| json!(c))).collect();
        rule.insert("_id".into(), json!(format!("r{}", number + 1)));
        Value::Object(rule)
    });
    json!({"hitPolicy": policy, "inputs": columns("i", inputs), "outputs": columns("o", outputs),
        "rules": rules.collect::<Vec<_>>()})
}

/// A document of input → table → output.
pub(crate) fn document(table: &Value) -> Value {
    json!({
        "nodes": [
            {"id": "in", "name": "In", "type": "inputNode"},
            {"id": "t", "name": "T", "type": "decisionTableNode", "content": table},
            {"id": "out", "name": "Out", "type": "outputNode"}],
        "edges": [{"id": "e1", "sourceId": "in", "targetId": "t"}, {"id": "e2", "sourceId": "t", "targetId": "out"}]
    })
}

/// Cell texts from literals.
pub(crate) fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
    cells.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect()
}

/// A document from rows of cell texts.
pub(crate) fn table(policy: &str, inputs: &[&str], outputs: &[&str], cells: &[&[&str]]) -> String {
    document(&table_content(policy, inputs, outputs, &rows(cells))).to_string()
}

/// Compiles a decision over one table, with the lookup `asset` keyed by `event.data.equipment`.
pub(crate) fn compile(table: &str) -> Result<DecisionModel, Findings> {
    let text = "table = 't'\n[lookups.asset]\ntable = 'equipment'\nkey = ['event.data.equipment']\n";
    compile_with(text, table)
}

/// Compiles a decision file over one table `t`; the lookup `equipment` lists `pump-01`.
pub(crate) fn compile_with(decision: &str, table: &str) -> Result<DecisionModel, Findings> {
    let shelf = Shelf::default()
        .with_table("t", table)
        .with_lookup("equipment", "equipment*,plant,location\npump-01,1010,CWS\n");
    DecisionModel::compile(&Name::new("d").expect("a name"), decision, &shelf)
}

/// An event with this payload.
pub(crate) fn event(data: Value) -> Event {
    Event::new("s", "1", "t", data)
}

/// Findings as `place: detail`.
pub(crate) fn told(findings: &Findings) -> Vec<String> {
    findings.iter().map(|(_, p)| format!("{}: {}", p.place.as_deref().unwrap_or(""), p.detail)).collect()
}
