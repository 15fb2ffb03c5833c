//! What a changed configuration would have made of past events.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Change;

/// A change to try on past events.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WhatIf {
    /// The change, on top of the revision in force.
    pub changes: Vec<Change>,
    /// What it is compared with; the revision in force when absent.
    pub against: Option<Against>,
    /// The first event, as offset or as time of receipt.
    #[schema(value_type = Option<String>)]
    pub from: Option<Value>,
    /// The last event as offset, or the time of receipt at which to end.
    #[schema(value_type = Option<String>)]
    pub to: Option<Value>,
    /// Go on after this offset: `next` of the page before.
    pub after: Option<i64>,
    /// Only events of this source.
    pub source: Option<String>,
    /// Only events of this type.
    pub r#type: Option<String>,
    /// Only events that this decision decides, before the change or after it.
    pub decision: Option<String>,
    /// Only events with a run of this action, before the change or after it.
    pub action: Option<String>,
    /// How many differences of the page carry their requests; none when absent.
    pub in_full: Option<usize>,
}

/// What a change is compared with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The revision in force.
    Current,
    /// For each event the revision by which it was decided.
    Recorded,
}

/// A part of the comparison.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WhatIfPage {
    /// The revision in force.
    pub revision: i64,
    /// Events that were compared.
    pub events: u64,
    /// Their runs before the change.
    pub runs: u64,
    /// Requests of those runs.
    pub requests: u64,
    /// Runs that could not be followed to their end, because no answer is recorded.
    pub unanswered: u64,
    /// Events that cannot be read.
    pub unreadable: u64,
    /// Events for which something would differ, in order.
    pub differences: Vec<EventDifference>,
    /// Pass as `after` to go on; absent when the range is done.
    pub next: Option<i64>,
}

/// What would differ for one event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventDifference {
    /// The event.
    pub offset: i64,
    /// Its source.
    pub source: String,
    /// Its id.
    pub id: String,
    /// Its type.
    pub r#type: String,
    /// What differs.
    pub parts: Vec<Part>,
}

/// One thing that would differ.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// What it is.
    pub what: PartKind,
    /// How it differs.
    pub change: Changed,
    /// The decision or the action.
    pub name: Option<String>,
    /// The step, of a request.
    pub step: Option<String>,
    /// The document that SAP has from the step, where the recorded run made or found one.
    pub document: Option<String>,
    /// What of a request differs: `path`, `body/Priority`.
    pub fields: Option<Vec<String>>,
    /// Whether it rests on the recorded answer to a request that differs as well.
    pub assumed: bool,
    /// What it is before the change.
    pub before: Option<Value>,
    /// What it is after the change.
    pub after: Option<Value>,
}

/// What may differ.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Rows of a decision, or the actions that they ask for.
    Decision,
    /// Whether an action runs.
    Action,
    /// A request.
    Request,
    /// A run is refused before or after the change.
    Ending,
    /// The event cannot be decided.
    Failure,
}

/// How something differs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// There is one after the change only.
    Added,
    /// There is one before the change only.
    Removed,
    /// It is another.
    Changed,
}
