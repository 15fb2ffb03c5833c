//! The words of Andon: the types that every other crate speaks in.
//!
//! **Constraints.** No I/O, no async, no clock, no configuration. A type lives here when at least two
//! crates that may not see each other need it. Time, identifiers and randomness arrive through the
//! traits [`Clock`] and [`IdSource`], so that a test or a simulation can supply its own.
//!
//! **Life of what flows through.** A source reports an [`Event`]; the journal gives it an [`Offset`];
//! a [`Decision`] names the table rows that hit and the actions they ask for; every action becomes a
//! run with a [`RunId`], whose steps carry a duplicate-guard [`Key`]; the run ends in an [`Outcome`].
//! A device reports a [`Reading`], which the raw log gives an [`IngestId`].
//! Whatever cannot go on is described by a [`Problem`] with a [`Code`].

mod decision;
mod depth;
mod event;
mod guard_key;
mod lookup;
mod name;
mod outcome;
mod problem;
mod reading;
mod secret;
mod time;
mod timeline;

pub use decision::{Decision, RowHit, TableVersion};
pub use depth::{MAX_JSON_DEPTH, is_too_deep};
pub use event::{Event, EventKey, Offset};
pub use guard_key::Key;
pub use lookup::{Lookup, LookupError};
pub use name::{InvalidName, Name, RunId};
pub use outcome::{DocumentRef, Outcome, RunStatus};
pub use problem::{Code, Problem, Severity};
pub use reading::{IngestId, Reading, SpeaksFor};
pub use secret::Secret;
pub use time::{Clock, IdSource, InvalidTimestamp, SystemClock, SystemIds, Timestamp};
pub use timeline::{Release, TimelineEntry, TimelineKind};
