//! [`BucketSource`]: listings become batches.

use std::collections::VecDeque;
use std::sync::Arc;

use andon_journal::{Batch, Decoded, Delivery, Journal, Mark, NewQuarantine, Source, SourceError};
use andon_model::{Clock, Problem};
use async_trait::async_trait;
use tokio::time::{Interval, MissedTickBehavior};

use super::Bucket;
use super::listing::{Candidate, Memory};
use super::object::Fetched;
use super::picture::{MAX_PICTURED_EVENTS, Pictured};
use crate::decode::{Part, PartDecoder, Position};

/// Most events in one batch.
const MAX_BATCH_EVENTS: usize = 500;

/// Most quarantine entries in one batch.
const MAX_BATCH_FAULTS: usize = 500;

/// Most objects that one batch reads to their end.
const MAX_BATCH_OBJECTS: usize = 64;

/// Most bytes attached to the events of one batch, but for the last object's (64 MiB).
const MAX_BATCH_ATTACHED_BYTES: usize = 64 << 20;

/// Failures in a row after which an object that cannot be read is told in quarantine; it is still tried.
const TOLD_AFTER: u32 = 5;

/// A pulled source over a [`Bucket`].
pub struct BucketSource {
    bucket: Arc<Bucket>,
    decoder: Arc<dyn PartDecoder>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    memory: Memory,
    poll: Interval,
    queue: VecDeque<Candidate>,
    /// The object that is partly handed over and acknowledged.
    open: Option<Open>,
    /// What the batch that waits for its acknowledgement has taken.
    handed: Option<Draft>,
}

/// An object that is being decoded.
#[derive(Debug, Clone)]
struct Open {
    delivery: Delivery,
    at: Position,
}

/// A batch in the making.
#[derive(Debug, Default)]
struct Draft {
    batch: Batch,
    /// Candidates taken from the queue's front.
    taken: usize,
    open: Option<Open>,
    /// What could not be read now, and why.
    unread: Vec<(Mark, Problem)>,
}

impl Draft {
    /// What is read goes on before more is waited for that cannot be.
    fn has_room(&self) -> bool {
        self.unread.is_empty()
            && self.batch.events.len() < MAX_BATCH_EVENTS
            && self.batch.quarantine.len() < MAX_BATCH_FAULTS
            && self.batch.marks.len() < MAX_BATCH_OBJECTS
            && self.attached_bytes() < MAX_BATCH_ATTACHED_BYTES
    }

    fn attached_bytes(&self) -> usize {
        self.batch.attachments.iter().map(|attachment| attachment.bytes.len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.batch.events.is_empty() && self.batch.quarantine.is_empty() && self.batch.marks.is_empty()
    }

    fn mark(&mut self, delivery: &Delivery) {
        self.batch.marks.push(mark(delivery));
    }
}

impl BucketSource {
    /// A source that reads `bucket` by `decoder` and asks `journal` what has been read before.
    ///
    /// Must be called inside a Tokio runtime.
    pub fn new(
        bucket: Arc<Bucket>,
        decoder: Arc<dyn PartDecoder>,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut poll = tokio::time::interval(bucket.spec.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            bucket,
            decoder,
            journal,
            clock,
            memory: Memory::default(),
            poll,
            queue: VecDeque::new(),
            open: None,
            handed: None,
        }
    }

    async fn attempt(&mut self) -> Result<Batch, Problem> {
        loop {
            if self.queue.is_empty() && self.open.is_none() {
                self.poll.tick().await;
                let found = self.bucket.look(self.journal.as_ref(), &mut self.memory, self.clock.now()).await?;
                self.queue = found.into_iter().collect();
            }
            let mut draft = self.collect().await?;
            self.put_off_unread(&mut draft);
            if !draft.is_empty() {
                let batch = std::mem::take(&mut draft.batch);
                self.handed = Some(Draft { batch: Batch { marks: batch.marks.clone(), ..Batch::default() }, ..draft });
                return Ok(batch);
            }
            // Nothing came of these objects: they are gone or were changed. The next listing tells.
            self.queue.drain(..draft.taken);
            self.open = None;
        }
    }

    /// What could not be read leaves the queue; a listing brings it again when its pause is over. What could not
    /// be listed fails the source as a whole, so this is about single objects.
    fn put_off_unread(&mut self, draft: &mut Draft) {
        let now = self.clock.now();
        for (object, problem) in std::mem::take(&mut draft.unread) {
            let failures = self.memory.postponed.put_off(&object, now);
            tracing::warn!(source = %self.bucket.source, %problem, failures, "an object is tried again later");
            let place = self.queue.iter().take(draft.taken).position(|waiting| waiting.is(&object));
            if place.and_then(|place| self.queue.remove(place)).is_some() {
                draft.taken -= 1;
            }
            if failures == TOLD_AFTER {
                let delivery = bare(object);
                draft.batch.quarantine.push(self.quarantine(&delivery, problem, delivery.body.clone()));
            }
        }
    }

    /// Fills a batch from the open object and the queue, without changing either: asked again before an
    /// acknowledgement, it starts at the same place.
    async fn collect(&self) -> Result<Draft, Problem> {
        let mut draft = Draft { open: self.open.clone(), ..Draft::default() };
        while draft.has_room() {
            match draft.open.take() {
                Some(open) => self.decode(open, &mut draft).await,
                None => match self.queue.get(draft.taken) {
                    Some(candidate) => self.fetch(candidate, &mut draft).await,
                    None => break,
                },
            }
            tokio::task::yield_now().await;
        }
        Ok(draft)
    }

    async fn fetch(&self, candidate: &Candidate, draft: &mut Draft) {
        draft.taken += 1;
        match self.bucket.fetch(&candidate.path).await {
            // Written to since it was listed: it is not settled, the next listing brings it again.
            Ok(Fetched::Object(delivery)) if delivery.version != candidate.version => {}
            Ok(Fetched::Object(delivery)) => draft.open = Some(Open { delivery, at: Position::default() }),
            Ok(Fetched::TooLarge(delivery, problem)) => {
                draft.batch.quarantine.push(self.quarantine(&delivery, problem, delivery.body.clone()));
                draft.mark(&delivery);
            }
            Ok(Fetched::Unnameable(problem)) => {
                let delivery = bare(candidate.mark());
                draft.batch.quarantine.push(self.quarantine(&delivery, problem, delivery.body.clone()));
                draft.mark(&delivery);
            }
            Ok(Fetched::Gone) => tracing::debug!(path = candidate.path, "the object is gone"),
            Err(problem) => draft.unread.push((candidate.mark(), problem)),
        }
    }

    async fn decode(&self, open: Open, draft: &mut Draft) {
        let most = if self.bucket.spec.images.is_some() { MAX_PICTURED_EVENTS } else { MAX_BATCH_EVENTS };
        let room = most.min(MAX_BATCH_EVENTS - draft.batch.events.len());
        let Part { decoded, next } = self.decoder.decode_part(&open.delivery, open.at, room);
        match self.bucket.pictured(&open.delivery, decoded, self.clock.now()).await {
            Ok(Pictured::Done(decoded)) => {
                self.take_in(&open.delivery, decoded, draft);
                match next {
                    Some(at) => draft.open = Some(Open { at, ..open }),
                    None => draft.mark(&open.delivery),
                }
            }
            Ok(Pictured::Without(problem)) => {
                draft.batch.quarantine.push(self.quarantine(&open.delivery, problem, open.delivery.body.clone()));
                draft.mark(&open.delivery);
            }
            Ok(Pictured::NotYet(picture)) => tracing::debug!(path = open.delivery.path, picture, "not there yet"),
            Err(problem) => draft.unread.push((mark(&open.delivery), problem)),
        }
    }

    fn take_in(&self, delivery: &Delivery, decoded: Decoded, draft: &mut Draft) {
        draft.batch.events.extend(decoded.events);
        draft.batch.attachments.extend(decoded.attachments);
        draft.batch.passed += decoded.passed;
        let faults = decoded.faults.into_iter();
        draft.batch.quarantine.extend(faults.map(|(problem, raw)| self.quarantine(delivery, problem, raw)));
    }

    fn quarantine(&self, delivery: &Delivery, problem: Problem, raw: bytes::Bytes) -> NewQuarantine {
        NewQuarantine {
            source: self.bucket.source.clone(),
            problem,
            content_type: delivery.content_type.clone(),
            headers: delivery.attribute_headers(),
            path: delivery.path.clone(),
            raw,
        }
    }
}

fn mark(delivery: &Delivery) -> Mark {
    Mark { key: delivery.path.clone(), version: delivery.version.clone() }
}

/// A delivery of which nothing is known but its name.
fn bare(Mark { key: path, version }: Mark) -> Delivery {
    Delivery { path, version, ..Delivery::default() }
}

#[async_trait]
impl Source for BucketSource {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        self.handed = None;
        self.attempt().await.map_err(SourceError)
    }

    async fn acknowledge(&mut self) -> Result<(), SourceError> {
        if let Some(done) = self.handed.take() {
            self.queue.drain(..done.taken);
            self.open = done.open;
            done.batch.marks.iter().for_each(|mark| self.memory.postponed.forget(&mark.key));
            self.memory.remember(&done.batch.marks);
        }
        Ok(())
    }
}
