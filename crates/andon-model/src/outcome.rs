//! How a run stands and how it ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Problem, Timestamp};

/// Where a run is. The first three are *pending* (visible work), the others *settled* (invariant A3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Decided; waits for earlier events of the same subject, or for a place at the destination.
    Queued,
    /// A request may be on its way.
    Sending,
    /// Waits for a point in time: retry, probe, or an open circuit.
    Waiting,
    /// Every step is done.
    Done,
    /// The destination refused; a person must change something.
    Refused,
    /// The outcome is unknown and cannot be found out; a person must look.
    Parked,
    /// A person called it off.
    Cancelled,
}

impl RunStatus {
    /// All statuses, in the order in which they are listed to people.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Sending, Self::Waiting, Self::Done, Self::Refused, Self::Parked, Self::Cancelled];

    /// Whether nothing more will happen without a person.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Parked | Self::Cancelled)
    }

    /// The text form used in storage, API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RunStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|s| s.as_str()).collect();
            format!("{text:?} is not a run status; known are {}", known.join(", "))
        })
    }
}

/// A document that a destination created or was found to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRef {
    /// The step that made it.
    pub step: String,
    /// Its number, as the destination gave it.
    pub number: String,
    /// `true` when it was found by a probe after an unknown outcome instead of read from an answer.
    #[serde(default)]
    pub found_by_probe: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// A settled status.
    pub status: RunStatus,
    /// When.
    pub at: Timestamp,
    /// What exists in the destination because of this run.
    pub documents: Vec<DocumentRef>,
    /// Why it did not end in `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}
