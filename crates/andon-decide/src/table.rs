//! A decision table, compiled.
//!
//! A table's meaning is ZEN's: the same expressions, compiled by ZEN and run by its machine. What differs is the way:
//! an index (`index.rs`) leaves only the rows that may hit, and only the cells that it could not decide are run
//! (`sight.rs`).

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use andon_model::RowHit;
use serde_json::Value;
use zen_engine::model::{DecisionTableContent, DecisionTableHitPolicy};
use zen_expression::Variable;
use zen_expression::compiler::Opcode;
use zen_expression::intellisense::IntelliSense;
use zen_expression::intellisense::values::cell::CellConstraint;

use crate::expression::{Code, Compiler, Fault, Kind};
use crate::findings::{File, Findings};
use crate::index::{ColumnIndex, MAX_WORDS};
use crate::jdm::{self, TablePlace};
use crate::sight::{OutputFault, Sight};

/// A compiled table.
#[derive(Debug)]
pub(crate) struct Table {
    collect: bool,
    /// What it looks at.
    pub(crate) columns: Vec<Column>,
    /// What it puts out.
    pub(crate) outputs: Vec<OutputColumn>,
    /// Its rows, in order.
    pub(crate) rows: Vec<Row>,
}

/// An input column.
#[derive(Debug)]
pub(crate) struct Column {
    /// How evidence names it: its field, or its name when it has none.
    pub(crate) label: String,
    /// What it looks at; without it, each cell is a condition of its own.
    pub(crate) field: Option<Code>,
    /// Which rows a value fits, for cells whose meaning is known.
    pub(crate) index: Option<ColumnIndex>,
}

/// An output column.
#[derive(Debug)]
pub(crate) struct OutputColumn {
    /// How findings name it.
    pub(crate) label: String,
    /// Path of the value in the row's output.
    pub(crate) path: Vec<String>,
}

/// A row.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its identifier in the document.
    pub(crate) id: String,
    /// Its own description.
    pub(crate) note: String,
    /// Column position and test of every cell that is not empty.
    pub(crate) tests: Vec<(usize, Code)>,
    /// Output position and value of every cell that is not empty.
    pub(crate) values: Vec<(usize, Output)>,
}

/// The value of an output cell.
#[derive(Debug)]
pub(crate) enum Output {
    /// The same for every event.
    Constant(Value),
    /// To be computed.
    Computed(Code),
}

impl From<Code> for Output {
    fn from(code: Code) -> Self {
        match code.as_ref() {
            [Opcode::PushString(text)] => Self::Constant(Value::from(text.as_ref())),
            [Opcode::PushBool(truth)] => Self::Constant(Value::from(*truth)),
            [Opcode::PushNull] => Self::Constant(Value::Null),
            _ => Self::Computed(code),
        }
    }
}

/// The text of a row's cell, trimmed; empty when it has none.
pub(crate) fn cell<'r, S: BuildHasher>(rule: &'r HashMap<Arc<str>, Arc<str>, S>, id: &str) -> &'r str {
    rule.get(id).map_or("", |text| text.trim())
}

impl Table {
    /// Compiles every expression; each fault is told with row, column and position.
    pub(crate) fn compile(
        content: &DecisionTableContent,
        file: &File<'_>,
        place: &TablePlace,
        compiler: &mut Compiler,
    ) -> Result<Self, Findings> {
        let mut build = Build { content, file, place, compiler, findings: Findings::new() };
        let columns = build.columns();
        let rows = (0..content.rules.len()).map(|row| build.row(row)).collect();
        if !build.findings.is_empty() {
            return Err(build.findings);
        }
        let outputs = content.outputs.iter().map(|output| OutputColumn {
            label: jdm::label(&output.name, &output.field).to_owned(),
            path: output.write_path().0.split('.').map(str::to_owned).collect(),
        });
        let collect = content.hit_policy == DecisionTableHitPolicy::Collect;
        Ok(Self { collect, columns, outputs: outputs.collect(), rows })
    }

    /// Adds the index.
    pub(crate) fn with_index(mut self, content: &DecisionTableContent, intellisense: &mut IntelliSense) -> Self {
        let mut words = MAX_WORDS;
        for (column, input) in self.columns.iter_mut().zip(content.inputs.iter()) {
            if column.field.is_some() {
                let texts = content.rules.iter().map(|rule| cell(rule, &input.id));
                let cells: Vec<_> =
                    texts.map(|text| CellConstraint::parse(intellisense, text, true, true, false)).collect();
                column.index = ColumnIndex::build(&cells, &mut words);
            }
        }
        self
    }

    /// The rows that hit, in order; at most one under the policy `first`.
    pub(crate) fn evaluate(&self, context: &Variable) -> Result<Vec<RowHit>, OutputFault> {
        let mut sight = Sight::new(self, context);
        let candidates = sight.candidates();
        let mut hits = Vec::new();
        for row in candidates.iter() {
            if sight.hits(row) {
                hits.push(sight.report(row)?);
                if !self.collect {
                    break;
                }
            }
        }
        Ok(hits)
    }
}

/// A compilation under way.
struct Build<'a> {
    content: &'a DecisionTableContent,
    file: &'a File<'a>,
    place: &'a TablePlace,
    compiler: &'a mut Compiler,
    findings: Findings,
}

impl Build<'_> {
    fn columns(&mut self) -> Vec<Column> {
        let content = self.content;
        content
            .inputs
            .iter()
            .map(|input| {
                let source = input.field.as_deref().unwrap_or("").trim();
                let field = (!source.is_empty()).then(|| self.compiler.compile(source, Kind::Standard));
                let label = if source.is_empty() { input.name.trim() } else { source };
                let at = |place: &TablePlace| place.column(jdm::label(&input.name, source));
                let field = field.and_then(|compiled| self.noted(compiled, at));
                Column { label: label.to_owned(), field, index: None }
            })
            .collect()
    }

    fn row(&mut self, row: usize) -> Row {
        let content = self.content;
        let rule = &content.rules[row];
        let mut tests = Vec::new();
        for (at, input) in content.inputs.iter().enumerate() {
            let kind = if input.field.is_some() { Kind::Unary } else { Kind::Standard };
            let column = jdm::label(&input.name, input.field.as_deref().unwrap_or(""));
            tests.extend(self.cell(row, column, cell(rule, &input.id), kind).map(|code| (at, code)));
        }
        let mut values = Vec::new();
        for (at, output) in content.outputs.iter().enumerate() {
            let column = jdm::label(&output.name, &output.field);
            values.extend(self.cell(row, column, cell(rule, &output.id), Kind::Standard).map(|code| (at, code.into())));
        }
        Row { id: cell(rule, "_id").to_owned(), note: cell(rule, "_description").to_owned(), tests, values }
    }

    fn cell(&mut self, row: usize, column: &str, source: &str, kind: Kind) -> Option<Code> {
        if source.is_empty() {
            return None;
        }
        let compiled = self.compiler.compile(source, kind);
        self.noted(compiled, |place| place.cell(row + 1, column))
    }

    fn noted(&mut self, compiled: Result<Code, Fault>, at: impl Fn(&TablePlace) -> String) -> Option<Code> {
        compiled.map_err(|fault| self.findings.push(self.file.error_in(&at(self.place), fault.to_string()))).ok()
    }
}
