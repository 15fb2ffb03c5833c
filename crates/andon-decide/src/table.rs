//! Evaluation of one decision table.
//!
//! A table's meaning is ZEN's: the same expressions, compiled by ZEN and run by its machine. What differs is the way:
//! an index (`index.rs`) leaves only the rows that may hit, and only the cells that it could not decide are run. One
//! difference in effect is meant: a row that hits but whose output cannot be computed is an error here, where ZEN goes
//! on with the next row in silence.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use andon_model::RowHit;
use serde_json::{Map, Value};
use zen_engine::model::{DecisionTableContent, DecisionTableHitPolicy};
use zen_expression::intellisense::IntelliSense;
use zen_expression::intellisense::values::cell::CellConstraint;
use zen_expression::vm::VM;
use zen_expression::{Scope, Variable};

use crate::expression::{Code, Compiler, Fault, Kind};
use crate::findings::{File, Findings};
use crate::index::{ColumnIndex, MAX_WORDS, RowSet};
use crate::jdm::{self, TablePlace};

/// A compiled table.
#[derive(Debug)]
pub(crate) struct Table {
    collect: bool,
    columns: Vec<Column>,
    outputs: Vec<Output>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Column {
    /// How evidence names it: its field, or its name when it has none.
    label: String,
    /// What it looks at; without it, each cell is a condition of its own.
    field: Option<Code>,
    index: Option<ColumnIndex>,
}

#[derive(Debug)]
struct Output {
    label: String,
    /// Path of the value in the row's output.
    path: Vec<String>,
}

#[derive(Debug)]
struct Row {
    id: String,
    note: String,
    /// Column position and test of every cell that is not empty.
    tests: Vec<(usize, Code)>,
    /// Output position and value of every cell that is not empty.
    values: Vec<(usize, Code)>,
}

/// A row hit, but one of its outputs cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row} hits, but its output \"{column}\" cannot be computed: {what}")]
pub(crate) struct OutputFault {
    /// Row, counted from 1.
    pub(crate) row: usize,
    /// The output column.
    pub(crate) column: String,
    /// Why not.
    pub(crate) what: String,
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
        let outputs = content.outputs.iter().map(|output| Output {
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
            values.extend(self.cell(row, column, cell(rule, &output.id), Kind::Standard).map(|code| (at, code)));
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

/// One look of a table at a context.
struct Sight<'a> {
    table: &'a Table,
    vm: VM,
    scope: Scope,
    /// By column: what its field evaluates to; `None` when it has no field, or the field cannot be evaluated.
    values: Vec<Option<Variable>>,
    /// By column: the rows of the index that fit; `None` when the index cannot tell.
    fitting: Vec<Option<&'a RowSet>>,
}

impl<'a> Sight<'a> {
    fn new(table: &'a Table, context: &Variable) -> Self {
        let mut vm = VM::new();
        let scope = Scope::new(context.clone());
        let mut values = Vec::with_capacity(table.columns.len());
        let mut fitting = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let value = column.field.as_ref().and_then(|field| vm.run(field, &scope).ok());
            let rows = column.index.as_ref().zip(value.as_ref()).and_then(|(index, value)| index.rows(value));
            values.push(value);
            fitting.push(rows);
        }
        Self { table, vm, scope, values, fitting }
    }

    /// The rows that no index rules out.
    fn candidates(&self) -> RowSet {
        let mut sets = self.fitting.iter().flatten();
        let Some(first) = sets.next() else { return RowSet::full(self.table.rows.len()) };
        let mut rows = (*first).clone();
        sets.for_each(|set| rows.keep(set));
        rows
    }

    fn hits(&mut self, row: usize) -> bool {
        let table = self.table;
        table.rows[row].tests.iter().all(|(column, test)| self.decided(*column, row) || self.passes(*column, test))
    }

    /// Whether the candidates were chosen with this cell fully taken into account.
    fn decided(&self, column: usize, row: usize) -> bool {
        let index = self.table.columns[column].index.as_ref();
        self.fitting[column].is_some() && index.is_some_and(|index| index.decided.contains(row))
    }

    /// Runs a test. As in ZEN, a test that cannot be evaluated does not pass.
    fn passes(&mut self, column: usize, test: &Code) -> bool {
        if self.table.columns[column].field.is_some() {
            let Some(value) = &self.values[column] else { return false };
            self.scope.set_local(Variable::dollar_key(), value.clone());
        }
        self.vm.run(test, &self.scope).is_ok_and(|result| result.as_bool() == Some(true))
    }

    fn report(&mut self, row: usize) -> Result<RowHit, OutputFault> {
        let table = self.table;
        let found = &table.rows[row];
        let mut output = Map::new();
        for (at, code) in &found.values {
            let column = &table.outputs[*at];
            let value = self.vm.run(code, &self.scope).map_err(|error| OutputFault {
                row: row + 1,
                column: column.label.clone(),
                what: error.to_string(),
            })?;
            insert(&mut output, &column.path, Value::from(value));
        }
        let saw = self.saw(found);
        Ok(RowHit { row: row + 1, id: found.id.clone(), note: found.note.clone(), saw, output: Value::Object(output) })
    }

    /// What the input columns saw: a field's value; for a condition of its own, that it held.
    fn saw(&self, row: &Row) -> Value {
        let mut saw = Map::new();
        for (at, (column, value)) in self.table.columns.iter().zip(&self.values).enumerate() {
            if column.field.is_some() {
                saw.insert(column.label.clone(), value.clone().map_or(Value::Null, Value::from));
            } else if row.tests.iter().any(|(tested, _)| *tested == at) {
                saw.insert(column.label.clone(), Value::Bool(true));
            }
        }
        Value::Object(saw)
    }
}

/// Puts a value at a path, making objects on the way.
fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            object.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = object.entry(first.as_str()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}
