//! Taking readings, time and wishes into the plant, and handing on what follows.

use std::sync::Arc;

use andon_assets::{Applied, Measured, OperationError, Plant, Quality};
use andon_journal::{Append, FeedBatch, ValueMark};
use andon_model::{Event, IngestId, Problem, Reading, Timestamp};
use serde_json::Value;

use super::{CATCH_UP, PlantLane, READINGS_AT_ONCE, Stopped, WISHES_AT_ONCE, telemetry};
use crate::intake::append_and_wake;
use crate::plant::PlantError;
use crate::plant::batch_put::{self, PUT_TOPIC};
use crate::plant::live::LiveUpdate;
use crate::plant::payload;
use crate::plant::wish::{Reply, Wish};

/// What a few inputs have led to.
#[derive(Default)]
struct Followed {
    update: LiveUpdate,
    events: Vec<Event>,
}

impl Followed {
    /// Takes up what an input has led to; `told` when its values were told before.
    fn add(&mut self, applied: Applied, told: bool) {
        telemetry::changed(&applied);
        if !told {
            self.update.changes.extend(applied.changes);
        }
        self.update.transitions.extend(applied.transitions);
        self.update.created.extend(applied.created);
        self.events.extend(applied.events);
    }
}

impl PlantLane {
    /// Takes readings in, and brings their events to the journal.
    pub(super) async fn take_in(&mut self, batch: FeedBatch) -> Result<(), Stopped> {
        let mut unreadable = 0;
        for readings in batch.readings.chunks(READINGS_AT_ONCE) {
            unreadable += self.apply(readings);
            tokio::task::yield_now().await;
        }
        telemetry::applied(batch.readings.len(), unreadable, batch.missing);
        self.append().await?;
        self.moved_to(batch.next);
        self.save_later();
        Ok(())
    }

    /// How many of the readings are not JSON.
    fn apply(&mut self, readings: &[Reading]) -> usize {
        let plant = Arc::clone(&self.shared.plant);
        // Where there are no models, nothing follows from anything.
        let is_asked = plant.plant.read().models().next().is_some();
        let payloads: Vec<Option<Value>> =
            readings.iter().filter(|_| is_asked).map(|reading| serde_json::from_slice(&reading.payload).ok()).collect();
        let unreadable = payloads.iter().filter(|payload| payload.is_none()).count();
        let mut followed = Followed::default();
        let mut plant = plant.plant.write();
        for (reading, payload) in readings.iter().zip(payloads) {
            self.end_replay(&mut plant, reading.id, &mut followed);
            if let Some(payload) = payload {
                let told = self.replaying.is_some();
                apply_one(&mut plant, reading, &payload, &self.settings().event_time, |a| followed.add(a, told));
            }
        }
        let next = readings.last().map_or(self.next, |last| last.id.plus(1));
        let mark = ValueMark { next, at: plant.now() };
        drop(plant);
        self.hand_on(followed, mark);
        unreadable
    }

    /// What the table of values has ends before `next`: time passes to where it ends, too, and is not told again.
    fn end_replay(&mut self, plant: &mut Plant, next: IngestId, followed: &mut Followed) {
        if let Some(mark) = self.replaying.take_if(|mark| mark.next <= next) {
            followed.add(plant.tick(mark.at), true);
        }
    }

    /// Lets time pass. Everything that is durable was read.
    pub(super) async fn tick(&mut self, now: Timestamp) -> Result<(), Stopped> {
        let shared = Arc::clone(&self.shared.plant);
        let mut followed = Followed::default();
        let at = {
            let mut plant = shared.plant.write();
            self.end_replay(&mut plant, self.next, &mut followed);
            let told = self.replaying.is_some();
            followed.add(plant.tick(now), told);
            plant.now()
        };
        self.hand_on(followed, ValueMark { next: self.next, at });
        self.save_later();
        self.append().await
    }

    /// Other definitions are in force: alarms judge by them what is there, and the plant is saved as it is now.
    /// What was received before is in the plant then, and it is now, unless there is too much of it.
    pub(super) async fn judge_anew(&mut self) -> Result<(), Stopped> {
        if self.catch_up().await? {
            self.tick(self.shared.clock.now()).await?;
        }
        let shared = Arc::clone(&self.shared.plant);
        let mut followed = Followed::default();
        let at = {
            let mut plant = shared.plant.write();
            followed.add(plant.judge_anew(), false);
            plant.now()
        };
        self.hand_on(followed, ValueMark { next: self.next, at });
        self.save_due = Some(tokio::time::Instant::now());
        self.append().await
    }

    /// Fulfils a wish, and others that wait. What was received before is in the plant then, unless there is too much of it.
    pub(super) async fn fulfil(&mut self, first: Wish) -> Result<(), Stopped> {
        let caught_up = self.catch_up().await?;
        let mut wishes = vec![first];
        while wishes.len() < WISHES_AT_ONCE
            && let Ok(wish) = self.inbox.try_recv()
        {
            wishes.push(wish);
        }
        let done = self.fulfil_all(wishes, caught_up);
        self.append().await?;
        let kept = self.save().await;
        self.saved_or_not(&kept);
        for (reply, result) in done {
            let kept = kept.clone().map_err(PlantError::NotKept);
            // Who has given up waiting finds it done.
            let _ = reply.send(result.map_err(PlantError::from).and(kept));
        }
        Ok(())
    }

    fn fulfil_all(&mut self, wishes: Vec<Wish>, caught_up: bool) -> Vec<(Reply, Result<(), OperationError>)> {
        let shared = Arc::clone(&self.shared.plant);
        let mut followed = Followed::default();
        let at = if caught_up { self.shared.clock.now() } else { shared.plant.read().now() };
        let mut done = Vec::new();
        for Wish { what, reply } in wishes {
            let (applied, result) = what.fulfil(&shared, at);
            followed.add(applied, false);
            done.push((reply, result));
        }
        let mark = ValueMark { next: self.next, at: shared.plant.read().now() };
        self.hand_on(followed, mark);
        done
    }

    /// Whether everything that is durable is in the plant.
    async fn catch_up(&mut self) -> Result<bool, Stopped> {
        for _ in 0..CATCH_UP {
            match self.feed.next().await {
                Ok(Some(batch)) => self.take_in(batch).await?,
                Ok(None) => return Ok(true),
                Err(_) => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Values go to the table and to whoever watches; events wait for the journal.
    fn hand_on(&mut self, followed: Followed, mark: ValueMark) {
        let Followed { update, events } = followed;
        if let Some(outbox) = &mut self.outbox {
            outbox.take(&update.changes, mark);
        }
        self.events.extend(events);
        if !update.is_empty() {
            self.plant().live.tell(update);
        }
    }

    /// Brings the events to the journal, however long that takes.
    async fn append(&mut self) -> Result<(), Stopped> {
        const LONGEST: std::time::Duration = std::time::Duration::from_secs(5);
        let mut wait = std::time::Duration::from_millis(100);
        while !self.events.is_empty() {
            self.wait_for_room().await?;
            let (source, events, at) = (Some(self.source.clone()), self.events.clone(), self.shared.clock.now());
            match append_and_wake(&self.shared, Append { source, events, at, ..Append::default() }).await {
                Ok(_) => {
                    self.events.clear();
                    self.tell_problem(None);
                }
                Err(error) => {
                    telemetry::append_failed(&error);
                    self.tell_problem(Some(Problem::from(&error)));
                    self.rest(wait).await?;
                    wait = (wait * 2).min(LONGEST);
                }
            }
        }
        Ok(())
    }

    /// Too many events wait to be decided: alarms wait as well, and readings in the log.
    async fn wait_for_room(&mut self) -> Result<(), Stopped> {
        const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
        while self.shared.backlog() >= self.shared.settings.max_backlog {
            self.rest(PAUSE).await?;
        }
        Ok(())
    }
}

/// Takes one reading in: what a device measured, or values that name their property.
pub(in crate::plant) fn apply_one(
    plant: &mut Plant,
    reading: &Reading,
    payload: &Value,
    event_time: &str,
    mut add: impl FnMut(Applied),
) {
    if *reading.topic == *PUT_TOPIC {
        batch_put::apply(plant, reading.received, payload, add);
        return;
    }
    let owned = payload::fields(payload);
    let ts = payload::time(&owned, event_time).unwrap_or(reading.received);
    let fields: Vec<_> = owned.iter().map(|(path, given)| (path.as_str(), *given)).collect();
    let (device, topic, received) = (&*reading.device, &*reading.topic, reading.received);
    let (speaks_for, quality) = (&reading.speaks_for, Quality::Good);
    add(plant.apply(&Measured { device, topic, speaks_for, ts, received, quality, fields: &fields }));
}
