//! Regular expressions stand in a query, and do not come from its rows.
//!
//! **Why.** Each is compiled once and kept, with up to ten megabytes. One that is another in each row would be compiled
//! a thousand times for a batch, at once, and nobody can interrupt that.

use andon_model::{Code, Problem};
use deltalake::datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use deltalake::datafusion::logical_expr::{Expr, LogicalPlan, Operator};

use super::fault;

/// What the names of functions with a regular expression begin with; it is their second argument.
const REGEXP: &str = "regexp_";

/// Refuses a plan that makes regular expressions of columns.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), Problem> {
    let mut is_literal = true;
    let walked = plan.apply_with_subqueries(|step| {
        step.apply_expressions(|expr| {
            expr.apply(|part| {
                is_literal &= pattern_of(part).is_none_or(|pattern| pattern.column_refs().is_empty());
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(|e| fault::problem(&e))?;
    let detail = "a regular expression is a text in the query: compare columns by =, LIKE, strpos or starts_with";
    if is_literal { Ok(()) } else { Err(Problem::new(Code::Query, detail)) }
}

fn pattern_of(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::ScalarFunction(call) if call.func.name().starts_with(REGEXP) => call.args.get(1),
        Expr::BinaryExpr(both) if is_match(both.op) => Some(&both.right),
        Expr::SimilarTo(like) => Some(&like.pattern),
        _ => None,
    }
}

const fn is_match(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
    )
}
