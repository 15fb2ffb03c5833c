//! The only place that loops: takes events in, decides, moves runs, performs their effects.
//!
//! **Constraints.** Knows storage, destinations and sources through ports only. Nothing is sent before
//! the state that says so is durable, and nothing is acknowledged before it is (invariants J3, A1). One
//! task, the *lane*, owns every run; everybody else talks to it through [`Handle`].
//!
//! **Life of an event.** [`Handle::deliver`] decodes and appends it, then wakes the lane. One *turn* of
//! the lane takes the answers, timers and people's wishes that have come in, decides new events, asks
//! the destinations' gates for free places, computes every new state by `andon_act::step`, commits all
//! of it in one transaction, and only then performs the effects. Killed anywhere, the next start
//! learns of the unsettled runs, page by page, and goes on by `andon_act::resume`.
//!
//! **Life of a reading.** The [`plant`] lane follows the log of readings, keeps the values of assets, and brings their
//! alarms to the journal as events.

mod adapters;
mod append_health;
mod catalog;
mod configure;
mod counters;
mod determine;
mod dry_run;
mod engine;
mod episodes;
mod facts;
mod gate;
mod handle;
mod intake;
mod invariants;
mod lane;
pub mod plant;
mod pump;
mod repetition;
mod revisions;
mod screening;
mod slots;
mod tables;
mod telemetry;
mod turn;
mod what_if;

pub use adapters::{Adapters, SourceParts};
/// Named by [`Adapters`] and [`Handle`]; re-exported so that who uses those needs no edge to `andon-act`.
pub use andon_act::{Target, TestLine};
pub use configure::ApplyError;
pub use determine::Determination;
pub use dry_run::{DryRun, DryRunAction, DryRunDecision};
pub use engine::{Engine, EngineError, EngineParts, EngineSettings};
pub use handle::{Handle, HandleError, SourceInfo, Status};
pub use intake::{Delivered, IntakeError};
pub use invariants::{Violation, check_books, check_run};
pub use what_if::{Against, Changed, Concerns, Difference, Moment, Part, PartKind, WhatIf, WhatIfPage};
