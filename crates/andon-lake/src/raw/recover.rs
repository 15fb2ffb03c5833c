//! What a start finds: the segments, the next place, and a tail that was cut off while it was written.
//!
//! **Constraints.** Nothing acknowledged is ever removed: acknowledged lines are complete, and only what lies behind
//! the last complete line of the last segment is cut. The bytes are kept in `quarantine/` before they are cut.
//!
//! A killed process may have left lines in the system's memory that the disk does not have, and will never get if a
//! `sync` failed before. Nobody may read what a loss of power takes back, so the last segment is written once more, as
//! the next generation, unless the saved counts say that all of it was durable.

use std::io;

use andon_model::IngestId;

use super::disk::{Disk, FoundFile};
use super::line::{MAX_LINE_BYTES, read_line};
use super::segment::{PLAIN, RAW, SegmentId, SegmentPlace};

/// Folder of bytes that were cut off.
pub(crate) const QUARANTINE: &str = "quarantine";

/// The tail of a segment that is no line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub segment: SegmentId,
    /// Where the tail began.
    pub offset: u64,
    /// How many bytes it had.
    pub bytes: u64,
    /// The first of the files, relative to the log's folder, that hold it.
    pub kept_in: String,
}

/// The log as a start finds it.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// Segments and their bytes, in order.
    pub(crate) segments: Vec<(SegmentPlace, u64)>,
    /// The place behind the last reading.
    pub(crate) next: IngestId,
    pub(crate) torn: Option<TornTail>,
}

/// Looks at the names of all segments, and at the lines of the last one. All readings before `counted` are known to
/// be durable.
pub(crate) fn recover(disk: &dyn Disk, counted: IngestId) -> io::Result<Recovered> {
    let place = |file: &FoundFile| Some((SegmentPlace::parse(&file.path, PLAIN)?, file.bytes));
    let mut segments: Vec<_> = disk.list(RAW)?.iter().filter_map(place).collect();
    segments.sort_by_key(|(place, _)| place.id);
    let Some((place, bytes)) = segments.last_mut() else {
        return Ok(Recovered { segments, next: IngestId::FIRST, torn: None });
    };
    let end = last_line(disk, place)?;
    let torn = if end.offset < *bytes { Some(set_aside(disk, place, end.offset, *bytes)?) } else { None };
    if torn.is_some() {
        disk.cut(&place.path(PLAIN), end.offset)?;
    }
    if end.next > counted.max(place.id.first) {
        *place = write_again(disk, place, end.offset)?;
    }
    *bytes = end.offset;
    Ok(Recovered { segments, next: end.next, torn })
}

struct End {
    offset: u64,
    next: IngestId,
}

/// The end of the last complete line. Damage before it stays: acknowledged lines may follow it.
fn last_line(disk: &dyn Disk, place: &SegmentPlace) -> io::Result<End> {
    let (path, mut at) = (place.path(PLAIN), 0_u64);
    let mut end = End { offset: 0, next: place.id.first };
    loop {
        let chunk = disk.read(&path, at, MAX_LINE_BYTES)?;
        let whole = chunk.iter().rposition(|b| *b == b'\n').map_or(chunk.len(), |i| i + 1);
        if whole == 0 {
            return Ok(end);
        }
        for line in chunk[..whole].split_inclusive(|b| *b == b'\n') {
            at += line.len() as u64;
            if let Ok(reading) = read_line(line) {
                end = End { offset: at, next: reading.id.plus(1) };
            }
        }
    }
}

/// Copies a segment to its next generation, which takes its place.
fn write_again(disk: &dyn Disk, place: &SegmentPlace, bytes: u64) -> io::Result<SegmentPlace> {
    let lines = disk.read(&place.path(PLAIN), 0, usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let generation = place.id.generation.saturating_add(1);
    let copy = SegmentPlace { id: SegmentId { generation, ..place.id }, hour: place.hour };
    disk.replace(&copy.path(PLAIN), &lines)?;
    disk.remove(&place.path(PLAIN))?;
    Ok(copy)
}

fn set_aside(disk: &dyn Disk, place: &SegmentPlace, from: u64, to: u64) -> io::Result<TornTail> {
    let name = |offset: u64| format!("{QUARANTINE}/{}.{offset}.torn", place.id);
    let mut at = from;
    while at < to {
        let bytes = disk.read(&place.path(PLAIN), at, MAX_LINE_BYTES)?;
        if bytes.is_empty() {
            break;
        }
        disk.replace(&name(at), &bytes)?;
        at += bytes.len() as u64;
    }
    Ok(TornTail { segment: place.id, offset: from, bytes: to - from, kept_in: name(from) })
}
