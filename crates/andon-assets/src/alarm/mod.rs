//! Alarms: conditions, the machine of states, and the events that they become.
//!
//! **Life of an alarm.** A value is held against the [`condition`]; what it says must last ([`debounce`]) before the
//! [`machine`] goes to another state; each [`Transition`] is told, and those to the states that the definition names are
//! events. An *episode* begins when an alarm that is normal becomes active and ends when it is normal again; an alarm
//! has at most one, and an episode gives at most one event per state.

mod condition;
mod debounce;
mod event;
mod machine;
mod record;
mod transition;

pub(crate) use condition::{Condition, Limit, Verdict, compare};
pub(crate) use debounce::Debounce;
pub(crate) use event::{About, event};
pub(crate) use machine::Input;
pub(crate) use record::{AlarmRecord, Moved};
pub(crate) use transition::MAX_NOTE_CHARS;
pub use transition::{Cause, Evaluation, Operation, OperationKind, Transition};
