//! How much room the texts of a query need, seen from the plan that is carried out.
//!
//! **Why.** Rows go from step to step in batches, and each step has its own memory for what its expressions make. So what a
//! query has at once is, for each text that any of its steps makes, as many of these as a batch has rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_model::{Code, Problem};
use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::common::ScalarValue;
use deltalake::datafusion::common::tree_node::TreeNodeRecursion;
use deltalake::datafusion::physical_expr::expressions::{CaseExpr, CastExpr, Column, Literal};
use deltalake::datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use deltalake::datafusion::physical_plan::ExecutionPlan;

use super::texts::Longest;
use super::{SqlLimits, fault};

/// Rows of a batch.
pub(crate) const ROWS: usize = 1_024;

/// Most texts that the steps of a query make of a row.
const MAX_TEXTS: usize = 1_024;

/// Texts that a query may make at no cost to their length.
const FEW_TEXTS: usize = 4;

/// Bytes of texts that every query may make.
const MIN_BYTES: usize = 64;

/// How long a text may be that a query makes, as long as its plan is not known.
pub(crate) fn longest(limits: &SqlLimits) -> Longest {
    Longest::new(share(limits, FEW_TEXTS))
}

/// Divides what a query may hold among the texts of its plan.
pub(crate) fn divide(plan: &Arc<dyn ExecutionPlan>, limits: &SqlLimits, longest: &Longest) -> Result<(), Problem> {
    let mut room = Room::default();
    room.plan(plan).map_err(|e| fault::problem(&e))?;
    let constant = room.constant_bytes.saturating_mul(ROWS);
    if room.texts > MAX_TEXTS || constant > of_one(limits).max(MIN_BYTES * ROWS) {
        let detail = "it makes too many texts of each row: select fewer columns";
        return Err(Problem::new(Code::QueryLimit, detail));
    }
    longest.set(share(limits, room.texts));
    Ok(())
}

fn share(limits: &SqlLimits, texts: usize) -> usize {
    (of_one(limits) / ROWS / texts.max(FEW_TEXTS)).max(MIN_BYTES)
}

/// What one of the queries that run at once may hold, in bytes.
fn of_one(limits: &SqlLimits) -> usize {
    limits.memory_bytes / limits.at_once.max(1)
}

/// What the steps of a plan make of a row.
#[derive(Default)]
struct Room {
    texts: usize,
    /// Bytes of texts that stand in the query.
    constant_bytes: usize,
}

impl Room {
    fn plan(&mut self, plan: &Arc<dyn ExecutionPlan>) -> deltalake::datafusion::error::Result<()> {
        let mut open = vec![plan];
        while let Some(plan) = open.pop() {
            let mut columns = BTreeSet::new();
            plan.apply_expressions(&mut |expr| {
                self.expr(expr, &mut columns);
                Ok(TreeNodeRecursion::Continue)
            })?;
            open.extend(plan.children());
        }
        Ok(())
    }

    /// Adds an expression of a step; `columns` are those that the step has named already.
    fn expr(&mut self, expr: &Arc<dyn PhysicalExpr>, columns: &mut BTreeSet<usize>) {
        if let Some(column) = expr.downcast_ref::<Column>() {
            self.texts += usize::from(!columns.insert(column.index()));
            return;
        }
        self.constant(expr);
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            self.texts += usize::from(makes_text(expr));
            if expr.is::<CaseExpr>() {
                expr.children().into_iter().for_each(|value| self.constant(value));
            }
            open.extend(expr.children());
        }
    }

    /// Adds a value that becomes one of each row; what rows are compared with is there once.
    fn constant(&mut self, expr: &Arc<dyn PhysicalExpr>) {
        let value = expr.downcast_ref::<Literal>().map(Literal::value);
        let text = value.and_then(ScalarValue::try_as_str).flatten();
        self.constant_bytes = self.constant_bytes.saturating_add(text.map_or(0, str::len));
    }
}

fn makes_text(expr: &Arc<dyn PhysicalExpr>) -> bool {
    if let Some(function) = expr.downcast_ref::<ScalarFunctionExpr>() {
        return is_text(function.return_type());
    }
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        return is_text(cast.cast_type());
    }
    expr.is::<CaseExpr>()
}

fn is_text(kind: &DataType) -> bool {
    kind.is_string() || kind.is_binary()
}
