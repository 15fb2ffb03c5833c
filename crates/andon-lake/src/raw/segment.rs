//! Names and paths of segments.
//!
//! A segment's path is `raw/<yyyy>/<mm>/<dd>/<hh>/<first id>-<generation>.ndjson`: the UTC hour is that of its
//! youngest reading when it was begun; the ids have twenty digits, so that names sort as numbers do.

use std::fmt;
use std::str::FromStr;

use andon_model::{IngestId, Timestamp};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Folder of all segments.
pub(crate) const RAW: &str = "raw";

/// Ending of a segment that can be read as it is.
pub(crate) const PLAIN: &str = ".ndjson";

/// Names a segment. Segments are in order of their first reading; of two that begin with the same reading, the
/// later generation is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SegmentId {
    /// The reading that it begins with.
    pub first: IngestId,
    /// 0, or how many segments were begun with this reading and given up.
    pub generation: u32,
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:04}", self.first.0, self.generation)
    }
}

/// A text is not the name of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a segment")]
pub struct InvalidSegmentId(String);

impl FromStr for SegmentId {
    type Err = InvalidSegmentId;
    fn from_str(text: &str) -> Result<Self, InvalidSegmentId> {
        let parts = text.split_once('-').and_then(|(first, generation)| {
            Some(Self { first: IngestId(first.parse().ok()?), generation: generation.parse().ok()? })
        });
        parts.filter(|id| id.to_string() == text).ok_or_else(|| InvalidSegmentId(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for SegmentId {
    type Error = InvalidSegmentId;
    fn try_from(text: String) -> Result<Self, InvalidSegmentId> {
        text.parse()
    }
}

impl From<SegmentId> for String {
    fn from(id: SegmentId) -> Self {
        id.to_string()
    }
}

/// An hour in UTC; hours are in the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

const MICROS_PER_HOUR: i64 = 3_600_000_000;

impl Hour {
    /// The hour that `time` lies in.
    pub const fn of(time: Timestamp) -> Self {
        Self(time.as_micros().div_euclid(MICROS_PER_HOUR))
    }

    /// When the hour ends.
    pub fn end(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(1).saturating_mul(MICROS_PER_HOUR))
    }

    /// Reads `<yyyy>/<mm>/<dd>/<hh>`.
    fn parse(folder: &str) -> Option<Self> {
        let hour: Timestamp = match folder.split('/').collect::<Vec<_>>()[..] {
            [y, m, d, h] => format!("{y}-{m}-{d}T{h}:00:00Z").parse().ok()?,
            _ => return None,
        };
        Some(Self::of(hour))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.saturating_mul(3_600);
        let t = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(f, "{:04}/{:02}/{:02}/{:02}", t.year(), u8::from(t.month()), t.day(), t.hour())
    }
}

/// Where a segment lies, below the log's folder or the archive's root, without its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentPlace {
    /// Its name.
    pub id: SegmentId,
    /// Its folder.
    pub hour: Hour,
}

impl SegmentPlace {
    /// The path with an ending such as `.ndjson`.
    pub(crate) fn path(&self, ending: &str) -> String {
        format!("{RAW}/{}/{}{ending}", self.hour, self.id)
    }

    /// Reads what [`SegmentPlace::path`] writes; `None` for the path of anything else.
    pub(crate) fn parse(path: &str, ending: &str) -> Option<Self> {
        let rest = path.strip_prefix(RAW)?.strip_prefix('/')?.strip_suffix(ending)?;
        let (folder, name) = rest.rsplit_once('/')?;
        Some(Self { id: name.parse().ok()?, hour: Hour::parse(folder)? })
    }
}
