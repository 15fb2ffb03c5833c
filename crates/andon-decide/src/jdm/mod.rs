//! `tables/<name>.json`: reading a JDM document, with every limit and refusal.
//!
//! The document is first read as plain JSON, so that each fault is told in the table's own terms – node, row, column –
//! and only then as ZEN's types.

use std::collections::HashSet;
use std::sync::Arc;

use andon_model::Code;
use serde_json::Value;
use zen_engine::Decision;
use zen_engine::model::{
    DecisionEdge, DecisionNode, DecisionNodeKind, DecisionTableContent, GraphContent, TransformExecutionMode,
};

use crate::findings::{File, Findings};

mod raw;

/// Longest document, in bytes.
const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
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
    let (Some(nodes), Some(edges)) = (raw::array(&document, "nodes"), raw::array(&document, "edges")) else {
        return Err(vec![file.error_in("", "not a JDM document: it needs the lists \"nodes\" and \"edges\"")]);
    };
    let findings = raw::faults(file, &document, nodes, edges);
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
                let name = if raw::text(value, "name").is_empty() {
                    (index + 1).to_string()
                } else {
                    format!("{:?}", raw::text(value, "name"))
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
