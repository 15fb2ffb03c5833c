//! Rows that can never hit, by ZEN's analysis.

use std::sync::Arc;

use zen_engine::Workspace;
use zen_engine::model::{DecisionContent, GraphContent};
use zen_engine::workspace::{Diagnostic, DiagnosticCode};

use crate::findings::{File, Findings};
use crate::jdm::{self, TablePlace};

/// Most findings of a table that are told one by one.
const MAX_TOLD: usize = 50;

/// The rows of all tables that can never hit or say the same twice. In a `graph` also the inputs without a row.
pub(super) fn find(content: &GraphContent, file: &File<'_>, graph: bool) -> Findings {
    let mut workspace = Workspace::new();
    workspace.set_document(file.path, DecisionContent::Graph(Arc::new(content.clone())));
    let diagnostics = workspace.diagnostics(file.path);
    let mut findings = Findings::new();
    for (node, _, place) in jdm::tables(content) {
        let own = diagnostics.iter().filter(|d| d.location.block_id.as_ref() == Some(&node.id));
        let all: Vec<_> = own.filter(|d| of_interest(d.code, graph)).collect();
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

fn at(diagnostic: &Diagnostic, place: &TablePlace) -> String {
    match diagnostic.args.get("row").and_then(|row| row.parse().ok()) {
        Some(row) => place.row(row),
        None => place.whole().to_owned(),
    }
}
