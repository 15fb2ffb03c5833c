//! The plant lane: the one task that changes the plant.
//!
//! **Life of a step.** [`PlantLane::wait`] says what there is: readings, a wish, time that is over. The plant takes it in,
//! its events go to the journal, and nothing else is taken in before they are there: that is the back-pressure. The plant
//! is saved with the place of the last reading that it has, and the log is told.

pub(super) mod apply;
mod keep;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use andon_journal::{FeedBatch, PlantMemory, ReadingFeed, ReadingFeeds, ValueMark, ValueTable};
use andon_model::{Event, IngestId, Name, Problem, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::outbox::{Outbox, Ready};
use super::saved::Saved;
use super::shared::PlantShared;
use super::wish::Wish;
use super::{CONSUMER, PlantParts, PlantSettings, SOURCE, telemetry};
use crate::engine::Shared;

/// Longest sleep: the clock may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// Wait after the log could not be read.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// How long the table of values is waited for. Alarms matter more than history.
const WAIT_FOR_TABLE: Duration = Duration::from_secs(30);
/// Readings that are taken in before whoever looks at the plant may.
const READINGS_AT_ONCE: usize = 256;
/// Batches that are read before a wish is fulfilled in the past.
const CATCH_UP: usize = 64;
/// Wishes that share a snapshot.
const WISHES_AT_ONCE: usize = 64;

/// The process ends. What is not saved is read again at the next start.
#[derive(Debug)]
pub(super) struct Stopped;

/// See the module.
pub(crate) struct PlantLane {
    shared: Arc<Shared>,
    feed: Box<dyn ReadingFeed>,
    memory: Arc<dyn PlantMemory>,
    inbox: mpsc::Receiver<Wish>,
    /// The table of values, and what the last snapshot had on the way to it.
    table: Option<(Arc<dyn ValueTable>, Vec<super::outbox::Chunk>)>,
    outbox: Option<Outbox>,
    source: Name,
    /// Values up to here are in the table already, and not told again.
    replaying: Option<ValueMark>,
    /// The place behind the last reading that is in the plant.
    next: IngestId,
    /// When the plant is to be saved; `None` while it is as it was saved.
    save_due: Option<Instant>,
    /// Before, time does not pass without readings: devices are coming back.
    quiet_until: Timestamp,
    /// Events that the journal has not taken yet.
    events: Vec<Event>,
}

/// What there is to do.
enum Woken {
    Stop,
    Wish(Wish),
    Redefined,
    Outbox(Ready),
    Time,
    Read(Result<Option<FeedBatch>, Problem>),
}

impl PlantLane {
    /// Makes the plant what it was when it was saved last, and opens the log there.
    pub(crate) async fn open(shared: Arc<Shared>, parts: PlantParts) -> Result<Self, Problem> {
        let PlantParts { feeds, memory, values } = parts;
        let internal = |detail: &str| Problem::new(andon_model::Code::Internal, detail);
        let inbox = shared.plant.take_inbox().ok_or_else(|| internal("the readings are followed already"))?;
        let name = |name| Name::new(name).map_err(|error| internal(&error.to_string()));
        let saved = memory.load().await?.map(|bytes| Saved::decode(&bytes)).transpose()?;
        let (next, chunks) = match saved {
            None => {
                tell_if_begun_anew(feeds.as_ref()).await;
                (IngestId::FIRST, Vec::new())
            }
            Some(Saved { next, plant, values, .. }) => {
                shared.plant.restore(plant)?;
                (next, values)
            }
        };
        let feed = feeds.open(&name(CONSUMER)?, next).await?;
        let quiet_until = shared.clock.now().after(shared.settings.plant.reconnect);
        let table = values.map(|table| (table, chunks));
        Ok(Self {
            feed,
            memory,
            inbox,
            table,
            outbox: None,
            source: name(SOURCE)?,
            replaying: None,
            next,
            save_due: None,
            quiet_until,
            events: Vec::new(),
            shared,
        })
    }

    /// Follows the log until the engine stops.
    pub(crate) async fn run(mut self) {
        let stopped = self.run_until_stopped().await;
        self.plant().status.lock().running = false;
        // Cut off in the middle, the plant is ahead of the journal: it is read again from the last snapshot.
        if stopped.is_ok() && self.save_due.is_some() {
            self.try_to_save().await;
        }
    }

    async fn run_until_stopped(&mut self) -> Result<(), Stopped> {
        self.learn_of_table().await?;
        self.moved_to(self.next);
        {
            let mut status = self.plant().status.lock();
            (status.running, status.saved) = (true, self.next);
        }
        telemetry::started(self.next.0, self.plant().plant.read().asset_count());
        loop {
            match self.wait().await {
                Woken::Stop | Woken::Read(Ok(None)) => return Ok(()),
                Woken::Wish(wish) => self.fulfil(wish).await?,
                Woken::Redefined => self.judge_anew().await?,
                Woken::Outbox(ready) => self.step_outbox(ready),
                Woken::Time => self.pass_time().await?,
                Woken::Read(Ok(Some(batch))) => self.take_in(batch).await?,
                Woken::Read(Err(problem)) => self.read_failed(problem).await?,
            }
            if self.save_due.is_some_and(|due| due <= Instant::now()) {
                self.try_to_save().await;
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        let look = self.next_look();
        let plant = Arc::clone(&self.shared.plant);
        let outbox = &mut self.outbox;
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => Woken::Stop,
            Some(wish) = self.inbox.recv() => Woken::Wish(wish),
            () = plant.redefined.notified() => Woken::Redefined,
            ready = ready(outbox) => Woken::Outbox(ready),
            () = tokio::time::sleep_until(look) => Woken::Time,
            read = self.feed.follow() => Woken::Read(read),
        }
    }

    /// When there is something to do without anybody saying so.
    fn next_look(&self) -> Instant {
        let now = self.shared.clock.now();
        let wake = self.wake().map_or(LONGEST_SLEEP, |wake| wake.since(now).min(LONGEST_SLEEP));
        let wake = Instant::now() + wake;
        self.save_due.map_or(wake, |due| due.min(wake))
    }

    /// When time that passes may change something.
    fn wake(&self) -> Option<Timestamp> {
        Some(self.plant().plant.read().next_wake()?.max(self.quiet_until))
    }

    /// Lets time pass, if it is time, and everything that is durable was read.
    async fn pass_time(&mut self) -> Result<(), Stopped> {
        let now = self.shared.clock.now();
        if self.wake().is_none_or(|wake| wake > now) {
            return Ok(());
        }
        match self.feed.next().await {
            Ok(Some(batch)) => self.take_in(batch).await,
            Ok(None) => self.tick(now).await,
            Err(problem) => self.read_failed(problem).await,
        }
    }

    async fn read_failed(&mut self, problem: Problem) -> Result<(), Stopped> {
        telemetry::read_failed(&problem);
        self.tell_problem(Some(problem));
        self.rest(READ_AGAIN).await
    }

    /// Waits, unless the process ends.
    async fn rest(&mut self, wait: Duration) -> Result<(), Stopped> {
        self.shared.stop.run_until_cancelled(tokio::time::sleep(wait)).await.ok_or(Stopped)
    }

    fn moved_to(&mut self, next: IngestId) {
        self.next = next;
        self.plant().next.store(next.0, Ordering::Release);
    }

    fn tell_problem(&self, problem: Option<Problem>) {
        self.plant().status.lock().problem = problem;
    }

    fn plant(&self) -> &PlantShared {
        &self.shared.plant
    }

    fn settings(&self) -> &PlantSettings {
        &self.shared.settings.plant
    }
}

/// Without a snapshot everything is computed again from the log, but for what people have asked.
async fn tell_if_begun_anew(feeds: &dyn ReadingFeeds) {
    let Ok(mut feed) = feeds.look(IngestId::FIRST).await else { return };
    if let Ok(Some(batch)) = feed.next().await {
        telemetry::begun_anew(batch.next.0);
    }
}

async fn ready(outbox: &mut Option<Outbox>) -> Ready {
    match outbox {
        Some(outbox) => outbox.ready().await,
        None => std::future::pending().await,
    }
}
