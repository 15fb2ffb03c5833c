//! Asset models, live values, transforms and metrics, and alarms.
//!
//! **Constraints.** No I/O, no async, no clock. What is known is a function of definitions, readings and what people
//! asked for, in their order: the same inputs give the same state and the same events, whatever the time of day. Memory
//! is bounded by [`Limits`], whatever devices send.
//!
//! **Life of a reading.** [`Plant::apply`] first lets time pass up to the reading's receipt: alarms wake, windows close.
//! Then the reading finds its asset (or makes one), its fields become values of measurements, transforms follow in the
//! order of what depends on what, metrics take values into their windows, and alarms judge. [`Applied`] tells what
//! changed; [`Applied::events`] are for the event lane, where their ids make a replay harmless. [`Plant::tick`] lets time
//! pass when no reading comes; [`Plant::next_wake`] says when that is worth while.
//!
//! **Restart.** [`Plant::snapshot`] is kept together with the consumer's checkpoint. After a restart
//! [`Plant::restore`] takes it, readings after the checkpoint are applied again, and so are operations, in the order of
//! their times; where definitions are others by now, [`Plant::judge_anew`] has alarms judge by them. Time that passes by itself must not run ahead of readings that are not applied yet: tick only when all
//! that was received is applied.

mod alarm;
pub mod definition;
mod error;
mod formula;
mod limits;
mod live;
mod model;
mod pattern;
mod plant;
mod value;

pub use alarm::{Cause, Evaluation, Operation, OperationKind, Transition};
pub use error::{DefinitionError, FaultKind, OperationError};
pub use limits::Limits;
pub use plant::{
    AlarmView, Applied, AssetSnapshot, AssetView, Change, LinkQuery, Measured, ModelView, Plant, Put, PutTo, Refused,
    RefusedWhy, Restored, Snapshot, ValueView,
};
pub use value::{DataType, Given, MAX_TEXT_BYTES, Point, Quality, Scalar};
