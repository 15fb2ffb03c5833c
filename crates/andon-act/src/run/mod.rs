//! The run state machine, without I/O.
//!
//! **Life of a step.** `Ready` (wants a place at its destination) → `Sending` (the request may be on
//! its way) → an answer. *Done*: next step. *Busy*: `Waiting`, then `Ready` again. *Refused*: settled.
//! *Lost*: by the step's [`crate::Guard`] either `Waiting` and the same bytes again (`natural`,
//! `repeatable`), or `Waiting` → `ProbeDue` → `Probing` → found (next step) or absent (`Ready`), or
//! settled as parked. Nothing else leads from a lost request back to `Ready` (invariant A2).

mod render;
mod state;
mod transition;

pub use state::{Phase, RunContext, RunState, StepResult};
pub use transition::{Effect, Input, Transition, plan, resume, step};

#[cfg(test)]
mod tests;
