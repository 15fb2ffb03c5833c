//! How large expressions become when each column in them is replaced by what it is made of.
//!
//! **Why.** The optimizer does just that when it moves a condition below the step that makes its columns. `x + x AS x`,
//! twenty times over, is a short text and a million columns: planning would take all memory, and nobody can interrupt it.

use andon_model::{Code, Problem};
use deltalake::datafusion::common::DFSchema;
use deltalake::datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use deltalake::datafusion::logical_expr::{Expr, LogicalPlan};

use super::fault;

/// Most operators and columns of an expression.
const MAX_SIZE: usize = 20_000;

/// Refuses a plan with an expression that could become too large.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), Problem> {
    let is_small = |step: &LogicalPlan| sizes(step).is_some();
    let walked = plan.apply_with_subqueries(|step| {
        Ok(if is_small(step) { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    match walked.map_err(|e| fault::problem(&e))? {
        TreeNodeRecursion::Stop => Err(too_large()),
        _ => Ok(()),
    }
}

fn too_large() -> Problem {
    let detail =
        format!("its columns are made of each other in more than {MAX_SIZE} ways: name each of them less often");
    Problem::new(Code::QueryLimit, detail)
}

/// Sizes of the columns that a step gives, if none is too large.
fn sizes(step: &LogicalPlan) -> Option<Vec<usize>> {
    let below = step.inputs().into_iter().map(sizes).collect::<Option<Vec<_>>>()?;
    let sizes = match step {
        LogicalPlan::Projection(list) => made(&list.expr, list.input.schema(), below.first()?),
        LogicalPlan::Aggregate(group) => {
            let exprs: Vec<Expr> = group.group_expr.iter().chain(&group.aggr_expr).cloned().collect();
            fitting(step, made(&exprs, group.input.schema(), below.first()?))
        }
        LogicalPlan::Union(_) => fitting(step, vec![largest(&below)]),
        _ => fitting(step, below.concat()),
    };
    sizes.iter().all(|size| *size <= MAX_SIZE).then_some(sizes)
}

fn made(exprs: &[Expr], schema: &DFSchema, below: &[usize]) -> Vec<usize> {
    exprs.iter().map(|expr| size(expr, schema, below)).collect()
}

fn size(expr: &Expr, schema: &DFSchema, below: &[usize]) -> usize {
    let mut size = 0_usize;
    let walked = expr.apply(|part| {
        let of_column = |column| schema.maybe_index_of_column(column).and_then(|index| below.get(index)).copied();
        let more = if let Expr::Column(column) = part { of_column(column).unwrap_or(1) } else { 1 };
        size = size.saturating_add(more);
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_or(usize::MAX, |_| size)
}

/// `sizes` as those of the step's columns, the largest for all of them where it is not told which is which.
fn fitting(step: &LogicalPlan, sizes: Vec<usize>) -> Vec<usize> {
    let columns = step.schema().fields().len();
    if sizes.len() == columns { sizes } else { vec![largest(&[sizes]); columns] }
}

fn largest(sizes: &[Vec<usize>]) -> usize {
    sizes.iter().flatten().copied().max().unwrap_or(1)
}
