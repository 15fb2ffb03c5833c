//! The run state machine, without I/O.
//!
//! **Life of a step.** `Ready` (wants a place at its destination) → `Sending` (the request may be on
//! its way) → an answer. *Done*: next step. *Busy*: `Waiting`, then `Ready` again. *Refused*: settled.
//! *Lost*: by the step's [`crate::Guard`] either `Waiting` and the same bytes again (`natural`,
//! `repeatable`), or `Waiting` → `ProbeDue` → `Probing` → found (next step) or absent (`Ready`), or
//! settled as parked. Nothing else leads from a lost request back to `Ready` (invariant A2).
//!
//! A run of an action with an episode begins as `Joining`: it waits until no other run of the same episode is
//! under way, and is told which document is open (`episode`).
//!
//! Two kinds are different. A `lookup` and a decision by table send nothing: they are evaluated when
//! they are begun (`local`). A `summary` never holds up its run: whatever is not a usable text, be it no
//! place in time, a refusal or a crash, leads at once to the step's own text (`summary`).

mod clean;
mod detail;
mod doubt;
mod effect;
mod episode;
mod kept;
mod local;
mod preview;
mod released;
mod render;
mod state;
mod summary;
mod transition;

pub use effect::{Effect, Input, Transition};
pub use episode::{OpenEpisode, Route, RunEpisode};
pub use preview::{Preview, StepPreview, preview};
pub use state::{Phase, RunContext, RunState, StepResult};
pub use transition::{plan, resume, step};

#[cfg(test)]
mod tests;
