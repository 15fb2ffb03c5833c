//! Business actions: what is sent to SAP for an event, once in effect.
//!
//! **Constraints.** No I/O and no clock: [`step`] is `(state, input, now) → (state, effects)`. It never
//! asks for a request to be sent whose earlier attempt has an unknown fate, unless a probe, the
//! service or the nature of the request makes a repetition safe (invariants A1, A2).
//!
//! **Life of a run.** [`plan`] makes a [`RunState`] from an action and an event. The engine asks the
//! destination for a free place, feeds [`Input::Admitted`], stores the new state, and only then performs
//! the effect [`Effect::Send`]. The answer comes back as an input; a lost one leads to a probe
//! ([`Effect::Probe`]) or, where nothing can be found out, to a parked run. After the last step
//! [`Effect::Record`] carries the outcome. Steps that ask a table of the same configuration ([`Library`])
//! are evaluated on the way and have no effect. Killed anywhere, the run goes on from the stored state by
//! [`resume`].

mod answer;
mod breaker;
mod definition;
mod key;
mod library;
mod probe;
mod request;
mod run;
mod target;
pub mod template;

pub use answer::{Answer, Response};
pub use breaker::{Admission, Breaker};
pub use definition::{
    Action, ActionDefinition, Budget, ChangesetEntry, EpisodeDefinition, EpisodeTerms, Guard, OpenWhile, ProbeGuard,
    RetryPolicy, Stage, Step, StepDefinition, SummaryApi, TokenLimit, WhenEmpty, WhenMissing,
};
pub use key::{run_id, step_key};
pub use library::{Determined, Library};
pub use probe::{Found, Match, ProbeQuery};
pub use request::{AttachmentBody, CallBudget, ChangesetPart, IfMatch, Request, StepKind};
pub use run::{
    Effect, Input, OpenEpisode, Phase, Preview, Route, RunContext, RunEpisode, RunState, StepPreview, StepResult,
    Transition, plan, preview, resume, step,
};
pub use target::{DestinationLimits, Target, TestLine};
