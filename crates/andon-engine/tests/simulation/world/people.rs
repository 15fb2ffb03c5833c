//! People: they close documents whenever they like, and look after parked runs.

use std::time::Duration;

use andon_journal::{RunFilter, RunRow, Views};
use andon_model::{Clock, Release, RunStatus, Timestamp};
use serde_json::Value;

use super::{Door, World};
use crate::scenario::OF_EPISODES;

/// How long after a run was parked somebody looks into the destination: what was on its way has arrived.
const LOOKS_AFTER: Duration = Duration::from_secs(3);

/// A document that somebody has closed.
#[derive(Debug, Clone)]
pub(super) struct Closing {
    pub(super) number: String,
    /// How many documents there were.
    pub(super) documents: usize,
    pub(super) at: Timestamp,
}

impl World {
    /// Never ends by itself.
    pub(super) async fn people(&self, door: &Door) {
        loop {
            tokio::time::sleep(Duration::from_millis(200) + self.dice.span(Duration::from_secs(2))).await;
            if self.dice.chance(0.3) {
                self.close_something();
            }
            self.look_after_parked_runs(door).await;
        }
    }

    /// Closes one of the open documents.
    fn close_something(&self) {
        let books = self.destination.books();
        let mut closings = self.closings.lock().expect("not poisoned");
        let is_open = |number: &str| !closings.iter().any(|closing| closing.number == number);
        let of_episodes = books.iter().filter(|entry| OF_EPISODES.contains(&entry.path.as_str()));
        let open: Vec<_> = of_episodes.filter(|entry| is_open(&entry.number)).collect();
        let Some(last) = open.len().checked_sub(1) else { return };
        let chosen = usize::try_from(self.dice.number(0, last as u64)).unwrap_or_default();
        let number = open[chosen].number.clone();
        self.destination.close(&number);
        closings.push(Closing { number, documents: books.len(), at: self.clock.now() });
    }

    async fn look_after_parked_runs(&self, door: &Door) {
        let Some(handle) = door.borrow().clone() else { return };
        let parked = RunFilter { limit: 100, status: Some(RunStatus::Parked), ..RunFilter::default() };
        for run in self.memory().runs(parked).await.expect("runs").rows {
            if self.clock.now().since(run.updated_at) < LOOKS_AFTER {
                continue;
            }
            let release = match self.document_of(&run) {
                None => Release::Retry { confirmed_absent: true },
                document => Release::Resolve { document },
            };
            // The engine may be killed, or the journal fail, just now: somebody looks again.
            handle.release(&run.id, release, "planner").await.ok();
        }
    }

    /// What a person finds in the destination.
    fn document_of(&self, run: &RunRow) -> Option<String> {
        let books = self.destination.books();
        let made_by = |body: &str| {
            let body: Value = serde_json::from_str(body).expect("a rendered body");
            body["Offset"] == run.event.0
        };
        books.into_iter().find(|entry| made_by(&entry.body)).map(|entry| entry.number)
    }
}
