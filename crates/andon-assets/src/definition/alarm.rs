//! The shapes of alarms.

use serde::{Deserialize, Serialize};

use super::Span;

/// An alarm of a model: exactly one of `threshold`, `rate` and `silence`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmDefinition {
    /// Its name, unique in the model.
    pub name: String,
    /// The property that is watched.
    pub property: String,
    /// A value beyond a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdDefinition>,
    /// A value that changes too fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateDefinition>,
    /// No value for too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<SilenceDefinition>,
    /// How long the condition must hold before the alarm is active.
    #[serde(default)]
    pub active_after: Span,
    /// How long it must not hold before the alarm is over: what comes and goes faster is one episode.
    #[serde(default = "one_minute")]
    pub normal_after: Span,
    /// Whether somebody must acknowledge: an alarm that is over before is latched until somebody does.
    #[serde(default)]
    pub acknowledge: bool,
    /// How severe, for the event: 1 is the worst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// The states that are events when the alarm gets there.
    #[serde(default = "active_alone")]
    pub events: Vec<AlarmState>,
    /// Whether it is watched from the beginning.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A value beyond a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdDefinition {
    /// How the value compares with the limit when the condition holds.
    pub operator: Operator,
    /// The limit: a number, or an attribute of the asset.
    pub value: AlarmLimit,
    /// How far the value must come back behind the limit before the condition no longer holds.
    #[serde(default)]
    pub hysteresis: f64,
}

/// The limit of a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AlarmLimit {
    /// The same for all assets.
    Number(f64),
    /// The attribute of the asset that has it.
    Attribute {
        /// Name of the attribute.
        attribute: String,
    },
}

/// A value that changes too fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateDefinition {
    /// A change by more than this…
    pub change: f64,
    /// …within this span.
    pub within: Span,
    /// Upwards, downwards, or both.
    #[serde(default)]
    pub direction: Direction,
    /// How far the change must come back below the limit before the condition no longer holds.
    #[serde(default)]
    pub hysteresis: f64,
}

/// Which changes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both.
    #[default]
    Either,
    /// Upwards.
    Rising,
    /// Downwards.
    Falling,
}

/// No value for too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceDefinition {
    /// How long, counted from the last value's receipt, or from a reset of the alarm. A property that never had a value is
    /// not silent.
    pub after: Span,
}

/// How a value compares with a limit. Read as a symbol or as SiteWise's word, written as the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operator {
    /// `<`
    #[serde(alias = "<")]
    Less,
    /// `<=`
    #[serde(alias = "<=")]
    LessOrEqual,
    /// `==`
    #[serde(alias = "==", alias = "=")]
    Equal,
    /// `!=`
    #[serde(alias = "!=")]
    NotEqual,
    /// `>=`
    #[serde(alias = ">=")]
    GreaterOrEqual,
    /// `>`
    #[serde(alias = ">")]
    Greater,
}

impl Operator {
    /// As SiteWise's alarm states have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Less => "LESS",
            Self::LessOrEqual => "LESS_OR_EQUAL",
            Self::Equal => "EQUAL",
            Self::NotEqual => "NOT_EQUAL",
            Self::GreaterOrEqual => "GREATER_OR_EQUAL",
            Self::Greater => "GREATER",
        }
    }
}

/// The state of an alarm, as SiteWise names it
/// (<https://docs.aws.amazon.com/iot-sitewise/latest/userguide/industrial-alarms.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// Nothing is wrong.
    #[default]
    Normal,
    /// The condition holds.
    Active,
    /// The condition holds, and somebody knows.
    Acknowledged,
    /// The condition no longer holds, and nobody has acknowledged that it did.
    Latched,
    /// Put aside for a while.
    SnoozeDisabled,
    /// Not watched.
    Disabled,
}

impl AlarmState {
    /// As SiteWise's alarm states have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Active => "ACTIVE",
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Latched => "LATCHED",
            Self::SnoozeDisabled => "SNOOZE_DISABLED",
            Self::Disabled => "DISABLED",
        }
    }
}

const fn one_minute() -> Span {
    Span::seconds(60)
}

fn active_alone() -> Vec<AlarmState> {
    vec![AlarmState::Active]
}

const fn yes() -> bool {
    true
}
