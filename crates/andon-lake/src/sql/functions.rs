//! Functions and operators that are there.
//!
//! **Constraints.** A list of what is there, not of what is not: of a function that is not on it nothing is known. Functions that
//! make longer texts than they are given are bounded; arrays and structures are refused by any name.

use std::sync::Arc;

use deltalake::datafusion::common::{DFSchema, plan_err};
use deltalake::datafusion::error::Result;
use deltalake::datafusion::execution::SessionStateDefaults;
use deltalake::datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawDictionaryExpr};
use deltalake::datafusion::logical_expr::{AggregateUDF, BinaryExpr, Expr, ExprSchemable as _, Operator, ScalarUDF};
use deltalake::datafusion::sql::sqlparser::ast::BinaryOperator;

use super::texts::{Bounded, Kept, Longest};

/// Functions whose results are no longer than what they are given, or of a few bytes.
const PLAIN: &[&str] = &[
    // Numbers.
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "exp",
    "factorial",
    "floor",
    "gcd",
    "isnan",
    "iszero",
    "lcm",
    "ln",
    "log",
    "log10",
    "log2",
    "nanvl",
    "pi",
    "power",
    "radians",
    "random",
    "round",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
    // Times.
    "current_date",
    "current_time",
    "date_bin",
    "date_part",
    "date_trunc",
    "from_unixtime",
    "make_date",
    "make_time",
    "now",
    "to_date",
    "to_local_time",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
    // One of several values.
    "coalesce",
    "greatest",
    "least",
    "nullif",
    "nvl",
    "nvl2",
    // Texts.
    "arrow_typeof",
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "chr",
    "contains",
    "decode",
    "digest",
    "ends_with",
    "find_in_set",
    "left",
    "ltrim",
    "md5",
    "octet_length",
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "reverse",
    "right",
    "rtrim",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "substr_index",
    "to_hex",
    "uuid",
    "version",
];

/// Functions whose results can be longer than all that they are given together, and how many times.
const LONGER: [(&str, usize); 7] =
    [("concat", 1), ("encode", 2), ("initcap", 3), ("lower", 3), ("to_char", 16), ("translate", 4), ("upper", 3)];

/// Aggregates that make one value of all, or reserve as much as they are told.
const TOO_LARGE: [&str; 4] =
    ["array_agg", "string_agg", "approx_percentile_cont", "approx_percentile_cont_with_weight"];

/// The functions that a query may call.
pub(crate) fn functions(longest: &Longest) -> Vec<Arc<ScalarUDF>> {
    let all = SessionStateDefaults::default_scalar_functions().into_iter();
    all.filter_map(|function| {
        if PLAIN.contains(&function.name()) {
            return Some(function);
        }
        let (_, growth) = LONGER.into_iter().find(|(name, _)| *name == function.name())?;
        Some(Arc::new(ScalarUDF::new_from_impl(Bounded::new(function, growth, longest))))
    })
    .collect()
}

/// The aggregates that a query may use.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let all = SessionStateDefaults::default_aggregate_functions().into_iter();
    all.filter(|function| !TOO_LARGE.contains(&function.name())).collect()
}

/// What stands in a text without the name of a function: `||` is bounded, arrays and structures are refused.
#[derive(Debug)]
pub(crate) struct Operators {
    joined: Arc<ScalarUDF>,
}

impl Operators {
    pub(crate) fn new(longest: &Longest) -> Self {
        Self { joined: Arc::new(ScalarUDF::new_from_impl(Kept::joined(longest))) }
    }
}

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if raw.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(raw));
        }
        for side in [&raw.left, &raw.right] {
            if side.get_type(schema)?.is_nested() {
                return plan_err!("arrays cannot be joined by ||");
            }
        }
        let both = BinaryExpr::new(Box::new(raw.left), Operator::StringConcat, Box::new(raw.right));
        Ok(PlannerResult::Planned(self.joined.call(vec![Expr::BinaryExpr(both)])))
    }

    fn plan_array_literal(&self, _: Vec<Expr>, _: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        plan_err!("there are no arrays: they are tables")
    }

    fn plan_dictionary_literal(&self, _: RawDictionaryExpr, _: &DFSchema) -> Result<PlannerResult<RawDictionaryExpr>> {
        plan_err!("there are no structures")
    }

    fn plan_struct_literal(&self, _: Vec<Expr>, _: bool) -> Result<PlannerResult<Vec<Expr>>> {
        plan_err!("there are no structures")
    }

    fn plan_make_map(&self, _: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        plan_err!("there are no maps")
    }

    fn plan_overlay(&self, _: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        plan_err!("there is no overlay: use left, right and ||")
    }
}
