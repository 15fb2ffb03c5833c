//! Which statements are answered.

use andon_model::{Code, Problem};
use deltalake::datafusion::sql::parser::Statement;
use deltalake::datafusion::sql::sqlparser::ast::Statement as Sql;

/// Refuses what could change anything.
pub(crate) fn check(statement: &Statement) -> Result<(), Problem> {
    match statement {
        Statement::Explain(explain) => check(&explain.statement),
        Statement::Statement(sql) if reads(sql) => Ok(()),
        _ => Err(Problem::new(Code::Query, "only SELECT, WITH, EXPLAIN, SHOW and DESCRIBE are answered")),
    }
}

fn reads(sql: &Sql) -> bool {
    match sql {
        Sql::Explain { statement, .. } => reads(statement),
        Sql::Query(_)
        | Sql::ExplainTable { .. }
        | Sql::ShowTables { .. }
        | Sql::ShowColumns { .. }
        | Sql::ShowFunctions { .. }
        | Sql::ShowVariable { .. } => true,
        _ => false,
    }
}
