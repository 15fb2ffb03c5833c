//! Whether the log still has what was read from it, as far as names and ends of segments tell.
//!
//! **Constraints.** Looks at the folder and at the archive as they are now, not as they were when the log was opened. Of a
//! segment in the folder the last line is read, of one in the archive nothing: that would take as long as reading it all.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use andon_model::IngestId;

use super::disk::Disk;
use super::index::{Lies, SegmentInfo};
use super::line::{MAX_LINE_BYTES, read_line};
use super::log::RawLog;
use super::reader::ReadError;
use super::segment::{PLAIN, RAW, SegmentId};

/// Bytes at the end of a segment that are looked at first; nearly every line is shorter.
const TAIL_BYTES: usize = 64 << 10;

/// Readings that the log does not have any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// The first of them.
    pub(crate) first: IngestId,
    /// Behind the last.
    pub(crate) end: IngestId,
}

impl Lacking {
    pub(crate) const fn count(self) -> u64 {
        self.end.0.saturating_sub(self.first.0)
    }
}

impl RawLog {
    /// Stretches of the readings from `first` up to `end` that are not there any more, in order.
    pub(crate) async fn lacking(&self, first: IngestId, end: IngestId) -> Result<Vec<Lacking>, ReadError> {
        let archived = match self.archive() {
            Some(archive) => archive.list().await?.iter().map(|(place, _)| place.id).collect(),
            None => BTreeSet::new(),
        };
        let (disk, segments) = (Arc::clone(&self.disk), self.segments());
        let look = move || lacking(disk.as_ref(), &segments, &archived, Lacking { first, end });
        Ok(tokio::task::spawn_blocking(look).await.map_err(io::Error::from)??)
    }
}

/// `asked`: the readings that are looked for.
fn lacking(
    disk: &dyn Disk,
    segments: &[SegmentInfo],
    archived: &BTreeSet<SegmentId>,
    asked: Lacking,
) -> io::Result<Vec<Lacking>> {
    let files: BTreeMap<String, u64> = disk.list(RAW)?.into_iter().map(|file| (file.path, file.bytes)).collect();
    let begin = segments.first().map_or(asked.end, |segment| segment.place.id.first);
    let mut found = vec![Lacking { first: asked.first, end: begin.min(asked.end) }];
    for segment in segments {
        let (first, end) = (segment.place.id.first, segment.end.unwrap_or(asked.end));
        let has = match segment.lies {
            _ if end <= asked.first || first >= asked.end => continue,
            Lies::Archived(_) if archived.contains(&segment.place.id) => end,
            Lies::Archived(_) => first,
            Lies::Here { bytes } => match files.get(&segment.place.path(PLAIN)) {
                Some(found) if *found >= bytes => behind_last_line(disk, segment, bytes)?.min(end),
                _ => first,
            },
        };
        found.push(Lacking { first: has.max(asked.first), end: end.min(asked.end) });
    }
    found.retain(|lacking| lacking.count() > 0);
    Ok(found)
}

/// The place behind the last readable line; the segment's first if there is none.
fn behind_last_line(disk: &dyn Disk, segment: &SegmentInfo, bytes: u64) -> io::Result<IngestId> {
    for tail in [TAIL_BYTES, 2 * MAX_LINE_BYTES] {
        let offset = bytes.saturating_sub(tail as u64);
        let read = disk.read(&segment.place.path(PLAIN), offset, tail)?;
        let last = read.split_inclusive(|b| *b == b'\n').rev().find_map(|line| read_line(line).ok());
        if let Some(last) = last {
            return Ok(last.id.plus(1));
        }
        if offset == 0 {
            break;
        }
    }
    Ok(segment.place.id.first)
}
