//! Reading the log in order, from a position, as far as it is durable.
//!
//! **Constraints.** What was read once is read again from the same position, byte for byte, as long as the segment is
//! there. Bytes that are no reading are handed over as [`Damage`]; ids that no line has are counted as missing:
//! nothing passes silently (invariant R1).

use std::io::{self, BufRead as _};
use std::ops::ControlFlow;

use andon_model::{IngestId, Reading};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::archive::{Packing, Unpacked};
use super::disk::Disk;
use super::index::{Index, Lies, SegmentInfo};
use super::line::{LineFault, MAX_LINE_BYTES, read_line};
use super::segment::{PLAIN, SegmentId, SegmentPlace};

/// A place between two readings. Text form: JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The id that is expected next.
    pub next: IngestId,
    /// The segment.
    pub segment: SegmentId,
    /// Bytes of the segment, unpacked, that lie before.
    pub offset: u64,
}

impl Position {
    /// Before the first reading that there ever was.
    pub const BEGIN: Self =
        Self { next: IngestId::FIRST, segment: SegmentId { first: IngestId::FIRST, generation: 0 }, offset: 0 };
}

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimit {
    /// Most readings.
    pub readings: usize,
    /// Most bytes of lines; a single longer line comes alone.
    pub bytes: usize,
}

impl Default for ReadLimit {
    fn default() -> Self {
        Self { readings: 8_192, bytes: 4 << 20 }
    }
}

/// Bytes of a segment that are no reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: SegmentId,
    /// Where in it.
    pub offset: u64,
    /// The bytes; at most as long as the longest line. None where they cannot be unpacked.
    pub bytes: Vec<u8>,
    /// What is wrong with them.
    pub fault: LineFault,
}

/// What lies between two positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBatch {
    /// Where it begins.
    pub from: Position,
    /// Where it ends, to go on from.
    pub to: Position,
    /// The readings, in order of their ids.
    pub readings: Vec<Reading>,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// Ids between `from` and `to` that no readable line has: damaged, or gone by retention.
    pub missing: u64,
}

impl ReadBatch {
    const fn at(from: Position) -> Self {
        Self { from, to: from, readings: Vec::new(), damage: Vec::new(), missing: 0 }
    }

    fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.damage.is_empty()
    }
}

/// What a step of reading led to.
pub(crate) enum Step {
    /// Something was read.
    Read(ReadBatch),
    /// Everything durable has been read.
    AtEnd,
    /// A segment of the archive is needed; give it to [`Cursor::unpacked`].
    Fetch(SegmentPlace, Packing),
}

/// A position that moves on, with the segment of the archive that it is in.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    position: Position,
    unpacked: Option<(SegmentId, Unpacked)>,
}

impl Cursor {
    pub(crate) const fn new(position: Position) -> Self {
        Self { position, unpacked: None }
    }

    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// The lines of a segment of the archive.
    pub(crate) fn unpacked(&mut self, id: SegmentId, unpacked: Unpacked) {
        self.unpacked = Some((id, unpacked));
    }

    /// Reads on. Blocks for as long as the disk does.
    pub(crate) fn step(&mut self, index: &Index, disk: &dyn Disk, limit: ReadLimit) -> io::Result<Step> {
        let from = self.position;
        while let Some(segment) = index.at_or_after(self.position.segment) {
            self.enter(segment.place.id);
            match self.step_in(&segment, disk, limit, from)? {
                ControlFlow::Break(step) => return Ok(step),
                ControlFlow::Continue(()) => match index.after(segment.place.id) {
                    Some(next) => self.enter(next),
                    None => return Ok(Step::AtEnd),
                },
            }
        }
        Ok(Step::AtEnd)
    }

    fn enter(&mut self, id: SegmentId) {
        if self.position.segment != id {
            (self.position.segment, self.position.offset) = (id, 0);
            self.unpacked = None;
        }
    }

    /// `Continue`: nothing more in this segment.
    fn step_in(
        &mut self,
        segment: &SegmentInfo,
        disk: &dyn Disk,
        limit: ReadLimit,
        from: Position,
    ) -> io::Result<ControlFlow<Step>> {
        while segment.end.is_none_or(|end| self.position.next < end) {
            let chunk = match self.chunk(segment, disk, limit)? {
                ControlFlow::Break(step) => return Ok(ControlFlow::Break(step)),
                ControlFlow::Continue(chunk) if chunk.bytes.is_empty() => {
                    let untold = self.untold(from).map(Step::Read);
                    return Ok(untold.map_or(ControlFlow::Continue(()), ControlFlow::Break));
                }
                ControlFlow::Continue(chunk) => chunk,
            };
            let mut batch = ReadBatch { to: self.position, ..ReadBatch::at(from) };
            take_lines(&mut batch, &chunk, segment.end, limit.readings.max(1));
            self.position = batch.to;
            if !batch.is_empty() {
                return Ok(ControlFlow::Break(Step::Read(batch)));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What is wrong with the unpacked segment, told once, at its end.
    fn untold(&mut self, from: Position) -> Option<ReadBatch> {
        let (segment, unpacked) = self.unpacked.as_mut()?;
        let fault = LineFault::Packed(unpacked.fault.take()?);
        let damage = Damage { segment: *segment, offset: self.position.offset, bytes: Vec::new(), fault };
        Some(ReadBatch { to: self.position, damage: vec![damage], ..ReadBatch::at(from) })
    }

    fn chunk(&self, segment: &SegmentInfo, disk: &dyn Disk, limit: ReadLimit) -> io::Result<ControlFlow<Step, Chunk>> {
        let (offset, most) = (self.position.offset, limit.bytes.max(MAX_LINE_BYTES));
        let chunk = match (segment.lies, &self.unpacked) {
            (Lies::Here { bytes }, _) => {
                let left = usize::try_from(bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
                let read =
                    if left == 0 { Vec::new() } else { disk.read(&segment.place.path(PLAIN), offset, left.min(most))? };
                Chunk { is_rest: read.len() >= left, bytes: read.into() }
            }
            (Lies::Archived(_), Some((id, Unpacked { lines, .. }))) if *id == segment.place.id => {
                let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(lines.len());
                let end = lines.len().min(begin.saturating_add(most));
                Chunk { is_rest: end == lines.len(), bytes: lines.slice(begin..end) }
            }
            (Lies::Archived(packing), _) => return Ok(ControlFlow::Break(Step::Fetch(segment.place, packing))),
        };
        Ok(ControlFlow::Continue(chunk))
    }
}

/// A stretch of a segment.
struct Chunk {
    bytes: Bytes,
    /// Nothing follows in the segment.
    is_rest: bool,
}

/// Takes lines into `batch`, from `batch.to` on, until the chunk, the segment's ids or the limit end.
fn take_lines(batch: &mut ReadBatch, chunk: &Chunk, end: Option<IngestId>, limit: usize) {
    for line in lines(&chunk.bytes) {
        let cut_by_chunk = !line.ends_with(b"\n") && !chunk.is_rest && line.len() < chunk.bytes.len();
        if cut_by_chunk || batch.readings.len() >= limit || end.is_some_and(|end| batch.to.next >= end) {
            return;
        }
        take_line(batch, line, end);
        batch.to.offset += line.len() as u64;
    }
}

/// Each with its line feed, but for the last.
fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let all = bytes;
        // Quicker than a look at each byte.
        let len = bytes.skip_until(b'\n').unwrap_or(all.len());
        (len > 0).then(|| &all[..len])
    })
}

fn take_line(batch: &mut ReadBatch, line: &[u8], end: Option<IngestId>) {
    let next = batch.to.next;
    match read_line(line) {
        // Given up with the segment, written again in the next.
        Ok(reading) if end.is_some_and(|end| reading.id >= end) => {}
        // Before the position: it was looked up by id.
        Ok(reading) if reading.id < next => {}
        Ok(reading) => {
            batch.missing += reading.id.0 - next.0;
            batch.to.next = reading.id.plus(1);
            batch.readings.push(reading);
        }
        Err(fault) => {
            let (segment, offset) = (batch.to.segment, batch.to.offset);
            batch.damage.push(Damage { segment, offset, bytes: line.to_vec(), fault });
        }
    }
}
