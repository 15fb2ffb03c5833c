//! What is told of an alarm, and what people ask of it.

use std::sync::Arc;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::definition::AlarmState;

/// Longest note, in characters; the limit of SiteWise.
pub(crate) const MAX_NOTE_CHARS: usize = 128;

/// How a condition was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What was held against the limit: the value, its change within the span, or the seconds without a value.
    pub value: f64,
    /// How, as SiteWise names it.
    pub operator: crate::definition::Operator,
    /// The limit.
    pub threshold: f64,
}

/// Why an alarm went to another state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A value.
    Value,
    /// Time that passed.
    Time,
    /// A person.
    Person(OperationKind),
    /// Another definition.
    Definition,
}

/// An alarm went to another state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Id of the asset.
    pub asset: Arc<str>,
    /// Name of the alarm.
    pub alarm: Arc<str>,
    /// Number of the episode, counted from 1; 0 before the first.
    pub episode: u64,
    /// The state before.
    pub from: AlarmState,
    /// The state now.
    pub to: AlarmState,
    /// When: the time of the value, or when a time was over.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What they wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How the condition was judged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
}

/// What a person asks of an alarm. It is an input like a reading: what is to survive a restart is kept, and played again
/// between the readings before and after `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Id of the asset.
    pub asset: String,
    /// Name of the alarm.
    pub alarm: String,
    /// What.
    pub kind: OperationKind,
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The operations, in SiteWise's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Say that somebody knows.
    Acknowledge,
    /// Put aside for a while.
    Snooze {
        /// Until when.
        until: Timestamp,
    },
    /// Say that all is well: the condition is judged anew.
    Reset,
    /// Have it watched.
    Enable,
    /// Do not have it watched.
    Disable,
}

impl OperationKind {
    /// As SiteWise's `customerAction` names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "ACKNOWLEDGE",
            Self::Snooze { .. } => "SNOOZE",
            Self::Reset => "RESET",
            Self::Enable => "ENABLE",
            Self::Disable => "DISABLE",
        }
    }
}
