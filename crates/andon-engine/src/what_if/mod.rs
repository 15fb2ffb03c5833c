//! What a changed configuration would have made of past events: decided, planned and rendered twice, and compared.
//!
//! **Constraints.** Reads the journal and nothing else; no state is stored and no destination is known here, so that
//! nothing can leave. One page is bounded in events, bytes and time, evaluated outside the tasks that serve the lane,
//! and one page at a time, so that a replay takes at most one core from the plant.
//!
//! **Life of an event.** [`page`] reads it with the states of its runs. [`rehearse`] decides it and takes each run
//! through `andon_act::step` as the lane would, except that a request is kept instead of sent, and its answer is the
//! one that the recorded run had. [`compare`] holds both rehearsals, before and after the change, against each other;
//! what differs becomes a [`Difference`].
//!
//! The present of a rehearsal is the time at which the event was received, and its revision the one that the recorded
//! run is pinned to: with an unchanged configuration every request is, to the byte, the one that was sent, the first
//! attempt's time of SAP Gateway's repeatable requests excepted.

mod compare;
mod configurations;
mod fields;
mod page;
mod rehearse;

use andon_journal::Change;
use andon_model::{Name, Offset, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApplyError, Handle};
pub(crate) use configurations::Compiled;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WhatIf {
    /// The change to try, on top of the revision in force.
    pub changes: Vec<Change>,
    /// What the change is compared with.
    pub against: Against,
    /// The first event; from the beginning when absent.
    pub from: Option<Moment>,
    /// Where to end; with the newest event when absent.
    pub to: Option<Moment>,
    /// Go on after this event: `next` of the page before.
    pub after: Option<Offset>,
    /// Only events of this source.
    pub source: Option<String>,
    /// Only events of this type.
    pub kind: Option<String>,
    /// Only events that these decide or act on, before the change or after it.
    pub concerns: Concerns,
    /// How many differences of the page carry their requests; the others only name what differs.
    pub in_full: usize,
}

/// A part of the configuration that events have to do with; every one that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concerns {
    /// The event is decided by this decision: a row of it hits, or none does.
    pub decision: Option<Name>,
    /// The event has a run of this action.
    pub action: Option<Name>,
}

/// What a change is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The revision in force.
    #[default]
    Current,
    /// For each event the revision by which it was decided.
    Recorded,
}

/// A place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Moment {
    /// An event; it belongs to the range.
    Offset(Offset),
    /// A time of receipt: what was received then or later belongs to a range from it, and to no range up to it.
    /// Events count as received in the order of their places.
    Time(Timestamp),
}

/// A part of the answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WhatIfPage {
    /// The revision in force, on which the change was tried.
    pub revision: i64,
    /// Events that were compared.
    pub events: u64,
    /// Their runs by the configuration before the change.
    pub runs: u64,
    /// Requests of those runs.
    pub requests: u64,
    /// Those of the runs that could not be followed to their end, because no answer is recorded.
    pub unanswered: u64,
    /// Events that cannot be read.
    pub unreadable: u64,
    /// Events for which something would differ, in order.
    pub differences: Vec<Difference>,
    /// Pass as `after` to go on; absent when the range is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Offset>,
}

/// What would differ for one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The event.
    pub offset: Offset,
    /// Its `source`.
    pub source: String,
    /// Its `id`.
    pub id: String,
    /// Its `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What differs; never empty.
    pub parts: Vec<Part>,
}

/// One thing that would differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub what: PartKind,
    /// How it differs.
    pub change: Changed,
    /// The decision, or the action; empty for a failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The step, of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Name>,
    /// The document that SAP has from the step, where the recorded run made or found one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What of a changed request differs, such as `path` or `body/Priority`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Whether a request rests on the recorded answer to an earlier one of its run that differs as well.
    #[serde(default)]
    pub assumed: bool,
    /// What it is before the change: rows and actions of a decision, the request, the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is after the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// The rows of a decision, or the actions that they ask for.
    Decision,
    /// Whether an action runs.
    Action,
    /// A request.
    Request,
    /// A run ends by itself: it is refused before or after the change.
    Ending,
    /// The event cannot be decided.
    Failure,
}

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// There is one after the change only.
    Added,
    /// There is one before the change only.
    Removed,
    /// It is another.
    Changed,
}

impl Handle {
    /// Compares what a changed configuration would make of past events with what another makes of them. Nothing is
    /// stored and nothing is sent.
    ///
    /// # Errors
    /// [`ApplyError::Refused`] when the changed configuration does not compile; its test cases are not run.
    pub async fn what_if(&self, asked: WhatIf) -> Result<WhatIfPage, ApplyError> {
        page::page(&self.shared, &asked).await
    }
}
