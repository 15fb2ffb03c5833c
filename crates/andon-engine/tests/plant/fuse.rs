//! Ports that stop answering at a chosen place, as they do for a process that is killed there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use andon_journal::{
    Append, Appended, FeedBatch, Journal, JournalError, JournalLayer, PlantMemory, PropertyValue, ReadingFeed,
    ReadingFeeds, ValueGap, ValueMark, ValueTable,
};
use andon_model::{IngestId, Name, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;

/// Burns through at a place; places are before and after every write.
#[derive(Clone)]
pub(crate) struct Fuse {
    left: Arc<AtomicUsize>,
    burnt: Arc<Notify>,
}

impl Fuse {
    /// Burns through at the place behind `places` others.
    pub(crate) fn new(places: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(places)), burnt: Arc::default() }
    }

    /// Comes back when it has burnt through.
    pub(crate) async fn burnt(&self) {
        self.burnt.notified().await;
    }

    async fn pass(&self) {
        let passed = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if passed.is_err() {
            self.burnt.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A port with a fuse.
pub(crate) struct Fused<T>(pub(crate) T, pub(crate) Fuse);

#[async_trait]
impl JournalLayer for Fused<Arc<dyn Journal>> {
    fn inner(&self) -> &dyn Journal {
        &*self.0
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.1.pass().await;
        let appended = self.0.append(append).await;
        self.1.pass().await;
        appended
    }
}

#[async_trait]
impl<T: PlantMemory> PlantMemory for Fused<T> {
    async fn load(&self) -> Result<Option<Bytes>, Problem> {
        self.0.load().await
    }

    async fn save(&self, snapshot: Bytes) -> Result<(), Problem> {
        self.1.pass().await;
        let saved = self.0.save(snapshot).await;
        self.1.pass().await;
        saved
    }
}

#[async_trait]
impl<T: ValueTable> ValueTable for Fused<T> {
    async fn committed(&self) -> Result<ValueMark, Problem> {
        self.0.committed().await
    }

    async fn append(&self, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        self.1.pass().await;
        let appended = self.0.append(values, up_to).await;
        self.1.pass().await;
        appended
    }

    async fn gap(&self) -> Result<Option<ValueGap>, Problem> {
        self.0.gap().await
    }

    async fn fill(&self, round: i64, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
        self.1.pass().await;
        let filled = self.0.fill(round, values, up_to).await;
        self.1.pass().await;
        filled
    }
}

#[async_trait]
impl<T: ReadingFeeds> ReadingFeeds for Fused<T> {
    async fn open(&self, consumer: &Name, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        Ok(Box::new(Fused(self.0.open(consumer, from).await?, self.1.clone())))
    }

    async fn look(&self, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem> {
        self.0.look(from).await
    }
}

#[async_trait]
impl ReadingFeed for Fused<Box<dyn ReadingFeed>> {
    async fn next(&mut self) -> Result<Option<FeedBatch>, Problem> {
        self.0.next().await
    }

    async fn follow(&mut self) -> Result<Option<FeedBatch>, Problem> {
        self.0.follow().await
    }

    async fn keep(&mut self, place: IngestId) -> Result<(), Problem> {
        self.1.pass().await;
        let kept = self.0.keep(place).await;
        self.1.pass().await;
        kept
    }
}
