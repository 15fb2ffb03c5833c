//! Running compiled expressions, whatever ZEN's virtual machine makes of them.
//!
//! The machine has faults of its own: a template text without anything in it, for one, makes a build with overflow
//! checks panic. No event may bring down the process that way: a panic ends in an error like any other, and the machine
//! that was interrupted is replaced.

use std::panic::{AssertUnwindSafe, catch_unwind};

use zen_expression::vm::VM;
use zen_expression::{Scope, Variable};

use crate::expression::Code;

/// What an expression ends with that ZEN cannot run.
const BROKEN: &str = "the expression breaks ZEN's virtual machine; write it in another way";

/// A virtual machine that outlives its panics.
pub(crate) struct Machine {
    vm: VM,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { vm: VM::new() }
    }

    /// The value of an expression, or why it has none.
    pub(crate) fn run(&mut self, code: &Code, scope: &Scope) -> Result<Variable, String> {
        if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| self.vm.run(code, scope))) {
            return outcome.map_err(|error| error.to_string());
        }
        self.vm = VM::new();
        Err(BROKEN.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Compiler, Kind};

    #[test]
    fn a_machine_that_panics_can_be_used_again() {
        let mut machine = Machine::new();
        let scope = Scope::new(Variable::Null);
        for (source, expect) in [("``", None), ("1 + 1", Some("2")), ("`a${1}`", Some("\"a1\""))] {
            let code = Compiler::new(None).compile(source, Kind::Standard).expect("valid");
            let found = machine.run(&code, &scope).map(|value| value.to_value().to_string());
            // Without overflow checks the empty text is what it should be.
            let empty = source == "``" && found.as_deref() == Ok("\"\"");
            assert!(empty || found.as_ref().ok().map(String::as_str) == expect, "{source}: {found:?}");
        }
    }
}
