//! The event lane's storage port: append, decide, commit.

use andon_model::{Decision, Event, EventKey, Name, Offset, RunId, RunStatus, TimelineEntry, Timestamp};
use async_trait::async_trait;

use crate::{Episode, EpisodeKey, EpisodePart, Mark, NewAttachment, NewQuarantine};

/// Why the journal could not do it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Storage failed. For a write: the outcome is unknown, read again before acting.
    #[error("the journal's storage failed while {doing}: {cause}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// The storage's own words.
        cause: String,
    },
    /// Somebody else took the lease; this process must stop writing.
    #[error("another process holds the journal (epoch {theirs}, ours was {ours}): stop one of them")]
    Fenced {
        /// Epoch of this process.
        ours: i64,
        /// Epoch found.
        theirs: i64,
    },
    /// A live process holds the journal; nothing was changed.
    #[error("a live process ({owner}) holds the journal: stop it first")]
    Held {
        /// How that process called itself when it took the lease.
        owner: String,
    },
    /// A checkpoint was asked to go back (invariant J2).
    #[error("checkpoint {name} cannot go back from {from} to {to}")]
    CheckpointWentBack {
        /// Its name.
        name: String,
        /// Where it is.
        from: i64,
        /// Where it was asked to go.
        to: i64,
    },
    /// What is stored cannot be read back.
    #[error("{what} in the journal cannot be read: {cause}")]
    Corrupt {
        /// Which object.
        what: String,
        /// Why.
        cause: String,
    },
}

/// The right to write as the one engine of this journal. Every commit checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Grows by one with every engine that starts.
    pub epoch: i64,
}

/// A named position that only moves forward (invariant J2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointMove {
    /// Name, unique in the journal.
    pub name: String,
    /// New position.
    pub position: i64,
    /// Free text for the source's own use (a continuation token), at most 4 KiB.
    pub note: String,
}

/// What one append stores, all or nothing.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// Configuration name of the source the events came through.
    pub source: Option<Name>,
    /// Events, in order.
    pub events: Vec<Event>,
    /// What belongs to those of the events that are new.
    pub attachments: Vec<NewAttachment>,
    /// What could not be decoded.
    pub quarantine: Vec<NewQuarantine>,
    /// Set-like checkpoint members of `source`.
    pub marks: Vec<Mark>,
    /// Position to move.
    pub checkpoint: Option<CheckpointMove>,
    /// Time of receipt.
    pub at: Timestamp,
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// For each event in order: its offset, and whether it was new (`false`: known before, J4).
    pub events: Vec<(Offset, bool)>,
    /// Identifiers of the quarantine entries, in order.
    pub quarantine: Vec<i64>,
}

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its place.
    pub offset: Offset,
    /// When it was received.
    pub received_at: Timestamp,
    /// The event.
    pub event: Event,
}

/// A run's place among the unsettled ones: by its event, and within one event by when it was made. The
/// default stands before all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RunPlace {
    /// The event it serves.
    pub event: Offset,
    /// Its sequence number.
    pub sequence: i64,
}

/// An unsettled run as a starting engine learns of it: enough to keep its order. The rest is read when
/// the run wakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRun {
    /// Its place.
    pub place: RunPlace,
    /// Its identifier.
    pub id: RunId,
    /// Order key, as in [`StoredRun`].
    pub subject: String,
    /// The episode that it belongs to.
    pub episode: Option<EpisodeKey>,
}

/// A run as it is loaded when it wakes.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// Its identifier.
    pub id: RunId,
    /// The event it serves.
    pub event: Offset,
    /// Order key: events of one subject are worked on one after the other. Empty: no order.
    pub subject: String,
    /// Where it is.
    pub status: RunStatus,
    /// When it wants to be woken.
    pub due: Option<Timestamp>,
    /// The run's state, in the JSON form of `andon-act`.
    pub state: String,
}

/// A run to be written: inserted when new, replaced otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct RunChange {
    /// Its identifier.
    pub id: RunId,
    /// The event it serves.
    pub event: Offset,
    /// The action it executes.
    pub action: Name,
    /// Configuration revision it is pinned to.
    pub revision: i64,
    /// Order key.
    pub subject: String,
    /// Where it is now.
    pub status: RunStatus,
    /// When it wants to be woken.
    pub due: Option<Timestamp>,
    /// The state, in the JSON form of `andon-act`.
    pub state: String,
    /// Document numbers so far, as `number, number`, for lists.
    pub documents: String,
    /// One line for lists: why it waits or how it ended.
    pub summary: String,
    /// When this change happened.
    pub at: Timestamp,
    /// How many lines of the timeline were stored before: a repeated commit writes none twice.
    pub timeline_from: u32,
    /// New lines of the timeline.
    pub timeline: Vec<TimelineEntry>,
    /// Its part in an episode.
    pub episode: Option<EpisodePart>,
}

/// The decisions for one event; committed with its runs and the decide checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The event.
    pub event: Offset,
    /// When.
    pub at: Timestamp,
    /// One entry per table that was asked.
    pub decisions: Vec<Decision>,
    /// Why no decision could be made, if so: the event is then visible as failed.
    pub failure: Option<andon_model::Problem>,
}

/// One transaction of the engine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// Decisions, in offset order.
    pub decided: Vec<Decided>,
    /// Runs created or moved. At most one change per run.
    pub runs: Vec<RunChange>,
    /// The offset up to which every event is decided, when it moved.
    pub decided_up_to: Option<Offset>,
    /// Episodes that a person has closed: they are forgotten, whatever the runs of the same commit say of them.
    pub closed_episodes: Vec<EpisodeKey>,
}

/// The event lane's storage.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Takes over as the one engine. [`JournalError::Held`] while another live process holds the journal.
    async fn take_lease(&self, owner: &str, now: Timestamp) -> Result<Lease, JournalError>;

    /// Stores events with their attachments, quarantine, marks and checkpoint, durably, in one transaction.
    async fn append(&self, append: Append) -> Result<Appended, JournalError>;

    /// Writes decisions, runs and timeline, durably, in one transaction, if the lease still holds.
    async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError>;

    /// The offset up to which every event is decided; 0 at first.
    async fn decided_up_to(&self) -> Result<Offset, JournalError>;

    /// Events after `after`, in order, at most `limit`.
    async fn events_after(&self, after: Offset, limit: usize) -> Result<Vec<StoredEvent>, JournalError>;

    /// One event.
    async fn event(&self, offset: Offset) -> Result<Option<StoredEvent>, JournalError>;

    /// Where an event is, if it is known.
    async fn find_event(&self, key: &EventKey) -> Result<Option<Offset>, JournalError>;

    /// Unsettled runs that stand after `after`, in the order of their places, at most `limit`.
    async fn unsettled_runs(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError>;

    /// Runs that hold their episode, parked ones among them, that stand after `after`, in the order of their
    /// places, at most `limit`.
    async fn episode_holders(&self, after: RunPlace, limit: usize) -> Result<Vec<PendingRun>, JournalError>;

    /// The newest episode of a key.
    async fn episode(&self, id: &EpisodeKey) -> Result<Option<Episode>, JournalError>;

    /// One run, settled or not.
    async fn run(&self, id: &RunId) -> Result<Option<StoredRun>, JournalError>;

    /// The runs of these events, settled or not, in the order in which they were made within each event.
    async fn runs_of(&self, events: &[Offset]) -> Result<Vec<StoredRun>, JournalError>;

    /// A checkpoint's position and note.
    async fn checkpoint(&self, name: &str) -> Result<Option<(i64, String)>, JournalError>;

    /// Of `marks`, those that are not stored yet for `source`, in the same order.
    async fn unmarked(&self, source: &Name, marks: Vec<Mark>) -> Result<Vec<Mark>, JournalError>;
}
