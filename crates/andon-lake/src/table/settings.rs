//! Limits of the lake.

use std::time::Duration;

use andon_model::Name;

use super::LakeError;
use crate::flatten::FlattenLimits;
use crate::sql::SqlLimits;

/// How readings become tables, and how much is done at once.
#[derive(Debug, Clone)]
pub struct LakeSettings {
    /// Name of the root table; of lower-case letters, digits and `_`. It cannot be changed later.
    pub root: String,
    /// Name of the consumer whose checkpoint in the raw log is moved.
    pub consumer: Name,
    /// Where the time of the event is in the payload, as a dotted path in lower case; empty: the time of receipt.
    pub event_time: String,
    /// Limits of flattening.
    pub flatten: FlattenLimits,
    /// Most readings of one batch.
    pub batch_readings: usize,
    /// A batch is complete with this many bytes of payload.
    pub batch_bytes: usize,
    /// How long a batch is gathered from its first reading on: with the time of the commit, the freshness.
    pub gather: Duration,
    /// How long versions can be travelled back to, and how long files that no version needs are kept.
    /// At least longer than a batch takes to be written.
    pub keep: Duration,
    /// Compaction makes files of about this many bytes.
    pub file_bytes: u64,
    /// Limits of queries.
    pub sql: SqlLimits,
}

/// Beside the root table and its children; a root table of this name would hide it.
pub(crate) const QUARANTINE: &str = "quarantine";

/// The values of assets. A root table of this name, or of its beginning with an array `values`, would hide it.
pub(crate) const VALUES: &str = "asset_values";

/// What cannot be the root table.
const TAKEN: [&str; 3] = [QUARANTINE, VALUES, "asset"];

impl LakeSettings {
    /// The defaults, for the root table `root` and the raw log's consumer `consumer`.
    pub fn new(root: &str, consumer: Name) -> Self {
        Self {
            root: root.to_owned(),
            consumer,
            event_time: String::new(),
            flatten: FlattenLimits::default(),
            batch_readings: 65_536,
            batch_bytes: 16 << 20,
            gather: Duration::from_secs(2),
            keep: Duration::from_hours(7 * 24),
            file_bytes: 128 << 20,
            sql: SqlLimits::default(),
        }
    }

    /// Refuses a root table that could not be told from others.
    pub(crate) fn check(&self) -> Result<(), LakeError> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = self.root.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && self.root.chars().all(legal) && self.root.len() <= 64 && !TAKEN.contains(&self.root.as_str()) {
            return Ok(());
        }
        let (root, taken) = (&self.root, TAKEN.join(", "));
        Err(LakeError::Setting(format!(
            "{root:?} cannot be the root table: up to 64 lower-case letters, digits and _, and none of {taken}"
        )))
    }
}
