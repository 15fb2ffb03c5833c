//! Episodes: which document further events of an action join.

use andon_model::{Name, RunId, RunStatus, Timestamp};
use serde::{Deserialize, Serialize};

/// What an episode is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpisodeKey {
    /// The action.
    pub action: Name,
    /// What its `once_per` gave, 1 to 200 characters.
    pub key: String,
}

/// The newest episode of its key. Whether its document is still open is not known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// What it is known by.
    #[serde(flatten)]
    pub id: EpisodeKey,
    /// Number of its document.
    pub document: String,
    /// The run that made the document.
    pub run: RunId,
    /// When that run settled.
    pub opened_at: Timestamp,
    /// When the last event joined.
    pub touched_at: Timestamp,
    /// Events in it, the first one included.
    pub count: i64,
}

/// An episode in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeRow {
    /// The episode.
    #[serde(flatten)]
    pub episode: Episode,
    /// The run that holds it, so that others of the same key wait; absent while none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<EpisodeHolder>,
}

/// A run that holds its episode: under way, or parked until a person has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeHolder {
    /// The run.
    pub run: RunId,
    /// Where it is.
    pub status: RunStatus,
}

/// Which episodes to list.
#[derive(Debug, Clone, Default)]
pub struct EpisodeFilter {
    /// At most so many (the store caps it at 1,000).
    pub limit: usize,
    /// Only this action.
    pub action: Option<Name>,
    /// Only this key.
    pub key: Option<String>,
}

/// The part that a run has in an episode, written with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodePart {
    /// What the episode is known by, together with the run's action.
    pub key: String,
    /// Whether no other run of the episode may go on before this one has come to a defined end.
    pub holds: bool,
    /// The episode as it is from now on: written as a whole, so that writing it twice changes nothing.
    pub put: Option<Episode>,
}

/// What a run shows of its episode; read from its stored state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEpisodeView {
    /// What the episode is known by, together with the run's action.
    pub key: String,
    /// `check`, `update` or `full`: what the run executes; absent while it waits for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The episode that it joined, or has opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenEpisodeView>,
    /// The run of the same episode that it waits for, or has waited for last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<RunId>,
}

/// An episode as a run has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEpisodeView {
    /// Number of its document.
    pub document: String,
    /// The run that made it.
    pub run: RunId,
    /// When that run settled.
    pub opened_at: Timestamp,
    /// When the last event had joined.
    pub touched_at: Timestamp,
    /// Events in it then, the first one included.
    pub count: i64,
}
