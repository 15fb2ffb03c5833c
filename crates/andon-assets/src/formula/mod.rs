//! Formulas of transforms and metrics: SiteWise's language, run as ZEN expressions.
//!
//! A formula is read token by token and written again as an expression in which everything it reads (the value of a
//! variable, its time, an aggregate of it) is a *slot* `s0`, `s1`, … and every function is one of ZEN's operators or
//! functions. Nothing else passes: no other names, no lists, no text templates, nothing that reads the time or chance. So
//! a formula gives the same value for the same slots. A formula that is one slot alone does not need ZEN at all.
//!
//! Functions (SiteWise's <https://docs.aws.amazon.com/iot-sitewise/latest/userguide/formula-expressions.html>, names in
//! any case): `if`, `gt gte lt lte eq neq`, `abs ceil floor round trunc sqrt cbrt pow`, `len upper lower contains`; in
//! metrics `avg sum min max count stdev first last earliest latest` over variables; in transforms `avg sum min max` over
//! values; `timestamp` of a variable, or in a metric of `first last earliest latest`, in whole seconds since 1970.
//! Numbers are decimals of 28 digits while an expression is computed; a flag among numbers is 1 or 0.

mod evaluate;
mod lexer;
mod slot;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use zen_expression::compiler::Opcode;

pub(crate) use slot::{Function, Slot};

/// Longest formula, in bytes; the limit of SiteWise.
const MAX_BYTES: usize = 1_024;
/// Most slots of a formula.
const MAX_SLOTS: usize = 16;

/// What a formula may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The latest values.
    Transform,
    /// The values of a window.
    Metric,
}

/// What a name in a formula stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its position among the inputs.
    pub(crate) input: usize,
    /// Whether it is an attribute: it has a value rather than a series of them.
    pub(crate) attribute: bool,
}

/// What is wrong with a formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {what}")]
pub(crate) struct FormulaFault {
    /// Character, counted from 1.
    pub(crate) position: usize,
    /// What, and what to do.
    pub(crate) what: String,
}

/// A compiled formula.
#[derive(Debug, Clone)]
pub(crate) struct Formula {
    /// What it reads.
    pub(crate) slots: Vec<Slot>,
    /// `None`: the first slot is the result.
    code: Option<Arc<[Opcode]>>,
}
