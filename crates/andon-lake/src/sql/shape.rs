//! How deep and how wide a statement may be.
//!
//! **Constraints.** What is checked here bounds the stack and the memory of planning, which nobody can interrupt: the depth
//! of expressions; the parts that a plan has when each `WITH` is put where it is named, which doubles with each level
//! that names the one below twice; and the combinations of `CUBE`. Arrays are refused as text, so that no type is deep.
//!
//! **Life of a statement.** [`check_text`] looks at its tokens, the parser makes a tree, and [`check`] walks it once.

use std::collections::HashMap;
use std::ops::ControlFlow;

use andon_model::{Code, Problem};
use deltalake::datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Visit as _, Visitor,
};
use deltalake::datafusion::sql::sqlparser::dialect::GenericDialect;
use deltalake::datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Deepest expression: `a + b + c` is two levels.
const MAX_DEPTH: usize = 400;

/// Most parts of a statement: tables, subqueries, parts of a UNION, and `*`.
const MAX_PARTS: usize = 128;

/// Most columns and sets in `CUBE`, `ROLLUP` and `GROUPING SETS` together; each doubles what is grouped.
const MAX_GROUPINGS: usize = 12;

/// Deepest brackets. Those of expressions are limited by the parser, those of types by nothing else.
const MAX_BRACKETS: usize = 100;

/// Refuses a text whose types could be deep.
pub(crate) fn check_text(text: &str) -> Result<(), Problem> {
    // What is no token at all is told by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize() else { return Ok(()) };
    let mut brackets = 0_usize;
    let mut is_type = false;
    for token in tokens.iter().filter(|token| !is_space(token)) {
        match token {
            Token::LParen => brackets += 1,
            Token::RParen => brackets = brackets.saturating_sub(1),
            Token::LBracket => return Err(no_arrays()),
            Token::Lt if is_type => return Err(no_arrays()),
            _ => {}
        }
        if brackets > MAX_BRACKETS {
            return Err(too_deep(MAX_BRACKETS));
        }
        is_type = matches!(token, Token::Word(word) if word.quote_style.is_none() && is_nested_type(&word.value));
    }
    Ok(())
}

fn is_space(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_))
}

fn is_nested_type(word: &str) -> bool {
    ["array", "struct", "map"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn no_arrays() -> Problem {
    Problem::new(Code::Query, "arrays are tables here: join the child table instead")
}

fn too_deep(limit: usize) -> Problem {
    let detail = format!("it nests more than {limit} levels: name parts of it by WITH, or use IN for many values");
    Problem::new(Code::QueryLimit, detail)
}

/// Refuses a statement that is too deep or too wide to be planned.
pub(crate) fn check(statement: &Statement) -> Result<(), Problem> {
    match statement.visit(&mut Shape::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(problem) => Err(problem),
    }
}

/// What has been seen of a statement.
#[derive(Default)]
struct Shape {
    /// Expressions that are open.
    depth: usize,
    /// Parts of each query that is open.
    parts: Vec<usize>,
    /// Names of the WITH queries that are still to come, by where they lie.
    coming: HashMap<*const Query, String>,
    /// Parts of the WITH queries that have been seen; of equal names the most.
    named: HashMap<String, usize>,
    groupings: usize,
}

impl Shape {
    fn add(&mut self, parts: usize) -> ControlFlow<Problem> {
        let Some(all) = self.parts.last_mut() else { return ControlFlow::Continue(()) };
        *all = all.saturating_add(parts);
        if *all <= MAX_PARTS {
            return ControlFlow::Continue(());
        }
        let detail = format!(
            "it has more than {MAX_PARTS} tables, subqueries and parts of UNION, each WITH counted where it is named"
        );
        ControlFlow::Break(Problem::new(Code::QueryLimit, detail))
    }

    fn group(&mut self, sets: usize) -> ControlFlow<Problem> {
        self.groupings = self.groupings.saturating_add(sets);
        if self.groupings <= MAX_GROUPINGS {
            return ControlFlow::Continue(());
        }
        let detail = format!("it groups by more than {MAX_GROUPINGS} sets");
        ControlFlow::Break(Problem::new(Code::QueryLimit, detail))
    }
}

impl Visitor for Shape {
    type Break = Problem;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Problem> {
        for with in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.coming.insert(&raw const *with.query, with.alias.name.value.to_lowercase());
        }
        self.parts.push(0);
        self.add(query.pipe_operators.len().saturating_add(selects(&query.body)))
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Problem> {
        let parts = self.parts.pop().unwrap_or_default();
        let Some(name) = self.coming.remove(&(&raw const *query)) else { return self.add(parts) };
        let most = self.named.entry(name).or_default();
        *most = parts.max(*most);
        self.add(1)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Problem> {
        let all = |item: &&SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        self.add(select.projection.iter().filter(all).count())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Problem> {
        match factor {
            TableFactor::Table { name, .. } => {
                let name = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_lowercase());
                let parts = name.and_then(|name| self.named.get(&name)).copied().unwrap_or_default();
                self.add(parts.saturating_add(1))
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => self.add(1),
            _ => {
                let detail = "only tables, subqueries, joins of them and generate_series stand after FROM";
                ControlFlow::Break(Problem::new(Code::Query, detail))
            }
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return ControlFlow::Break(too_deep(MAX_DEPTH));
        }
        match expr {
            Expr::Cube(sets) | Expr::Rollup(sets) | Expr::GroupingSets(sets) => self.group(sets.len()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<Problem> {
        self.depth = self.depth.saturating_sub(1);
        ControlFlow::Continue(())
    }
}

/// SELECTs that UNION, INTERSECT and EXCEPT put together, however deep they stand.
fn selects(body: &SetExpr) -> usize {
    let mut open = vec![body];
    let mut count = 0_usize;
    while let Some(body) = open.pop() {
        match body {
            SetExpr::SetOperation { left, right, .. } => open.extend([&**left, &**right]),
            _ => count += 1,
        }
    }
    count
}
