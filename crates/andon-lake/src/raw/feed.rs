//! The raw log as its consumers follow it.
//!
//! **Constraints.** A checkpoint names a reading, not a byte, so that a consumer keeps no more than an id in its own state.

use std::sync::Arc;

use andon_journal::{FeedBatch, ReadingFeed, ReadingFeeds};
use andon_model::{Code, IngestId, Name, Problem};
use async_trait::async_trait;

use super::checkpoint::{self, CheckpointError};
use super::disk::Disk;
use super::index::Index;
use super::log::RawLog;
use super::read::{Position, ReadBatch, ReadLimit};
use super::reader::{ReadError, Reader};

/// What is handed over at once: few enough that a consumer soon looks up from it.
const BATCH: ReadLimit = ReadLimit { readings: 2_048, bytes: 1 << 20 };

/// A consumer's way through the log.
struct Feed {
    /// `None` for who only looks.
    consumer: Option<Name>,
    disk: Arc<dyn Disk>,
    index: Arc<Index>,
    reader: Reader,
}

#[async_trait]
impl ReadingFeeds for RawLog {
    async fn open(&self, consumer: &Name, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        let position = self.position_of(from);
        let feed = self.feed(Some(consumer.clone()), position);
        // Who has never kept anything is waited for from now on.
        feed.checkpoint(move |known| known.is_none().then_some(position)).await?;
        Ok(Box::new(feed))
    }

    async fn look(&self, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        Ok(Box::new(self.feed(None, self.position_of(from))))
    }
}

impl RawLog {
    fn feed(&self, consumer: Option<Name>, position: Position) -> Feed {
        let reader = self.reader(position, self.archive().cloned());
        Feed { consumer, disk: self.disk.clone(), index: self.index.clone(), reader }
    }
}

#[async_trait]
impl ReadingFeed for Feed {
    async fn next(&mut self) -> Result<Option<FeedBatch>, Problem> {
        Ok(self.reader.next(BATCH).await?.map(FeedBatch::from))
    }

    async fn follow(&mut self) -> Result<Option<FeedBatch>, Problem> {
        Ok(self.reader.follow(BATCH).await?.map(FeedBatch::from))
    }

    async fn keep(&mut self, place: IngestId) -> Result<(), Problem> {
        let segment = self.index.holding(place).unwrap_or(Position::BEGIN.segment);
        let position = Position { next: place, segment, offset: 0 };
        self.checkpoint(move |known| known.is_none_or(|known| known.next < place).then_some(position)).await
    }
}

impl Feed {
    /// Moves the checkpoint to where `to` says, knowing where it is.
    async fn checkpoint(
        &self,
        to: impl FnOnce(Option<Position>) -> Option<Position> + Send + 'static,
    ) -> Result<(), Problem> {
        let Some(consumer) = self.consumer.clone() else { return Ok(()) };
        let disk = Arc::clone(&self.disk);
        let moving = tokio::task::spawn_blocking(move || {
            let known = checkpoint::known(disk.as_ref(), &consumer)?;
            to(known).map_or(Ok(()), |to| checkpoint::save(disk.as_ref(), &consumer, to))
        });
        let ended = |error: tokio::task::JoinError| Problem::new(Code::Internal, error.to_string());
        Ok(moving.await.map_err(ended)??)
    }
}

impl From<ReadBatch> for FeedBatch {
    /// Damaged lines are counted as missing; the lake's writer is the one that keeps their bytes.
    fn from(read: ReadBatch) -> Self {
        Self { readings: read.readings, next: read.to.next, missing: read.missing }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let code = if matches!(error, ReadError::Disk(_)) { Code::RawLog } else { Code::Archive };
        Self::new(code, error.to_string())
    }
}

impl From<CheckpointError> for Problem {
    fn from(error: CheckpointError) -> Self {
        Self::new(Code::RawLog, error.to_string())
    }
}
