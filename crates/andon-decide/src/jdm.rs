//! `tables/<name>.json`: reading a JDM document, with every limit and refusal.
//!
//! The document is first read as plain JSON, so that each fault is told in the table's own terms – node, row, column –
//! and only then as ZEN's types.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use andon_model::Code;
use serde_json::Value;
use zen_engine::Decision;
use zen_engine::model::{
    DecisionEdge, DecisionNode, DecisionNodeKind, DecisionTableContent, GraphContent, TransformExecutionMode,
};

use crate::findings::{File, Findings};
use crate::schema;

/// Longest document, in bytes.
const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
/// Most nodes in a document.
const MAX_NODES: usize = 50;
/// Most rows in a table.
const MAX_ROWS: usize = 10_000;
/// Most columns in a table, inputs and outputs together.
const MAX_COLUMNS: usize = 200;

/// How the parts of a table are named in findings.
#[derive(Debug, Clone)]
pub(crate) struct TablePlace(String);

impl TablePlace {
    /// Place of a node: silent when it is the document's only table.
    fn new(node_name: &str, alone: bool) -> Self {
        Self(if alone { String::new() } else { format!("table \"{node_name}\" ") })
    }

    /// The table as a whole.
    pub(crate) fn whole(&self) -> &str {
        self.0.trim_end()
    }

    /// A row, counted from 1.
    pub(crate) fn row(&self, row: usize) -> String {
        format!("{}row {row}", self.0)
    }

    /// A column.
    pub(crate) fn column(&self, column: &str) -> String {
        format!("{}column \"{column}\"", self.0)
    }

    /// A cell, its row counted from 1.
    pub(crate) fn cell(&self, row: usize, column: &str) -> String {
        format!("{}row {row}, column \"{column}\"", self.0)
    }
}

/// The name of a column as the editor shows it.
pub(crate) fn label<'a>(name: &'a str, field: &'a str) -> &'a str {
    if name.trim().is_empty() { field.trim() } else { name.trim() }
}

/// Reads and checks the structure of a document; expressions are not looked at.
pub(crate) fn read(file: &File<'_>) -> Result<GraphContent, Findings> {
    if file.text.len() > MAX_TEXT_BYTES {
        let what = format!("the table has {} bytes, at most {MAX_TEXT_BYTES} are read", file.text.len());
        return Err(vec![file.error_in("", what)]);
    }
    let document: Value = serde_json::from_str(file.text).map_err(|error| {
        vec![file.error_on(Code::ConfigurationSyntax, error.line(), error.column().max(1), without_place(&error))]
    })?;
    let (Some(nodes), Some(edges)) = (array(&document, "nodes"), array(&document, "edges")) else {
        return Err(vec![file.error_in("", "not a JDM document: it needs the lists \"nodes\" and \"edges\"")]);
    };
    let findings = raw_faults(file, &document, nodes, edges);
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut content = GraphContent::default();
    content.nodes = typed::<DecisionNode>(file, "node", nodes)?;
    content.edges = typed::<DecisionEdge>(file, "edge", edges)?;
    let findings = structure_faults(file, &content);
    if findings.is_empty() { Ok(content) } else { Err(findings) }
}

/// The document's tables, in its order, with their places.
pub(crate) fn tables(content: &GraphContent) -> Vec<(&DecisionNode, &DecisionTableContent, TablePlace)> {
    let found: Vec<_> = content
        .nodes
        .iter()
        .filter_map(|node| match &node.kind {
            DecisionNodeKind::DecisionTableNode { content } => Some((node.as_ref(), content)),
            _ => None,
        })
        .collect();
    let alone = found.len() == 1;
    found.into_iter().map(|(node, table)| (node, table, TablePlace::new(&node.name, alone))).collect()
}

/// The table, when the document is nothing but input → table → output and the table does nothing out of the ordinary.
pub(crate) fn plain_table(content: &GraphContent) -> Option<&DecisionTableContent> {
    let [(node, table, _)] = tables(content).try_into().ok()?;
    let plain_end = |other: &DecisionNode| match &other.kind {
        DecisionNodeKind::InputNode { content } => content.schema.is_none(),
        DecisionNodeKind::OutputNode { content } => content.schema.is_none(),
        _ => other.id == node.id,
    };
    let chain = content.nodes.len() <= 3
        && content.edges.len() + 1 == content.nodes.len()
        && content.nodes.iter().all(|other| plain_end(other))
        && content.edges.iter().all(|edge| edge.target_id == node.id || edge.source_id == node.id);
    let attributes = &table.transform_attributes;
    let ordinary = attributes.input_field.is_none()
        && attributes.output_path.is_none()
        && attributes.execution_mode == TransformExecutionMode::Single
        && table.outputs.iter().all(|output| !output.field.contains("[]"))
        && !mentions_nodes(table);
    (chain && ordinary).then_some(table)
}

/// Whether a cell or field reads `$nodes`, which only a whole graph has.
fn mentions_nodes(table: &DecisionTableContent) -> bool {
    let in_field = table.inputs.iter().filter_map(|input| input.field.as_deref()).any(|f| f.contains("$nodes"));
    in_field || table.rules.iter().flat_map(|rule| rule.values()).any(|cell| cell.contains("$nodes"))
}

fn array<'a>(value: &'a Value, key: &str) -> Option<&'a [Value]> {
    value.get(key)?.as_array().map(Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn raw_faults(file: &File<'_>, document: &Value, nodes: &[Value], edges: &[Value]) -> Findings {
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
            findings.extend(raw_table_faults(file, &node["content"], &TablePlace::new(name, alone)));
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

fn raw_table_faults(file: &File<'_>, table: &Value, place: &TablePlace) -> Findings {
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
        findings.extend(raw_row_faults(file, rule, &labels, place, index + 1));
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

fn raw_row_faults(
    file: &File<'_>,
    rule: &Value,
    labels: &HashMap<&str, &str>,
    place: &TablePlace,
    row: usize,
) -> Findings {
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

fn typed<T: serde::de::DeserializeOwned>(
    file: &File<'_>,
    what: &str,
    values: &[Value],
) -> Result<Vec<Arc<T>>, Findings> {
    let mut findings = Findings::new();
    let mut items = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match serde_json::from_value(value.clone()) {
            Ok(item) => items.push(Arc::new(item)),
            Err(error) => {
                let name = if text(value, "name").is_empty() {
                    (index + 1).to_string()
                } else {
                    format!("{:?}", text(value, "name"))
                };
                findings.push(file.error_in(&format!("{what} {name}"), without_place(&error)));
            }
        }
    }
    if findings.is_empty() { Ok(items) } else { Err(findings) }
}

fn structure_faults(file: &File<'_>, content: &GraphContent) -> Findings {
    let mut findings = Findings::new();
    let mut ids = HashSet::new();
    for node in content.nodes.iter().filter(|node| !ids.insert(&node.id)) {
        findings.push(file.error_in(&format!("node \"{}\"", node.name), format!("the id {:?} is used twice", node.id)));
    }
    if let Err(error) = Decision::from(Arc::new(content.clone())).validate() {
        findings.push(file.error_in("", format!("the nodes do not form a decision: {error}")));
        return findings;
    }
    let reached = reached(content);
    for node in content.nodes.iter().filter(|node| !reached.contains(node.id.as_ref())) {
        let what = "no connection leads here from the input node";
        findings.push(file.error_in(&format!("node \"{}\"", node.name), what));
    }
    if tables(content).is_empty() {
        findings.push(file.error_in("", "there is no decision table in it"));
    }
    findings
}

/// Identifiers of the nodes that can be reached from the input node.
fn reached(content: &GraphContent) -> HashSet<&str> {
    let input = |node: &&Arc<DecisionNode>| matches!(node.kind, DecisionNodeKind::InputNode { .. });
    let mut open: Vec<&str> = content.nodes.iter().filter(input).map(|node| node.id.as_ref()).collect();
    let mut reached = HashSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            let next = content.edges.iter().filter(|edge| edge.source_id.as_ref() == id);
            open.extend(next.map(|edge| edge.target_id.as_ref()));
        }
    }
    reached
}

/// The JSON error without its own ` at line 3 column 5`.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
