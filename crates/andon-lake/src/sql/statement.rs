//! Which statements are answered, and how they are read.
//!
//! **Depth.** The parser makes trees that are as deep as the text is long: `1+1+1+…` is one level for each `+`. What walks
//! or drops such a tree needs a stack for it, and a stack that overflows ends the process. So a text is read on a thread
//! whose stack is large enough for the deepest tree of so many bytes, and only trees that are found flat leave it.

use std::thread::Builder;

use andon_model::{Code, Problem};
use deltalake::datafusion::sql::parser::{DFParserBuilder, Statement};
use deltalake::datafusion::sql::sqlparser::ast::Statement as Sql;
use deltalake::datafusion::sql::sqlparser::dialect::GenericDialect;

use super::answer::broke_off;
use super::{SqlLimits, fault, shape};

/// Name of the thread that reads a text.
const THREAD: &str = "andon-sql-text";

/// Stack for the text of a query, in bytes: for each of its bytes, and for all else. It is reserved, and used as it is needed.
const STACK_OF_A_BYTE: usize = 4 << 10;
const STACK_BYTES: usize = 16 << 20;

/// Deepest expression and subquery of the parser.
const RECURSION: usize = 50;

/// What is wrong with a text that is to be asked later; its tables and columns are not looked at.
///
/// # Errors
/// [`Code::Query`] when it is not one statement that reads, [`Code::QueryLimit`] when it is too deep or too wide.
pub fn check_statement(text: &str) -> Result<(), Problem> {
    SqlLimits::default().reads(text)?;
    read(text).map(drop)
}

/// The statement of `text`, if it is one that reads and is not too deep to be worked on.
pub(crate) fn read(text: &str) -> Result<Statement, Problem> {
    let stack = text.len().saturating_mul(STACK_OF_A_BYTE).saturating_add(STACK_BYTES);
    let reader = Builder::new().name(THREAD.to_owned()).stack_size(stack);
    std::thread::scope(|scope| {
        let failed = |error| Problem::new(Code::Lake, format!("the query cannot be read: {error}"));
        let read = reader.spawn_scoped(scope, || parse(text)).map_err(failed)?;
        read.join().unwrap_or_else(|_| Err(broke_off()))
    })
}

fn parse(text: &str) -> Result<Statement, Problem> {
    shape::check_text(text)?;
    let parser = DFParserBuilder::new(text).with_dialect(&GenericDialect {}).with_recursion_limit(RECURSION).build();
    let statements = parser.and_then(|mut parser| parser.parse_statements()).map_err(|e| fault::problem(&e))?;
    let mut statements = statements.into_iter();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(Problem::new(Code::Query, "a single statement is answered"));
    };
    shape::check(check(&statement)?)?;
    Ok(statement)
}

/// Whether it is SHOW FUNCTIONS, which is a query of its own that needs all aggregates.
pub(crate) fn names_functions(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(sql) if matches!(**sql, Sql::ShowFunctions { .. }))
}

/// Refuses what could change anything.
fn check(statement: &Statement) -> Result<&Sql, Problem> {
    let inner = match statement {
        Statement::Explain(explain) => &*explain.statement,
        other => other,
    };
    match inner {
        Statement::Statement(sql) if reads(sql) => Ok(sql),
        _ => Err(Problem::new(Code::Query, "only SELECT, WITH, EXPLAIN, SHOW and DESCRIBE are answered")),
    }
}

fn reads(sql: &Sql) -> bool {
    match sql {
        Sql::Explain { statement, .. } => matches!(**statement, Sql::Query(_)),
        Sql::Query(_)
        | Sql::ExplainTable { .. }
        | Sql::ShowTables { .. }
        | Sql::ShowColumns { .. }
        | Sql::ShowFunctions { .. }
        | Sql::ShowVariable { .. } => true,
        _ => false,
    }
}
