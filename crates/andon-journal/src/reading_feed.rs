//! How readings are followed: in the log's order, from a place on, by consumers that each say what they have done.
//!
//! **Constraints.** A feed hands over durable readings only. What a consumer has not said to keep is handed over again
//! after a restart, the same readings in the same order; the log forgets no reading before every consumer has kept it.
//!
//! **Life of a consumer.** It opens its feed where its own state ends, works on batch after batch, makes its state
//! durable, and then says [`ReadingFeed::keep`].

use andon_model::{IngestId, Name, Problem, Reading};
use async_trait::async_trait;

/// Readings that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedBatch {
    /// The readings, in order of their ids; empty where only unreadable lines were.
    pub readings: Vec<Reading>,
    /// The place behind them.
    pub next: IngestId,
    /// Ids that no readable line has: damaged, or gone by retention.
    pub missing: u64,
}

/// A consumer's way through the log. After an error, the same readings are handed over again.
#[async_trait]
pub trait ReadingFeed: Send {
    /// What is durable behind the place of the feed; `None` when everything was handed over.
    async fn next(&mut self) -> Result<Option<FeedBatch>, Problem>;

    /// The same, waiting for it; `None` when the log is closed and read to its end. Safe to cancel: nothing is lost.
    async fn follow(&mut self) -> Result<Option<FeedBatch>, Problem>;

    /// The consumer has done all that is before `place`, and its state says so durably: retention need not wait for it
    /// any longer. A place before the one that was said last changes nothing (invariant J2).
    async fn keep(&mut self, place: IngestId) -> Result<(), Problem>;
}

/// Opens feeds.
#[async_trait]
pub trait ReadingFeeds: Send + Sync {
    /// A feed of `consumer` from the reading `from` on, or from the first behind it that is still there. From now on the
    /// log keeps what the consumer has not.
    async fn open(&self, consumer: &Name, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem>;

    /// As [`ReadingFeeds::open`], for somebody who only looks: the log keeps nothing for them, and what they keep changes
    /// nothing.
    async fn look(&self, from: IngestId) -> Result<Box<dyn ReadingFeed>, Problem>;
}
