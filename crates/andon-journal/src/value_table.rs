//! Where the values of assets go, to be asked for their history.
//!
//! **Constraints.** Values are computed from the log, and after a crash computed again. Each append says how far in the
//! log, and in time, it goes; what is not behind the last one was there before and is left out. So every value is in the
//! table once. A table that was begun anew has a gap, which is filled beside the appends and by marks of its own.

use std::sync::Arc;

use andon_model::{IngestId, Problem, Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// How far values go: the place behind the last reading that they follow from, and the time that had passed. In order of
/// the log first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct ValueMark {
    /// The place.
    pub next: IngestId,
    /// The time: windows end without a reading, too.
    pub at: Timestamp,
}

/// What a property's value is. JSON form: the bare value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ValueContent {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Double(f64),
    /// Text.
    String(Arc<str>),
}

/// A value of a property of an asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyValue {
    /// Id of the asset.
    pub asset: Arc<str>,
    /// Name of the property.
    pub property: Arc<str>,
    /// When it was measured, or what time it was computed for.
    pub ts: Timestamp,
    /// What.
    pub value: ValueContent,
    /// How far it can be trusted: `GOOD`, `BAD` or `UNCERTAIN`.
    pub quality: Arc<str>,
}

/// Values that a table lacks, because it was begun anew: they are made again from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueGap {
    /// How often the table was begun anew.
    pub round: i64,
    /// Values up to here are there again.
    pub done: ValueMark,
    /// Values behind this were never gone.
    pub until: ValueMark,
}

/// A table of values.
#[async_trait]
pub trait ValueTable: Send + Sync {
    /// How far the values in the table go; the default when there are none.
    async fn committed(&self) -> Result<ValueMark, Problem>;

    /// Adds `values`, which go up to `up_to`, in one commit that says so. Does nothing when the table goes as far already.
    /// An `Err` means *unknown*: the same values are brought again, with the same mark.
    async fn append(&self, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem>;

    /// What the table lacks; `None` when that is nothing.
    async fn gap(&self) -> Result<Option<ValueGap>, Problem>;

    /// Adds `values` to what fills the gap of `round`, up to `up_to`, in one commit that says so. Does nothing when that much
    /// is filled, or when the table was begun anew since. An `Err` means *unknown*, as for [`ValueTable::append`].
    async fn fill(&self, round: i64, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem>;
}
