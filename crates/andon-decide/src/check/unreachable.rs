//! Rows that can never hit, by ZEN's analysis.

use std::sync::Arc;

use zen_engine::Workspace;
use zen_engine::model::{DecisionContent, DecisionTableContent, GraphContent};
use zen_engine::workspace::{Diagnostic, DiagnosticCode};

use crate::findings::{File, Findings};
use crate::jdm::{self, TablePlace};
use crate::table;

/// Most findings of a table that are told one by one.
const MAX_TOLD: usize = 50;

/// The rows of all tables that can never hit or say the same twice. In a `graph` also the inputs without a row.
pub(super) fn find(content: &GraphContent, file: &File<'_>, graph: bool) -> Findings {
    let mut workspace = Workspace::new();
    workspace.set_document(file.path, DecisionContent::Graph(Arc::new(content.clone())));
    let diagnostics = workspace.diagnostics(file.path);
    let mut findings = Findings::new();
    for (node, table, place) in jdm::tables(content) {
        let own = diagnostics.iter().filter(|d| d.location.block_id.as_ref() == Some(&node.id));
        let all: Vec<_> = own.filter(|d| of_interest(d.code, graph) && !hits_without_value(table, d)).collect();
        for diagnostic in all.iter().take(MAX_TOLD) {
            findings.push(file.warning_in(&at(diagnostic, &place), diagnostic.message.clone()));
        }
        if all.len() > MAX_TOLD {
            let what = format!("{} more rows never hit or say the same twice", all.len() - MAX_TOLD);
            findings.push(file.warning_in(place.whole(), what));
        }
    }
    findings
}

fn of_interest(code: DiagnosticCode, graph: bool) -> bool {
    match code {
        DiagnosticCode::UnsatisfiableCell
        | DiagnosticCode::UnreachableRule
        | DiagnosticCode::DuplicateRule
        | DiagnosticCode::TableChecksIncomplete => true,
        DiagnosticCode::MissingCases => graph,
        _ => false,
    }
}

/// Whether a row that is told to be unreachable can hit after all. ZEN takes it that every column has a value; a
/// computed one may have none, as `len(…)` of what is missing. Then an empty cell matches and no test does, so a row
/// with an empty cell there is not hidden by one that tests.
fn hits_without_value(table: &DecisionTableContent, diagnostic: &Diagnostic) -> bool {
    let row = row_of(diagnostic).and_then(|row| row.checked_sub(1));
    let (DiagnosticCode::UnreachableRule, Some(row)) = (diagnostic.code, row) else { return false };
    let Some(rule) = table.rules.get(row) else { return false };
    let is_computed = |field: &str| !field.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    let computed = table.inputs.iter().filter(|input| input.field.as_deref().is_some_and(is_computed));
    let mut empty_here = computed.filter(|input| table::cell(rule, &input.id).is_empty());
    empty_here.any(|input| table.rules[..row].iter().any(|rule| !table::cell(rule, &input.id).is_empty()))
}

fn row_of(diagnostic: &Diagnostic) -> Option<usize> {
    diagnostic.args.get("row").and_then(|row| row.parse().ok())
}

fn at(diagnostic: &Diagnostic, place: &TablePlace) -> String {
    match row_of(diagnostic) {
        Some(row) => place.row(row),
        None => place.whole().to_owned(),
    }
}
