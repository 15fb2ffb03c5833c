//! What came of a file: counts, and the first faults.

use andon_model::Problem;
use serde::Serialize;

use crate::output::Grid;

/// Most faults that are named; the others are counted.
const MAX_NAMED_FAULTS: usize = 1_000;

/// Most faults in a table.
const MAX_SHOWN_FAULTS: usize = 50;

/// What came of all lines.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) lines: u64,
    pub(super) onboarded: u64,
    pub(super) unchanged: u64,
    /// Keys that were made on this machine.
    pub(super) keys_made: u64,
    pub(super) faulty: u64,
    /// The first of these, each with its line.
    pub(super) faults: Vec<(u64, Problem)>,
}

impl Report {
    pub(super) fn count(&mut self, outcome: &str) {
        self.lines += 1;
        if outcome == "onboarded" {
            self.onboarded += 1;
        } else {
            self.unchanged += 1;
        }
    }

    pub(super) fn fault(&mut self, line: u64, problem: Problem) {
        self.lines += 1;
        self.faulty += 1;
        if self.faults.len() < MAX_NAMED_FAULTS {
            self.faults.push((line, problem));
        }
    }
}

pub(super) fn table(report: &Report) -> Grid {
    let mut grid = Grid::pairs();
    let counts = [
        ("lines", report.lines),
        ("onboarded", report.onboarded),
        ("were there", report.unchanged),
        ("keys made here", report.keys_made),
        ("faults", report.faulty),
    ];
    for (what, count) in counts {
        grid.pair(what, count.to_string());
    }
    for (line, problem) in report.faults.iter().take(MAX_SHOWN_FAULTS) {
        grid.pair(&format!("line {line}"), problem.to_string());
    }
    grid
}
