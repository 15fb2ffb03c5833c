//! Keeps steps of a query apart that the optimizer takes for one.
//!
//! **Why.** Its rule `optimize_projections` drops one of two lists of expressions that follow each other and are equal. That
//! is right for columns, but `SELECT x + 1 AS x FROM (SELECT x + 1 AS x FROM …)` adds two. Filters, sorts and limits in
//! between help nothing, since other rules move these away, and neither do columns that are not needed in the end.
//!
//! **How.** Two lists can only be equal when they give the same names. So each expression whose name a list above gives too
//! is put into a function that returns what it is given, another one each time: no two lists with it are equal, wherever
//! the optimizer moves them. What only names a column is the same however often it is done, and stays as it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use deltalake::datafusion::common::tree_node::{Transformed, TreeNode as _};
use deltalake::datafusion::error::Result;
use deltalake::datafusion::logical_expr::expr::Alias;
use deltalake::datafusion::logical_expr::{Expr, LogicalPlan, Projection, ScalarUDF};

use super::texts::Kept;

/// Names that lists above give to what they make.
type Names = BTreeSet<String>;

/// The same plan, whose lists of expressions are all different.
pub(crate) fn apart(plan: LogicalPlan) -> Result<LogicalPlan> {
    Steps::default().apart(plan, &Names::new())
}

#[derive(Default)]
struct Steps {
    /// Functions that were made.
    count: usize,
}

impl Steps {
    fn apart(&mut self, plan: LogicalPlan, above: &Names) -> Result<LogicalPlan> {
        let (plan, names) = match plan {
            LogicalPlan::Projection(list) => {
                let mut names = above.clone();
                names.extend(list.expr.iter().filter(|expr| makes(expr)).map(|expr| expr.qualified_name().1));
                (LogicalPlan::Projection(self.marked(list, above)?), names)
            }
            other => (other, above.clone()),
        };
        let plan = plan.map_children(|below| Ok(Transformed::yes(self.apart(below, &names)?)))?.data;
        Ok(plan.map_subqueries(|below| Ok(Transformed::yes(self.apart(below, &names)?)))?.data)
    }

    fn marked(&mut self, list: Projection, above: &Names) -> Result<Projection> {
        if !list.expr.iter().any(|expr| makes(expr) && above.contains(&expr.qualified_name().1)) {
            return Ok(list);
        }
        let exprs = list.expr.into_iter().map(|expr| self.expr(expr, above)).collect();
        Projection::try_new(exprs, list.input)
    }

    fn expr(&mut self, expr: Expr, above: &Names) -> Expr {
        let (relation, name) = expr.qualified_name();
        if !makes(&expr) || !above.contains(&name) {
            return expr;
        }
        let (inner, metadata) = match expr {
            Expr::Alias(Alias { expr, metadata, .. }) => (*expr, metadata),
            other => (other, None),
        };
        self.count += 1;
        let kept = Arc::new(ScalarUDF::new_from_impl(Kept::step(self.count)));
        Expr::Alias(Alias::new(kept.call(vec![inner]), relation, name).with_metadata(metadata))
    }
}

/// Whether it is more than a column under its own name.
fn makes(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) => false,
        Expr::Alias(alias) => match &*alias.expr {
            Expr::Column(column) => column.name != alias.name || column.relation != alias.relation,
            _ => true,
        },
        _ => true,
    }
}
