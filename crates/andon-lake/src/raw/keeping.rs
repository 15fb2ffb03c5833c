//! What becomes of closed segments: moved to the archive, and forgotten when their time is over.
//!
//! **Constraints.** The last segment stays where it is: it may be open, and it tells the next place. A local file goes
//! after the index knows the copy, so that a reader finds one of the two. Only the oldest segments are forgotten, never
//! one that a consumer with a checkpoint has not read. The
//! saved counts are ahead of both, so that a start counts every reading once.

use std::io;
use std::sync::Arc;

use andon_model::{IngestId, Timestamp};
use bytes::Bytes;

use super::archive::{Archive, ArchiveError};
use super::checkpoint::{self, CheckpointError};
use super::counts::{COUNTS, Received};
use super::disk::Disk;
use super::index::{Lies, SegmentInfo};
use super::line::read_line;
use super::log::RawLog;
use super::segment::{PLAIN, SegmentPlace};

/// What was moved to the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Segments.
    pub segments: usize,
    /// Bytes of their lines.
    pub bytes: u64,
    /// Bytes of the objects.
    pub packed_bytes: u64,
}

/// Why segments were not forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// A checkpoint cannot be read: nobody knows what has been consumed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The saved counts cannot be read: nobody knows which segments a start would have to count again.
    #[error("the counts of readings cannot be read: {0}")]
    Counts(io::Error),
    /// A segment cannot be removed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl RawLog {
    /// Moves every closed segment to `archive`; stops at the first that cannot be moved. May be repeated at any time.
    pub async fn move_closed(&self, archive: &Archive) -> Result<Moved, ArchiveError> {
        let mut moved = Moved::default();
        let counted = self.counted().await.map_err(|cause| ArchiveError::Local { path: COUNTS.to_owned(), cause })?;
        for segment in self.segments() {
            if let (Lies::Here { bytes }, Some(end)) = (segment.lies, segment.end.filter(|end| *end <= counted)) {
                let lines = self.own_lines(segment.place, bytes, end).await?;
                moved.bytes += lines.len() as u64;
                moved.packed_bytes += self.move_one(archive, segment.place, &lines).await?;
                moved.segments += 1;
            }
        }
        Ok(moved)
    }

    /// Bytes of the object. A segment without lines is removed: the next one begins with the same reading.
    async fn move_one(&self, archive: &Archive, place: SegmentPlace, lines: &Bytes) -> Result<u64, ArchiveError> {
        let packed = if lines.is_empty() {
            self.index.remove(place.id);
            0
        } else {
            let packed = archive.put(place, lines).await?;
            self.index.set(place, Lies::Archived(archive.packing()));
            packed
        };
        self.remove_file(place).await?;
        Ok(packed)
    }

    /// The lines of a closed segment, without those that were given up with it.
    async fn own_lines(&self, place: SegmentPlace, bytes: u64, end: IngestId) -> Result<Bytes, ArchiveError> {
        let path = place.path(PLAIN);
        let read = {
            let (path, limit) = (path.clone(), usize::try_from(bytes).unwrap_or(usize::MAX));
            self.with_disk(move |disk| {
                let mut lines = disk.read(&path, 0, limit)?;
                lines.truncate(own_bytes(&lines, end));
                Ok(lines.into())
            })
        };
        read.await.map_err(|cause| ArchiveError::Local { path, cause })
    }

    async fn remove_file(&self, place: SegmentPlace) -> Result<(), ArchiveError> {
        let path = place.path(PLAIN);
        let gone = {
            let path = path.clone();
            self.with_disk(move |disk| disk.remove(&path))
        };
        gone.await.map_err(|cause| ArchiveError::Local { path, cause })
    }

    /// Up to where the readings are in the saved counts: a start must still find those behind.
    async fn counted(&self) -> io::Result<IngestId> {
        self.with_disk(|disk| Ok(Received::load(disk)?.next)).await
    }

    pub(super) async fn with_disk<T, F>(&self, work: F) -> io::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Disk) -> io::Result<T> + Send + 'static,
    {
        let disk = Arc::clone(&self.disk);
        tokio::task::spawn_blocking(move || work(disk.as_ref())).await?
    }

    /// Removes the oldest segments whose hour ended at `before` or earlier, here and in `archive`, up to the first
    /// that a consumer still has to read. How many.
    pub async fn forget(&self, before: Timestamp, archive: Option<&Archive>) -> Result<usize, ForgetError> {
        let consumers = checkpoint::all(self.disk.as_ref())?;
        let counted = self.counted().await.map_err(ForgetError::Counts)?;
        let read_by_all = consumers.iter().map(|(_, at)| at.next).min().map_or(counted, |read| read.min(counted));
        let over = |segment: &SegmentInfo| {
            segment.end.is_some_and(|end| end <= read_by_all) && segment.place.hour.end() <= before
        };
        let mut forgotten = 0;
        for segment in self.segments().iter().take_while(|s| over(s)) {
            match (segment.lies, archive) {
                (Lies::Here { .. }, _) => self.remove_file(segment.place).await?,
                (Lies::Archived(packing), Some(archive)) => archive.remove(segment.place, packing).await?,
                (Lies::Archived(_), None) => break,
            }
            self.index.remove(segment.place.id);
            forgotten += 1;
        }
        Ok(forgotten)
    }
}

/// Where the first line with the id `end` or a later one begins.
fn own_bytes(lines: &[u8], end: IngestId) -> usize {
    let mut own = 0;
    for line in lines.split_inclusive(|b| *b == b'\n') {
        if read_line(line).is_ok_and(|reading| reading.id >= end) {
            break;
        }
        own += line.len();
    }
    own
}
