//! What is legal in a table but probably not meant. Everything found here is a warning.
//!
//! Rows that can never hit come from ZEN's own analysis. Gaps and overlaps are looked for here: ZEN does not know that
//! a lookup is either listed or `null`, and does not report overlaps. A cell whose meaning cannot be told counts as
//! fitting everything where gaps are looked for, and silences its rows where overlaps are, so that nothing is reported
//! that is not there.

mod gaps;
mod grid;
mod overlaps;
mod unreachable;

use zen_engine::model::{DecisionTableContent, GraphContent};

use crate::context::LookupPlan;
use crate::findings::{File, Findings};
use crate::jdm::{self, TablePlace};
use crate::table;

/// Checks the tables of a document. In a `graph`, whose nodes may change what a table sees, gaps are left to ZEN.
pub(crate) fn table(content: &GraphContent, file: &File<'_>, lookups: &[LookupPlan], graph: bool) -> Findings {
    let mut findings = unreachable::find(content, file, graph);
    for (_, table, place) in jdm::tables(content) {
        findings.extend(empty_outputs(table, file, &place));
        let grid = grid::Grid::new(table);
        findings.extend(overlaps::find(table, &grid, lookups, file, &place));
        if !graph {
            findings.extend(gaps::find(&grid, lookups, file, &place));
        }
    }
    findings
}

/// Rows that put out nothing.
fn empty_outputs(content: &DecisionTableContent, file: &File<'_>, place: &TablePlace) -> Findings {
    let rows = content.rules.iter().enumerate();
    let empty = rows.filter(|(_, rule)| content.outputs.iter().all(|output| table::cell(rule, &output.id).is_empty()));
    let what = "the row puts out nothing: write \"none\" as its action if that is meant";
    empty.map(|(row, _)| file.warning_in(&place.row(row + 1), what)).collect()
}
