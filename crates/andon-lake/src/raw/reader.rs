//! A consumer of the log: reads on, waits for more, fetches from the archive.

use std::io;
use std::sync::Arc;

use andon_model::IngestId;
use tokio::sync::watch;

use super::archive::{Archive, ArchiveError, Packing};
use super::disk::Disk;
use super::index::Index;
use super::read::{Cursor, Position, ReadBatch, ReadLimit, Step};
use super::segment::SegmentPlace;

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk refuses.
    #[error("the raw log cannot be read: {0}")]
    Disk(#[from] io::Error),
    /// A segment of the archive cannot be had.
    #[error("the raw log's archive cannot be read: {0}")]
    Archive(#[from] ArchiveError),
    /// A segment lies in the archive, and this reader was given none.
    #[error("segment {0} lies in the archive, which this reader does not have")]
    NoArchive(super::segment::SegmentId),
}

/// Reads the log from a position on. After an error the same readings are read again.
pub struct Reader {
    disk: Arc<dyn Disk>,
    index: Arc<Index>,
    cursor: Cursor,
    archive: Option<Archive>,
    durable: watch::Receiver<IngestId>,
}

impl Reader {
    pub(crate) const fn new(
        disk: Arc<dyn Disk>,
        index: Arc<Index>,
        cursor: Cursor,
        archive: Option<Archive>,
        durable: watch::Receiver<IngestId>,
    ) -> Self {
        Self { disk, index, cursor, archive, durable }
    }

    /// Where the reader is.
    pub const fn position(&self) -> Position {
        self.cursor.position()
    }

    /// What follows; `None` when everything durable has been read.
    pub async fn next(&mut self, limit: ReadLimit) -> Result<Option<ReadBatch>, ReadError> {
        loop {
            match self.step(limit).await? {
                Step::Read(batch) => return Ok(Some(batch)),
                Step::AtEnd => return Ok(None),
                Step::Fetch(place, packing) => self.fetch(place, packing).await?,
            }
        }
    }

    /// Waits until something durable follows; false when the log is gone and read to its end. Reads nothing, and is
    /// safe to cancel.
    pub async fn ready(&mut self) -> bool {
        loop {
            if *self.durable.borrow_and_update() > self.cursor.position().next {
                return true;
            }
            if self.durable.changed().await.is_err() {
                return false;
            }
        }
    }

    /// What follows, waiting for it; `None` when the log is gone and read to its end. Safe to cancel.
    pub async fn follow(&mut self, limit: ReadLimit) -> Result<Option<ReadBatch>, ReadError> {
        loop {
            // Seen before the look, so that what becomes durable after it wakes us.
            self.durable.mark_unchanged();
            if let Some(batch) = self.next(limit).await? {
                return Ok(Some(batch));
            }
            if self.durable.changed().await.is_err() {
                return self.next(limit).await;
            }
        }
    }

    /// A file that is not there may have gone to the archive since the index was asked: look once more.
    async fn step(&mut self, limit: ReadLimit) -> Result<Step, ReadError> {
        match self.step_once(limit).await {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(self.step_once(limit).await?),
            done => Ok(done?),
        }
    }

    async fn step_once(&mut self, limit: ReadLimit) -> io::Result<Step> {
        let (disk, index) = (Arc::clone(&self.disk), Arc::clone(&self.index));
        let mut cursor = self.cursor.clone();
        let (cursor, step) =
            tokio::task::spawn_blocking(move || cursor.step(&index, disk.as_ref(), limit).map(|step| (cursor, step)))
                .await??;
        self.cursor = cursor;
        Ok(step)
    }

    async fn fetch(&mut self, place: SegmentPlace, packing: Packing) -> Result<(), ReadError> {
        let archive = self.archive.as_ref().ok_or(ReadError::NoArchive(place.id))?;
        let unpacked = archive.fetch(place, packing).await?;
        self.cursor.unpacked(place.id, unpacked);
        Ok(())
    }
}
