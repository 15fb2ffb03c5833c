//! What checks report, and how places are written.

use std::ops::Range;

use andon_model::{Code, Problem, Severity};

/// What a check found: how bad it is, and what stands where.
///
/// Places read `decisions/x.toml line 4 column 1`, `tables/x.json line 12 column 5` or
/// `tables/x.json row 3, column "score"`.
pub type Findings = Vec<(Severity, Problem)>;

/// Whether a finding refuses the configuration.
pub(crate) fn has_errors(findings: &Findings) -> bool {
    findings.iter().any(|(severity, _)| *severity == Severity::Error)
}

/// A file under check: makes findings that start with its path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    /// Path in the scenario, such as `tables/maintenance.json`.
    pub(crate) path: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
}

impl File<'_> {
    /// A finding at a byte range of the text.
    pub(crate) fn error_at(&self, code: Code, bytes: &Range<usize>, what: impl Into<String>) -> (Severity, Problem) {
        let (line, column) = line_and_column(self.text, bytes.start);
        self.error_on(code, line, column, what)
    }

    /// A finding at a line and column, both counted from 1.
    pub(crate) fn error_on(
        &self,
        code: Code,
        line: usize,
        column: usize,
        what: impl Into<String>,
    ) -> (Severity, Problem) {
        let place = format!("{} line {line} column {column}", self.path);
        (Severity::Error, Problem::new(code, what).at(place))
    }

    /// A finding about a part of a table, such as `row 3, column "score"`; the whole file when `part` is empty.
    pub(crate) fn error_in(&self, part: &str, what: impl Into<String>) -> (Severity, Problem) {
        (Severity::Error, self.table_problem(part, what))
    }

    /// The same, as a warning.
    pub(crate) fn warning_in(&self, part: &str, what: impl Into<String>) -> (Severity, Problem) {
        (Severity::Warning, self.table_problem(part, what))
    }

    fn table_problem(&self, part: &str, what: impl Into<String>) -> Problem {
        let place = if part.is_empty() { self.path.to_owned() } else { format!("{} {part}", self.path) };
        Problem::new(Code::DecisionTable, what).at(place)
    }
}

/// Line and column (in characters), counted from 1, of a byte offset.
pub(crate) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        for (byte, expect) in [(0, (1, 1)), (1, (1, 2)), (3, (1, 3)), (4, (2, 1)), (99, (2, 2)), (2, (1, 2))] {
            assert_eq!(line_and_column("aä\nb", byte), expect, "at byte {byte}");
        }
    }
}
