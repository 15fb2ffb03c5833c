//! Writes groups of readings to segments: the one place that appends.
//!
//! **Constraints.** [`Appender::append`] returns `Ok` when the group is durable (invariant J3). After `Err` nothing of
//! it is known to readers, and its ids are given to the next group.
//!
//! **Life of a group.** Its lines are made in memory; a segment is begun if there is none, or if the one that is open
//! is full, old or of another hour; the lines are appended and made durable together; only then the index knows them.
//! If the disk refuses bytes, those that are there are taken back. If it refuses to make them durable, the segment
//! is given up where it was durable last, and the group goes into a new one: a second `sync` of the same file may
//! succeed without having written anything.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use andon_journal::NewReading;
use andon_model::{IngestId, Timestamp};

use super::disk::{Disk, DiskFile};
use super::index::{Index, Lies};
use super::line::write_line;
use super::segment::{Hour, PLAIN, SegmentId, SegmentPlace};

/// When a segment is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentLimits {
    pub(crate) bytes: u64,
    pub(crate) age: Duration,
}

/// Why a group is not durable.
#[derive(Debug, thiserror::Error)]
#[error("{doing} failed: {cause}")]
pub(crate) struct AppendFault {
    pub(crate) doing: &'static str,
    pub(crate) cause: io::Error,
}

struct OpenSegment {
    place: SegmentPlace,
    file: Box<dyn DiskFile>,
    durable_bytes: u64,
    begun: Timestamp,
}

pub(crate) struct Appender {
    disk: Arc<dyn Disk>,
    index: Arc<Index>,
    limits: SegmentLimits,
    open: Option<OpenSegment>,
    next: IngestId,
    /// Generation of the next segment, should it begin with `next`.
    generation: u32,
    lines: Vec<u8>,
}

impl Appender {
    /// Goes on with `next`; `last` is the segment before.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        index: Arc<Index>,
        limits: SegmentLimits,
        next: IngestId,
        last: Option<SegmentId>,
    ) -> Self {
        let generation = last.filter(|last| last.first == next).map_or(0, |last| last.generation.saturating_add(1));
        Self { disk, index, limits, open: None, next, generation, lines: Vec::new() }
    }

    /// The place of the next reading.
    pub(crate) const fn next(&self) -> IngestId {
        self.next
    }

    /// Makes `group` durable and gives the place of its first reading. May be called again after an error.
    pub(crate) fn append<'a>(
        &mut self,
        group: impl Iterator<Item = &'a NewReading>,
        now: Timestamp,
    ) -> Result<IngestId, AppendFault> {
        let first = self.next;
        let (count, hour) = self.write_lines(group);
        if count == 0 {
            return Ok(first);
        }
        self.close_if_due(hour, now);
        let open = self.take_open(hour, now)?;
        let open = self.write(open)?;
        self.index.set(open.place, Lies::Here { bytes: open.durable_bytes });
        self.open = Some(open);
        self.next = first.plus(count);
        self.generation = 0;
        Ok(first)
    }

    /// Closes the open segment if it is full, older than allowed, or of an earlier hour than `hour`. A clock that
    /// was set back closes it too: its age cannot be told.
    fn close_if_due(&mut self, hour: Hour, now: Timestamp) {
        let SegmentLimits { bytes, age } = self.limits;
        let due = |open: &OpenSegment| {
            let old = now.since(open.begun) >= age || now < open.begun;
            open.durable_bytes >= bytes || old || hour > open.place.hour
        };
        if self.open.as_ref().is_some_and(due) {
            self.open = None;
        }
    }

    /// Closes the open segment if its time has come, without waiting for a reading. Whether it did.
    pub(crate) fn close_if_old(&mut self, now: Timestamp) -> bool {
        let Some(hour) = self.open.as_ref().map(|open| open.place.hour) else { return false };
        self.close_if_due(hour.max(Hour::of(now)), now);
        self.open.is_none()
    }

    /// The segment that is being appended to.
    pub(crate) fn open_segment(&self) -> Option<SegmentId> {
        self.open.as_ref().map(|open| open.place.id)
    }

    /// How many lines, and the hour of the youngest.
    fn write_lines<'a>(&mut self, group: impl Iterator<Item = &'a NewReading>) -> (u64, Hour) {
        self.lines.clear();
        let (mut count, mut youngest) = (0, Timestamp::from_micros(i64::MIN));
        for reading in group {
            write_line(&mut self.lines, self.next.plus(count), reading);
            youngest = youngest.max(reading.received);
            count += 1;
        }
        (count, Hour::of(youngest))
    }

    /// The open segment, or a new one. It stays open only if it is put back.
    fn take_open(&mut self, hour: Hour, now: Timestamp) -> Result<OpenSegment, AppendFault> {
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        let place = SegmentPlace { id: SegmentId { first: self.next, generation: self.generation }, hour };
        match self.disk.create(&place.path(PLAIN)) {
            Ok(file) => Ok(OpenSegment { place, file, durable_bytes: 0, begun: now }),
            Err(cause) => {
                self.forget(place, &cause);
                Err(AppendFault { doing: "beginning a segment", cause })
            }
        }
    }

    /// A segment could not be begun; its name is used again unless a file has it and stays.
    fn forget(&mut self, place: SegmentPlace, cause: &io::Error) {
        let stays = cause.kind() == io::ErrorKind::AlreadyExists || self.disk.remove(&place.path(PLAIN)).is_err();
        if stays {
            self.generation = self.generation.saturating_add(1);
        }
    }

    /// Appends the lines and makes them durable. The segment comes back if it can take more.
    fn write(&mut self, mut open: OpenSegment) -> Result<OpenSegment, AppendFault> {
        if let Err(cause) = open.file.append(&self.lines) {
            match open.file.take_back(open.durable_bytes) {
                Ok(()) => self.open = Some(open),
                Err(_) => self.give_up(&open),
            }
            return Err(AppendFault { doing: "writing", cause });
        }
        if let Err(cause) = open.file.sync() {
            self.give_up(&open);
            return Err(AppendFault { doing: "making the segment durable", cause });
        }
        open.durable_bytes += self.lines.len() as u64;
        Ok(open)
    }

    /// The segment ends where it was durable last. If that is its beginning, its name is used up.
    fn give_up(&mut self, segment: &OpenSegment) {
        if segment.place.id.first == self.next {
            self.generation = segment.place.id.generation.saturating_add(1);
        }
    }
}
