//! What people and tools read: lists, details, quarantine, tokens, secrets.

use andon_model::{
    Code, Decision, DocumentRef, Event, Name, Offset, Problem, RunId, RunStatus, Secret, TimelineEntry, Timestamp,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{AttachmentInfo, EpisodeFilter, EpisodeRow, JournalError, RunEpisodeView};

/// One page of a list, newest first, with the position at which the next page starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Pass as `before` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only offsets below this one.
    pub before: Option<i64>,
    /// At most so many (the store caps it at 1,000).
    pub limit: usize,
    /// Only this type.
    pub kind: Option<String>,
    /// Only this subject.
    pub subject: Option<String>,
}

/// An event in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its place in the journal.
    pub offset: Offset,
    /// `source` attribute.
    pub source: String,
    /// `id` attribute.
    pub id: String,
    /// `type` attribute.
    #[serde(rename = "type")]
    pub kind: String,
    /// `subject` attribute.
    pub subject: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
    /// The tables asked, with rows that hit; absent while undecided.
    pub decisions: Option<Vec<Decision>>,
    /// Why deciding failed.
    pub failure: Option<Problem>,
    /// Its runs.
    pub runs: Vec<RunRow>,
    /// What is attached to it; only in a detail view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentInfo>,
    /// The event itself; only in a detail view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only runs whose sequence number is below this one.
    pub before: Option<i64>,
    /// At most so many (the store caps it at 1,000).
    pub limit: usize,
    /// Only this status.
    pub status: Option<RunStatus>,
    /// Only this action.
    pub action: Option<Name>,
    /// Only runs of episodes with this key.
    pub episode: Option<String>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Sequence number, for paging.
    pub sequence: i64,
    /// Its identifier.
    pub id: RunId,
    /// The event it serves.
    pub event: Offset,
    /// The action.
    pub action: Name,
    /// Configuration revision it is pinned to.
    pub revision: i64,
    /// Where it is.
    pub status: RunStatus,
    /// Document numbers, `number, number`.
    pub documents: String,
    /// Why it waits or how it ended.
    pub summary: String,
    /// When it wants to be woken.
    pub due: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// A run with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDetail {
    /// The row.
    #[serde(flatten)]
    pub row: RunRow,
    /// Every attempt and transition, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Documents it made or found.
    #[serde(default)]
    pub document_refs: Vec<DocumentRef>,
    /// The episode that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<RunEpisodeView>,
}

/// Where a quarantine entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineStatus {
    /// Waits for a person.
    Open,
    /// Was decoded on a later try.
    Replayed,
}

/// Something that could not be decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// Its identifier.
    pub id: i64,
    /// Configuration name of the source.
    pub source: Name,
    /// Why and where.
    pub problem: Problem,
    /// Media type, as the sender gave it.
    pub content_type: Option<String>,
    /// Headers that a replay gives its decoder again, as pairs of name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The object's path, or empty.
    pub path: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// Where it stands.
    pub status: QuarantineStatus,
    /// Size of the raw bytes.
    pub size: i64,
    /// The raw bytes; only in a detail view.
    #[serde(skip)]
    pub raw: Option<bytes::Bytes>,
}

/// Numbers for the first page and the metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Events stored.
    pub events: i64,
    /// Events not decided yet.
    pub undecided: i64,
    /// Events whose decision failed.
    pub failed_decisions: i64,
    /// Open quarantine entries.
    pub quarantined: i64,
    /// Runs by status.
    pub runs: Vec<(RunStatus, i64)>,
}

impl Counts {
    /// Runs that are not settled.
    pub fn unsettled_runs(&self) -> usize {
        let unsettled = self.runs.iter().filter(|(status, _)| !status.is_settled());
        unsettled.map(|(_, count)| usize::try_from(*count).unwrap_or_default()).sum()
    }
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events, decisions and settled runs received before this go, and episodes that no event joined since; their keys stay for J4. Attachments go with
    /// the last event that has them. So do quarantine entries that were replayed.
    pub events_before: Timestamp,
    /// Keys of events received before this go as well.
    pub keys_before: Timestamp,
    /// Quarantine entries that nobody replayed go when they were received before this.
    pub quarantine_before: Timestamp,
    /// Marks made before this go; `None`: marks stay. An object that is still in its bucket after its mark
    /// went is read again.
    pub marks_before: Option<Timestamp>,
    /// At most so many of each per call.
    pub limit: usize,
}

/// What [`Views::retain`] deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Events with all that belongs to them.
    pub events: usize,
    /// Attachments that no event names any more.
    pub attachments: usize,
    /// Quarantine entries that were replayed.
    pub replayed: usize,
    /// Quarantine entries that were never replayed.
    pub quarantine: usize,
    /// Marks of read objects.
    pub marks: usize,
    /// Episodes that no event joined for as long as events are kept.
    pub episodes: usize,
}

/// Reading for people and tools; also the housekeeping that goes with it.
#[async_trait]
pub trait Views: Send + Sync {
    /// A page of events.
    async fn events(&self, filter: EventFilter) -> Result<Page<EventRow>, JournalError>;
    /// One event with decisions and runs.
    async fn event_detail(&self, offset: Offset) -> Result<Option<EventRow>, JournalError>;
    /// A page of runs.
    async fn runs(&self, filter: RunFilter) -> Result<Page<RunRow>, JournalError>;
    /// One run with its timeline.
    async fn run_detail(&self, id: &RunId) -> Result<Option<RunDetail>, JournalError>;
    /// The episodes that an event joined last, newest first.
    async fn episodes(&self, filter: EpisodeFilter) -> Result<Vec<EpisodeRow>, JournalError>;
    /// A page of quarantine entries, newest first.
    async fn quarantine(&self, before: Option<i64>, limit: usize) -> Result<Page<QuarantineRow>, JournalError>;
    /// One quarantine entry with its bytes.
    async fn quarantine_detail(&self, id: i64) -> Result<Option<QuarantineRow>, JournalError>;
    /// Marks an entry as replayed.
    async fn mark_replayed(&self, id: i64) -> Result<(), JournalError>;
    /// Numbers.
    async fn counts(&self) -> Result<Counts, JournalError>;
    /// Deletes what is too old, and says how much. Unsettled work never goes.
    async fn retain(&self, retention: Retention) -> Result<Retained, JournalError>;
}

/// What a token may do; each role includes none of the others except as said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, including tokens, secrets and configuration.
    Admin,
    /// Reads everything; retries, resolves, cancels, replays.
    Operator,
    /// Reads everything.
    Viewer,
    /// Delivers events, nothing else.
    Intake,
}

/// A token to be stored.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Unique name.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the token text, lower-case hex.
    pub sha256: String,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub at: Timestamp,
}

/// A stored token, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Unique name.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// Storage of API tokens: hashes only.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores a token; replaces one of the same name.
    async fn put_token(&self, token: NewToken) -> Result<(), JournalError>;
    /// All tokens, with their hashes, for the authenticator.
    async fn tokens(&self) -> Result<Vec<(TokenRow, String)>, JournalError>;
    /// Removes a token; `false` when there was none.
    async fn delete_token(&self, name: &Name) -> Result<bool, JournalError>;
}

/// Storage of secrets: encrypted at rest, handed out only to the adapter that sends them.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Stores or replaces a secret.
    async fn put_secret(&self, name: &Name, secret: Secret, at: Timestamp) -> Result<(), JournalError>;
    /// The secret; `None` when there is none of that name.
    async fn secret(&self, name: &Name) -> Result<Option<Secret>, JournalError>;
    /// Names only, with the time of the last change.
    async fn secret_names(&self) -> Result<Vec<(Name, Timestamp)>, JournalError>;
    /// Removes a secret; `false` when there was none.
    async fn delete_secret(&self, name: &Name) -> Result<bool, JournalError>;
}

/// The code under which a storage failure is shown to operators.
impl From<&JournalError> for Problem {
    fn from(error: &JournalError) -> Self {
        let held = matches!(error, JournalError::Fenced { .. } | JournalError::Held { .. });
        let code = if held { Code::JournalHeld } else { Code::Journal };
        Self::new(code, error.to_string())
    }
}
