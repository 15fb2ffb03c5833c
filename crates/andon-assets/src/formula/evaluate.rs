//! Computing a formula from its slots.
//!
//! ZEN's virtual machine may end in a panic of its own; no reading may bring down the process that way, so a panic ends in
//! an error like any other and the machine is replaced.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use zen_expression::Scope;
use zen_expression::compiler::Opcode;
use zen_expression::variable::{Symbol, Variable, VariableMap};
use zen_expression::vm::VM;

use super::{Formula, MAX_SLOTS, Slot};
use crate::value::Scalar;

/// Names of the slots.
const NAMES: [&str; MAX_SLOTS] =
    ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15"];

thread_local! {
    /// One machine per thread: it keeps its stack, and nothing else.
    static MACHINE: RefCell<VM> = RefCell::new(VM::new());
}

impl Formula {
    /// The value, or `None` when there is none: a slot is empty, or the formula says so. The error says why it cannot be
    /// computed from the present values.
    ///
    /// ZEN keeps flags and numbers apart, SiteWise counts `true` as 1: what cannot be computed with flags is computed with
    /// numbers in their place.
    pub(crate) fn evaluate(&self, read: impl Fn(&Slot) -> Option<Scalar>) -> Result<Option<Scalar>, String> {
        let Some(code) = &self.code else { return Ok(self.slots.first().and_then(read)) };
        let Some(values) = self.slots.iter().map(read).collect::<Option<Vec<Scalar>>>() else { return Ok(None) };
        let value = run(code, &scope(&values, variable)).or_else(|why| {
            let has_flags = values.iter().any(|value| matches!(value, Scalar::Boolean(_)));
            let again = has_flags.then(|| run(code, &scope(&values, counted)).ok()).flatten();
            again.ok_or(why)
        });
        value.map(|value| scalar(&value))
    }
}

fn scope(values: &[Scalar], variable: fn(&Scalar) -> Variable) -> Scope {
    let mut context = VariableMap::with_capacity(values.len());
    for (value, name) in values.iter().zip(NAMES) {
        context.insert(Symbol::from_static(name), variable(value));
    }
    Scope::new(Variable::from_object(context))
}

fn run(code: &[Opcode], scope: &Scope) -> Result<Variable, String> {
    MACHINE.with_borrow_mut(|machine| {
        if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| machine.run(code, scope))) {
            return outcome.map_err(|error| error.to_string().trim_start_matches("Opcode ").to_owned());
        }
        *machine = VM::new();
        Err("the formula breaks ZEN's virtual machine; write it in another way".into())
    })
}

fn variable(value: &Scalar) -> Variable {
    match value {
        Scalar::Boolean(truth) => Variable::Bool(*truth),
        Scalar::Integer(number) => Variable::from(&serde_json::Value::from(*number)),
        Scalar::Double(number) => Variable::from(&serde_json::Value::from(*number)),
        Scalar::String(text) => Variable::String(Symbol::from(text.as_ref())),
    }
}

/// A flag as the number that it counts as.
fn counted(value: &Scalar) -> Variable {
    match value {
        Scalar::Boolean(truth) => variable(&Scalar::Integer(i64::from(*truth))),
        other => variable(other),
    }
}

fn scalar(value: &Variable) -> Option<Scalar> {
    match value {
        Variable::Bool(truth) => Some(Scalar::Boolean(*truth)),
        Variable::String(text) => Some(Scalar::String(Arc::from(text.as_str()))),
        Variable::Number(_) => match value.to_value() {
            serde_json::Value::Number(number) => {
                number.as_i64().map(Scalar::Integer).or_else(|| number.as_f64().map(Scalar::Double))
            }
            _ => None,
        },
        _ => None,
    }
}
