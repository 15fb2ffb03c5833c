//! From the texts of a decision's parts to what evaluates events.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_model::Code as ProblemCode;
use zen_engine::model::{DecisionNodeKind, GraphContent};

use crate::context::LookupPlan;
use crate::decision_file::{DecisionFile, LookupUse};
use crate::expression::{Code, Compiler, Kind, Names};
use crate::findings::{File, Findings, has_errors};
use crate::jdm;
use crate::model::Library;
use crate::outputs::{self, NamedActions};
use crate::table::Table;

/// How a document is evaluated.
#[derive(Debug)]
pub(crate) enum Plan {
    /// One table and nothing else: by this crate.
    Table(Table),
    /// Anything more: by ZEN's engine.
    Graph,
}

/// A JDM document, ready to evaluate.
pub(crate) struct CompiledTable {
    /// The document.
    pub(crate) content: Arc<GraphContent>,
    /// How it is evaluated.
    pub(crate) plan: Plan,
    /// The actions that its cells name.
    pub(crate) named: NamedActions,
}

/// What expressions of the table may read.
pub(crate) fn context_names(lookups: &[LookupPlan]) -> Names {
    let columns = |plan: &LookupPlan| plan.lookup.value_columns().iter().cloned().collect();
    let mut names: Names = lookups.iter().map(|plan| (plan.alias.clone(), Some(columns(plan)))).collect();
    names.insert("event".to_owned(), None);
    names
}

/// The lookups that a decision names, with their keys compiled; what is wrong with them goes to `findings`.
pub(crate) fn lookups(
    file: &File<'_>,
    decision: &DecisionFile,
    library: &dyn Library,
    findings: &mut Findings,
) -> Vec<LookupPlan> {
    let mut compiler = Compiler::new(Some([("event".to_owned(), None)].into()));
    let mut plans = Vec::new();
    for (alias, used) in &decision.lookups {
        let Some(lookup) = library.lookup(used.table.get_ref()) else {
            let what = format!("there is no lookups/{}.csv that can be used", used.table.get_ref());
            findings.push(file.error_at(ProblemCode::ConfigurationReference, &used.table.span(), what));
            continue;
        };
        let columns = lookup.key_columns();
        if columns.len() != used.key.len() {
            let what = format!(
                "the key has {} parts, but lookup {} is keyed by {}",
                used.key.len(),
                used.table.get_ref(),
                columns.join(", ")
            );
            findings.push(file.error_at(ProblemCode::ConfigurationValue, &used.table.span(), what));
        }
        let key = compile_key(file, used, &mut compiler, findings);
        plans.push(LookupPlan { alias: alias.clone(), table: used.table.get_ref().clone(), lookup, key });
    }
    plans
}

fn compile_key(
    file: &File<'_>,
    used: &LookupUse,
    compiler: &mut Compiler,
    findings: &mut Findings,
) -> Vec<(String, Code)> {
    let mut key = Vec::with_capacity(used.key.len());
    for part in &used.key {
        match compiler.compile(part.get_ref(), Kind::Standard) {
            Ok(code) => key.push((part.get_ref().clone(), code)),
            Err(fault) => {
                findings.push(file.error_at(ProblemCode::ConfigurationValue, &part.span(), fault.to_string()));
            }
        }
    }
    key
}

/// Compiles a JDM document for a decision with these lookups.
pub(crate) fn table(file: &File<'_>, lookups: &[LookupPlan]) -> Result<CompiledTable, Findings> {
    let mut content = jdm::read(file)?;
    let readable = context_names(lookups);
    let taken: BTreeSet<String> = readable.keys().cloned().collect();
    // In a larger document, nodes may add names and change lookups' results on the way.
    let is_plain = jdm::plain_table(&content).is_some();
    let mut expressions = Compiler::new(is_plain.then_some(readable));
    let mut findings = Findings::new();
    let mut last = None;
    for (_, table, place) in jdm::tables(&content) {
        match Table::compile(table, file, &place, &mut expressions) {
            Ok(table) => last = Some(table),
            Err(faults) => findings.extend(faults),
        }
    }
    findings.extend(node_faults(&content, file, &mut expressions));
    if has_errors(&findings) {
        return Err(findings);
    }
    let named = outputs::inspect(&content, file, &taken, expressions.intellisense())?;
    let plan = if let (Some(source), Some(table)) = (jdm::plain_table(&content), last) {
        Plan::Table(table.with_index(source, expressions.intellisense()))
    } else {
        content.compile();
        Plan::Graph
    };
    Ok(CompiledTable { content: Arc::new(content), plan, named })
}

/// Faults in the expressions outside tables' cells.
fn node_faults(content: &GraphContent, file: &File<'_>, compiler: &mut Compiler) -> Findings {
    let mut findings = Findings::new();
    let mut check = |node: &str, what: &str, source: &str| {
        if !source.trim().is_empty() {
            let at = format!("node \"{node}\", {what}");
            let fault = compiler.compile(source, Kind::Standard).err();
            findings.extend(fault.map(|fault| file.error_in(&at, fault.to_string())));
        }
    };
    for node in &content.nodes {
        let attributes = match &node.kind {
            DecisionNodeKind::ExpressionNode { content } => {
                content.expressions.iter().for_each(|e| check(&node.name, &format!("key \"{}\"", e.key), &e.value));
                Some(&content.transform_attributes)
            }
            DecisionNodeKind::SwitchNode { content } => {
                content.statements.iter().for_each(|s| check(&node.name, "condition", &s.condition));
                None
            }
            DecisionNodeKind::DecisionTableNode { content } => Some(&content.transform_attributes),
            _ => None,
        };
        if let Some(field) = attributes.and_then(|attributes| attributes.input_field.as_deref()) {
            check(&node.name, "input field", field);
        }
    }
    findings
}
