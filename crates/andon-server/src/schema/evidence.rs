//! What was stored, decided and done.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{CloudEvent, Problem};

/// One page of a list, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Pass as `before` to get the next page; absent on the last one.
    pub next: Option<i64>,
}

/// An event as it is stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventRow {
    /// Its place in the journal.
    pub offset: i64,
    /// Where it comes from.
    pub source: String,
    /// Unique within `source`.
    pub id: String,
    /// What happened.
    pub r#type: String,
    /// What it happened to.
    pub subject: Option<String>,
    /// When it was received.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// The tables asked; absent while undecided.
    pub decisions: Option<Vec<Decision>>,
    /// Why deciding failed.
    pub failure: Option<Problem>,
    /// Its runs.
    pub runs: Vec<RunRow>,
    /// What is attached to it; not in lists.
    pub attachments: Option<Vec<AttachmentInfo>>,
    /// The event itself; not in lists.
    pub event: Option<CloudEvent>,
}

/// An attachment, as lists and the event's data name it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AttachmentInfo {
    /// SHA-256 of the bytes in lower-case hexadecimal.
    pub digest: String,
    /// Name of the file.
    pub name: String,
    /// Media type.
    pub content_type: String,
    /// How many bytes.
    pub bytes: u64,
}

/// What one table said about an event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The table.
    pub table: TableVersion,
    /// Configuration revision that was in force.
    pub revision: i64,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub at: String,
    /// The rows that hit.
    pub rows: Vec<RowHit>,
    /// The actions asked for.
    pub actions: Vec<String>,
}

/// A table as it was when it decided.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TableVersion {
    /// Name of the decision.
    pub name: String,
    /// Its version, counted from 1.
    pub version: i64,
}

/// A row that hit.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RowHit {
    /// Its number, counted from 1.
    pub row: u64,
    /// Its identifier in the table's document.
    pub id: String,
    /// Its description.
    pub note: Option<String>,
    /// What the input columns saw.
    pub saw: Value,
    /// What the row put out.
    pub output: Value,
}

/// Where a run is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits for its turn or a place at the destination.
    Queued,
    /// A request may be on its way.
    Sending,
    /// Waits for a point in time.
    Waiting,
    /// Every step is done.
    Done,
    /// The destination refused; a person must change something.
    Refused,
    /// The outcome is unknown; a person must look.
    Parked,
    /// A person called it off.
    Cancelled,
}

/// A run in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RunRow {
    /// Position in the list.
    pub sequence: i64,
    /// Its identifier.
    pub id: String,
    /// Offset of the event it serves.
    pub event: i64,
    /// The action.
    pub action: String,
    /// Configuration revision it is pinned to.
    pub revision: i64,
    /// Where it is.
    pub status: RunStatus,
    /// Document numbers, `number, number`.
    pub documents: String,
    /// Why it waits or how it ended.
    pub summary: String,
    /// When it goes on.
    #[schema(format = DateTime)]
    pub due: Option<String>,
    /// When it was created.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last moved.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A run with its evidence.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub row: RunRow,
    /// Every attempt and transition, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Documents it made or found.
    pub document_refs: Vec<DocumentRef>,
    /// The episode that it belongs to.
    pub episode: Option<RunEpisode>,
}

/// What a run has to do with its episode.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RunEpisode {
    /// What the episode is known by, together with the action.
    pub key: String,
    /// `check`, `update` or `full`: what the run executes; absent while it waits for its turn.
    pub route: Option<String>,
    /// The episode that it joined, or has opened.
    pub open: Option<OpenEpisode>,
    /// The run of the same episode that it waits for.
    pub behind: Option<String>,
}

/// The newest episode of an action and key.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EpisodeRow {
    /// The action.
    pub action: String,
    /// What it is known by, together with the action.
    pub key: String,
    /// Number of its document.
    pub document: String,
    /// The run that made the document.
    pub run: String,
    /// When that run settled.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When the last event joined.
    #[schema(format = DateTime)]
    pub touched_at: String,
    /// Events in it, the first one included.
    pub count: i64,
    /// The run that holds it, so that others of the same key wait; absent while none does.
    pub held_by: Option<EpisodeHolder>,
}

/// What an episode is known by.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EpisodeKey {
    /// The action.
    pub action: String,
    /// What its `once_per` gave, 1 to 200 characters.
    pub key: String,
}

/// A run that holds its episode: under way, or parked until a person has looked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EpisodeHolder {
    /// The run.
    pub run: String,
    /// Where it is.
    pub status: RunStatus,
}

/// An episode as a run has seen it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenEpisode {
    /// Number of its document.
    pub document: String,
    /// The run that made it.
    pub run: String,
    /// When that run settled.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When the last event had joined.
    #[schema(format = DateTime)]
    pub touched_at: String,
    /// Events in it then, the first one included.
    pub count: i64,
}

/// One line of a timeline; details are redacted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// What: `planned`, `joined`, `sending`, `answered`, `refused`, `busy`, `lost`, `probing`, `probed`, `waiting`,
    /// `released` or `settled`.
    pub kind: String,
    /// The step concerned.
    pub step: Option<String>,
    /// Attempt within the step, counted from 1; 0 when it does not apply.
    pub attempt: u32,
    /// For people.
    pub detail: Value,
}

/// A document in the destination.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentRef {
    /// The step that made it.
    pub step: String,
    /// Its number.
    pub number: String,
    /// Whether it was found by a probe after an unknown outcome.
    pub found_by_probe: bool,
}

/// How a person moves a run on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "release", rename_all = "snake_case")]
pub enum Release {
    /// Try the step that stopped again.
    Retry {
        /// A person has made sure that the document does not exist.
        #[serde(default)]
        confirmed_absent: bool,
    },
    /// Go on with the next step.
    Resolve {
        /// Number of the document, when there is one.
        document: Option<String>,
    },
    /// Stop for good.
    Cancel,
}

/// Where a quarantine entry stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineStatus {
    /// Waits for a person.
    Open,
    /// Was decoded on a later try.
    Replayed,
}

/// Something that could not be decoded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuarantineRow {
    /// Its identifier.
    pub id: i64,
    /// The source.
    pub source: String,
    /// Why and where.
    pub problem: Problem,
    /// Media type, as the sender gave it.
    pub content_type: Option<String>,
    /// Headers of the event (`ce-*` and those that name it), as pairs of name and value; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Vec<String>>,
    /// The object's path, or empty.
    pub path: String,
    /// When it was received.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Where it stands.
    pub status: QuarantineStatus,
    /// Size of the bytes.
    pub size: i64,
}

/// What would happen to an event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// Configuration revision asked.
    pub revision: i64,
    /// One entry per table that was asked.
    pub decisions: Vec<Decision>,
    /// One entry per action that would run.
    pub actions: Vec<DryRunAction>,
    /// Why no decision could be made.
    pub failure: Option<Problem>,
}

/// What one action would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DryRunAction {
    /// The action.
    pub action: String,
    /// The output that asked for it.
    pub output: Value,
    /// Its steps, as far as is known before the first answer; those after one with a problem are missing.
    pub steps: Vec<DryRunStep>,
    /// Why not even the first step would be begun.
    pub problem: Option<Problem>,
}

/// What one step would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DryRunStep {
    /// The step.
    pub step: String,
    /// Its stage: `pre`, `main` or `post`.
    pub stage: String,
    /// Its kind, as in the action's file.
    pub kind: String,
    /// Where its request would go.
    pub destination: Option<String>,
    /// The request, rendered: kind, method, path, query, headers, body. `${{…}}` stands in it for every path of `open`.
    #[schema(value_type = Option<Object>)]
    pub request: Option<Value>,
    /// What a step that sends nothing answers.
    pub answer: Option<Value>,
    /// Paths into answers that are not there yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// Why it could not be done.
    pub problem: Option<Problem>,
}
