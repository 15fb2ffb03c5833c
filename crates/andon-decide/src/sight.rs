//! Evaluation of a compiled table.
//!
//! The columns' values choose candidate rows from the index, the cells that the index could not decide are run on those,
//! and a row that hits reports what its columns saw and what it puts out. One difference to ZEN's engine is meant: a row
//! that hits but whose output cannot be computed is an error here, where ZEN goes on with the next row in silence.

use andon_model::RowHit;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value};
use zen_expression::{Scope, Variable};

use crate::expression::Code;
use crate::index::RowSet;
use crate::machine::Machine;
use crate::table::{Output, Row, Table};

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

/// One look of a table at a context.
pub(crate) struct Sight<'a> {
    table: &'a Table,
    machine: Machine,
    scope: Scope,
    /// By column: what its field evaluates to; `None` when it has no field, or the field cannot be evaluated.
    values: Vec<Option<Variable>>,
    /// By column: the rows of the index that fit; `None` when the index cannot tell.
    fitting: Vec<Option<&'a RowSet>>,
}

impl<'a> Sight<'a> {
    /// Evaluates the columns' fields.
    pub(crate) fn new(table: &'a Table, context: &Variable) -> Self {
        let mut machine = Machine::new();
        let scope = Scope::new(context.clone());
        let mut values = Vec::with_capacity(table.columns.len());
        let mut fitting = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let value = column.field.as_ref().and_then(|field| machine.run(field, &scope).ok());
            let rows = column.index.as_ref().zip(value.as_ref()).and_then(|(index, value)| index.rows(value));
            values.push(value);
            fitting.push(rows);
        }
        Self { table, machine, scope, values, fitting }
    }

    /// The rows that no index rules out.
    pub(crate) fn candidates(&self) -> RowSet {
        let mut sets = self.fitting.iter().flatten();
        let Some(first) = sets.next() else { return RowSet::full(self.table.rows.len()) };
        let mut rows = (*first).clone();
        sets.for_each(|set| rows.keep(set));
        rows
    }

    /// Whether a candidate hits.
    pub(crate) fn hits(&mut self, row: usize) -> bool {
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
        self.machine.run(test, &self.scope).is_ok_and(|result| result.as_bool() == Some(true))
    }

    /// The evidence of a row that hits.
    pub(crate) fn report(&mut self, row: usize) -> Result<RowHit, OutputFault> {
        let table = self.table;
        let found = &table.rows[row];
        let mut output = Map::new();
        for (at, cell) in &found.values {
            let column = &table.outputs[*at];
            let value =
                self.value(cell).map_err(|what| OutputFault { row: row + 1, column: column.label.clone(), what })?;
            insert(&mut output, &column.path, value);
        }
        let saw = self.saw(found);
        Ok(RowHit { row: row + 1, id: found.id.clone(), note: found.note.clone(), saw, output: Value::Object(output) })
    }

    fn value(&mut self, cell: &Output) -> Result<Value, String> {
        match cell {
            Output::Constant(value) => Ok(value.clone()),
            Output::Computed(code) => self.machine.run(code, &self.scope).map(to_json),
        }
    }

    /// What the input columns saw: a field's value; for a condition of its own, that it held.
    fn saw(&self, row: &Row) -> Value {
        let mut saw = Map::new();
        for (at, (column, value)) in self.table.columns.iter().zip(&self.values).enumerate() {
            if column.field.is_some() {
                saw.insert(column.label.clone(), value.clone().map_or(Value::Null, to_json));
            } else if row.tests.iter().any(|(tested, _)| *tested == at) {
                saw.insert(column.label.clone(), Value::Bool(true));
            }
        }
        Value::Object(saw)
    }
}

/// A value as JSON. Whole numbers take the short way, the others keep their decimal digits.
fn to_json(value: Variable) -> Value {
    match &value {
        Variable::Number(number) if number.is_integer() => {
            number.to_i64().map_or_else(|| Value::from(value.clone()), Value::from)
        }
        _ => Value::from(value),
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
