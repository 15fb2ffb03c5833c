//! Values that the table of values lacks, because it was begun anew, are computed again from the log.
//!
//! **Constraints.** Beside the lane, which goes on; with a plant of its own, from whose alarms nothing follows. The models
//! are those in force now: with others than those of then, other values come of the same readings.
//!
//! **Life of a refill.** The table says which values it lacks. The log is read from its beginning to there, a few thousand
//! values at once go to the table with a mark, and a refill that was cut off computes everything again and leaves out
//! what the table has. When the lake is begun anew meanwhile, the table takes nothing more of this round.

use std::sync::Arc;
use std::time::Duration;

use andon_assets::Plant;
use andon_journal::{PropertyValue, ReadingFeeds, ValueGap, ValueMark, ValueTable};
use andon_model::{Code, IngestId, Problem, Reading};
use tokio::task::yield_now;

use super::lane::apply::apply_one;
use super::{PlantParts, outbox, telemetry};
use crate::engine::Shared;

/// How often the table is asked; after failures up to [`LONGEST_REST`].
const LOOK: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);
/// Readings between two looks at what else there is to do.
const READINGS_AT_ONCE: usize = 256;

/// See the module.
pub(crate) struct Refill {
    shared: Arc<Shared>,
    feeds: Arc<dyn ReadingFeeds>,
    table: Arc<dyn ValueTable>,
}

impl Refill {
    /// `None` where values are not written at all.
    pub(crate) fn new(shared: &Arc<Shared>, parts: &PlantParts) -> Option<Self> {
        let table = Arc::clone(parts.values.as_ref()?);
        Some(Self { shared: Arc::clone(shared), feeds: Arc::clone(&parts.feeds), table })
    }

    /// Fills whatever gap there is, until it is aborted.
    pub(crate) async fn run(self) {
        let mut rest = LOOK;
        loop {
            tokio::time::sleep(rest).await;
            rest = match self.turn().await {
                Ok(()) => LOOK,
                Err(problem) => {
                    telemetry::refill_failed(&problem);
                    (rest * 2).min(LONGEST_REST)
                }
            };
        }
    }

    async fn turn(&self) -> Result<(), Problem> {
        let Some(gap) = self.table.gap().await? else { return Ok(()) };
        telemetry::refilling(gap.until.next.0);
        let settings = &self.shared.settings.plant;
        let at_once = settings.refill_values.max(1);
        let mut filling = Filling::new(self.shared.plant.fresh()?, gap, &settings.event_time);
        let mut feed = self.feeds.look(IngestId::FIRST).await?;
        let mut next = IngestId::FIRST;
        while next < gap.until.next {
            let batch = feed.next().await?.ok_or_else(|| ended(next))?;
            for readings in batch.readings.chunks(READINGS_AT_ONCE.min(at_once)) {
                filling.apply(readings);
                if filling.values.len() >= at_once {
                    self.fill(&mut filling).await?;
                }
                yield_now().await;
            }
            next = batch.next;
        }
        filling.end();
        self.fill(&mut filling).await?;
        telemetry::refilled(filling.filled);
        Ok(())
    }

    async fn fill(&self, filling: &mut Filling<'_>) -> Result<(), Problem> {
        let values = std::mem::take(&mut filling.values);
        filling.filled += values.len();
        self.table.fill(filling.gap.round, values, filling.up_to).await
    }
}

fn ended(next: IngestId) -> Problem {
    Problem::new(Code::RawLog, format!("the log ends before reading {next}, of which there were values"))
}

/// A plant that lives through the past.
struct Filling<'a> {
    plant: Plant,
    gap: ValueGap,
    event_time: &'a str,
    /// What the table lacks, up to a mark.
    values: Vec<PropertyValue>,
    up_to: ValueMark,
    filled: usize,
}

impl<'a> Filling<'a> {
    fn new(plant: Plant, gap: ValueGap, event_time: &'a str) -> Self {
        Self { plant, gap, event_time, values: Vec::new(), up_to: ValueMark::default(), filled: 0 }
    }

    fn apply(&mut self, readings: &[Reading]) {
        for reading in readings.iter().take_while(|reading| reading.id < self.gap.until.next) {
            let Ok(payload) = serde_json::from_slice(&reading.payload) else { continue };
            let is_there = reading.id < self.gap.done.next;
            let values = &mut self.values;
            apply_one(&mut self.plant, reading, &payload, self.event_time, |applied| {
                if !is_there {
                    values.extend(applied.changes.iter().map(outbox::value));
                }
            });
            self.up_to = ValueMark { next: reading.id.plus(1), at: self.plant.now() };
        }
    }

    /// Time passes to where the gap ends.
    fn end(&mut self) {
        let applied = self.plant.tick(self.gap.until.at);
        self.values.extend(applied.changes.iter().map(outbox::value));
        self.up_to = self.gap.until;
    }
}
