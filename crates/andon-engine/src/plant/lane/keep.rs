//! What the lane keeps: snapshots, its checkpoint, and the table of values.

use std::time::Duration;

use andon_model::{Code, Problem};
use tokio::time::Instant;

use super::{PlantLane, READ_AGAIN, Stopped, WAIT_FOR_TABLE, telemetry};
use crate::plant::outbox::{Chunk, Outbox, Ready};
use crate::plant::saved::Saved;

/// Wait after the plant could not be saved.
const SAVE_AGAIN: Duration = Duration::from_secs(5);

impl PlantLane {
    /// Something has changed: it is saved with what else changes soon.
    pub(super) fn save_later(&mut self) {
        let due = Instant::now() + self.settings().snapshot_interval;
        self.save_due.get_or_insert(due);
    }

    pub(super) async fn try_to_save(&mut self) {
        let kept = self.save().await;
        self.saved_or_not(&kept);
    }

    /// Saves the plant with its place, then lets the log forget what is before. The journal has all events up to here.
    pub(super) async fn save(&mut self) -> Result<(), Problem> {
        let begun = Instant::now();
        let chunks = self.waiting_chunks().to_vec();
        let saved = Saved::new(self.next, self.plant().plant.read().snapshot(), chunks);
        let encoded = tokio::task::spawn_blocking(move || saved.encode()).await;
        let bytes = encoded.unwrap_or_else(|error| Err(Problem::new(Code::Internal, error.to_string())))?;
        let size = bytes.len();
        self.memory.save(bytes).await?;
        telemetry::saved(begun.elapsed().as_secs_f64(), size);
        self.feed.keep(self.next).await
    }

    pub(super) fn saved_or_not(&mut self, kept: &Result<(), Problem>) {
        self.save_due = kept.is_err().then(|| Instant::now() + SAVE_AGAIN);
        let mut status = self.plant().status.lock();
        status.problem = kept.as_ref().err().cloned();
        if let Err(problem) = kept {
            drop(status);
            telemetry::save_failed(problem);
            return;
        }
        (status.saved, status.saved_at) = (self.next, Some(self.shared.clock.now()));
        drop(status);
        let plant = self.plant().plant.read();
        telemetry::plant(plant.asset_count(), plant.recent_bytes());
    }

    /// Values on their way: those of the last snapshot, as long as the table is not known.
    fn waiting_chunks(&self) -> &[Chunk] {
        let of_snapshot = self.table.as_ref().map(|(_, chunks)| chunks.as_slice());
        self.outbox.as_ref().map(Outbox::chunks).or(of_snapshot).unwrap_or_default()
    }

    /// Asks the table of values how far it goes. Before that is known, nobody can say which values it has; when it takes
    /// too long, the values until the next start are not written.
    pub(super) async fn learn_of_table(&mut self) -> Result<(), Stopped> {
        let Some((table, chunks)) = self.table.take() else { return Ok(()) };
        let given_up = Instant::now() + WAIT_FOR_TABLE;
        let committed = loop {
            match table.committed().await {
                Ok(mark) => break mark,
                Err(problem) if Instant::now() >= given_up => {
                    telemetry::values_given_up(&problem);
                    self.tell_problem(None);
                    self.table = Some((table, chunks));
                    return Ok(());
                }
                Err(problem) => {
                    telemetry::values_refused(&problem, 0);
                    self.tell_problem(Some(problem));
                    self.rest(READ_AGAIN).await?;
                }
            }
        };
        self.tell_problem(None);
        let settings = self.settings();
        let outbox = Outbox::new(table, committed, chunks, (settings.gather, settings.waiting_values));
        self.replaying = Some(outbox.committed());
        self.outbox = Some(outbox);
        Ok(())
    }

    pub(super) fn step_outbox(&mut self, ready: Ready) {
        let Some(outbox) = &mut self.outbox else { return };
        outbox.step(ready);
        let waiting = outbox.waiting();
        self.plant().status.lock().waiting_values = waiting;
    }
}
