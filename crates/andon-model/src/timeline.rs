//! What happened to a run, moment by moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;

/// What happened at one moment of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// The run was created by a decision.
    Planned,
    /// It joined an episode, or found that the document of the last one is closed.
    Joined,
    /// A request is about to be sent.
    Sending,
    /// A definite answer came, from a destination or from a table of Andon.
    Answered,
    /// The destination refused.
    Refused,
    /// The destination asked to come back, or was not reached at all.
    Busy,
    /// The outcome is unknown.
    Lost,
    /// A probe is about to be sent.
    Probing,
    /// A probe found or did not find the document.
    Probed,
    /// Waits until a point in time.
    Waiting,
    /// A person stepped in.
    Released,
    /// The run is settled.
    Settled,
}

impl TimelineKind {
    /// The text form used in storage and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Joined => "joined",
            Self::Sending => "sending",
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Lost => "lost",
            Self::Probing => "probing",
            Self::Probed => "probed",
            Self::Waiting => "waiting",
            Self::Released => "released",
            Self::Settled => "settled",
        }
    }
}

/// One line of a run's timeline; details are redacted before they get here (invariant K1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: TimelineKind,
    /// The step concerned, empty for the run as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// Attempt number within the step, counted from 1; 0 when it does not apply.
    #[serde(default)]
    pub attempt: u32,
    /// Status, address, message, durations: free form, for people.
    pub detail: Value,
}

/// How a person moves a run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "release", rename_all = "snake_case")]
pub enum Release {
    /// Try the step that stopped again. After an unknown outcome it is probed first where that is
    /// possible; where not, `confirmed_absent` says that a person has looked and found nothing.
    Retry {
        /// A person has made sure that the document does not exist.
        #[serde(default)]
        confirmed_absent: bool,
    },
    /// The document exists or the step is not needed: go on with the next step.
    Resolve {
        /// Number of the document, when there is one.
        #[serde(default)]
        document: Option<String>,
    },
    /// Stop for good.
    Cancel,
}
