//! Faults that are told from the plain JSON, in the table's own terms: limits, refused nodes, cells that are not texts.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{TablePlace, label};
use crate::findings::{File, Findings};
use crate::schema;

/// Most nodes in a document.
const MAX_NODES: usize = 50;
/// Most rows in a table.
const MAX_ROWS: usize = 10_000;
/// Most columns in a table, inputs and outputs together.
const MAX_COLUMNS: usize = 200;

/// A list member.
pub(super) fn array<'a>(value: &'a Value, key: &str) -> Option<&'a [Value]> {
    value.get(key)?.as_array().map(Vec::as_slice)
}

/// A text member, empty when there is none.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// What stands against reading the document as ZEN's types.
pub(super) fn faults(file: &File<'_>, document: &Value, nodes: &[Value], edges: &[Value]) -> Findings {
    let mut findings = Findings::new();
    if nodes.len() > MAX_NODES || edges.len() > MAX_NODES * MAX_NODES {
        findings.push(file.error_in("", format!("{} nodes, at most {MAX_NODES} are allowed", nodes.len())));
        return findings;
    }
    if array(document, "imports").is_some_and(|imports| !imports.is_empty()) {
        findings.push(file.error_in("", "imports are not supported: a table reads nothing but its event and lookups"));
    }
    let alone = nodes.iter().filter(|node| text(node, "type") == "decisionTableNode").count() == 1;
    for node in nodes {
        let name = text(node, "name");
        if let Some(why) = refusal(text(node, "type")) {
            findings.push(file.error_in(&format!("node \"{name}\""), why));
        } else if text(node, "type") == "decisionTableNode" {
            findings.extend(table_faults(file, &node["content"], &TablePlace::new(name, alone)));
        } else if let Some(why) = schema::fault(&node["content"]["schema"]) {
            findings.push(file.error_in(&format!("node \"{name}\""), why));
        }
    }
    findings
}

/// Why a type of node is not taken, if so.
fn refusal(kind: &str) -> Option<String> {
    let why = match kind {
        "inputNode" | "outputNode" | "decisionTableNode" | "expressionNode" | "switchNode" => return None,
        "functionNode" => {
            "a function node runs JavaScript, and a decision runs no code: use a table or an expression node"
        }
        "customNode" => {
            "a custom node runs code of its own, and a decision runs none: use a table or an expression node"
        }
        "decisionNode" => "a decision node loads another document, and a decision reads no files: put its rows here",
        "httpNode" | "httpRequestNode" => {
            "a decision makes no network calls: use a lookup, or a pre step of the action"
        }
        "" => "the node has no type",
        other => return Some(format!("nodes of type {other:?} are not known")),
    };
    Some(why.to_owned())
}

fn table_faults(file: &File<'_>, table: &Value, place: &TablePlace) -> Findings {
    let whole = place.whole();
    let (Some(inputs), Some(outputs), Some(rules)) =
        (array(table, "inputs"), array(table, "outputs"), array(table, "rules"))
    else {
        return vec![file.error_in(whole, "a table needs the lists \"inputs\", \"outputs\" and \"rules\"")];
    };
    let mut findings = Findings::new();
    if !matches!(text(table, "hitPolicy"), "first" | "collect") {
        let policy = &table["hitPolicy"];
        findings.push(file.error_in(whole, format!("hit policy {policy} is not known: use \"first\" or \"collect\"")));
    }
    let columns: Vec<&Value> = inputs.iter().chain(outputs).collect();
    if columns.len() > MAX_COLUMNS || rules.len() > MAX_ROWS {
        let what = format!(
            "{} rows and {} columns, at most {MAX_ROWS} and {MAX_COLUMNS} are allowed",
            rules.len(),
            columns.len()
        );
        return vec![file.error_in(whole, what)];
    }
    findings.extend(column_faults(file, &columns, place));
    let labels: HashMap<&str, &str> =
        columns.iter().map(|c| (text(c, "id"), label(text(c, "name"), text(c, "field")))).collect();
    for (index, rule) in rules.iter().enumerate() {
        findings.extend(row_faults(file, rule, &labels, place, index + 1));
    }
    findings
}

fn column_faults(file: &File<'_>, columns: &[&Value], place: &TablePlace) -> Findings {
    let mut seen = HashSet::new();
    let twice = columns.iter().filter(|column| !seen.insert(text(column, "id")) || text(column, "id").is_empty());
    twice
        .map(|column| {
            let at = place.column(label(text(column, "name"), text(column, "field")));
            file.error_in(&at, format!("the column's id {:?} is empty or used twice", text(column, "id")))
        })
        .collect()
}

fn row_faults(file: &File<'_>, rule: &Value, labels: &HashMap<&str, &str>, place: &TablePlace, row: usize) -> Findings {
    let Some(cells) = rule.as_object() else {
        return vec![file.error_in(&place.row(row), "a row is an object of cell texts by column id")];
    };
    let not_text = cells.iter().filter(|(_, cell)| !cell.is_string());
    not_text
        .map(|(id, cell)| {
            let column = labels.get(id.as_str()).copied().unwrap_or(id);
            let what = format!("a cell is a text that holds an expression, not {cell}: write {:?}", cell.to_string());
            file.error_in(&place.cell(row, column), what)
        })
        .collect()
}
