//! Making turns durable, one after the other, while the next one is computed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use andon_journal::{Commit, JournalError, Lease};
use andon_model::{Offset, Problem};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Lane;
use crate::engine::Shared;
use crate::telemetry;
use crate::turn::Turn;

/// A turn on its way into the journal. Dropping it ends the attempt, as a killed process would.
pub(super) struct Committing {
    task: JoinSet<Result<(), JournalError>>,
    result: Option<Result<(), JournalError>>,
    turn: Turn,
    decided_up_to: Option<Offset>,
    begun: Instant,
    runs: usize,
    decided: usize,
}

impl Committing {
    pub(super) fn is_finished(&self) -> bool {
        self.result.is_some()
    }

    async fn finish(&mut self) {
        if self.result.is_none() {
            let joined = self.task.join_next().await.and_then(Result::ok);
            let ended = JournalError::Storage { doing: "committing a turn", cause: "the task ended".into() };
            self.result = Some(joined.unwrap_or(Err(ended)));
        }
    }
}

/// Waits until the commit under way has ended; safe to cancel.
pub(super) async fn finished(committing: &mut Option<Committing>) {
    if let Some(committing) = committing {
        committing.finish().await;
    }
}

impl Lane {
    /// Hands a computed turn to the journal. The turn before it must be finished.
    pub(super) fn begin_commit(&mut self, mut turn: Turn) {
        let decided_up_to = turn.decided_up_to;
        let commit = turn.commit(self.shared.clock.now());
        let (runs, decided) = (commit.runs.len(), commit.decided.len());
        let mut task = JoinSet::new();
        task.spawn(commit_until_taken(self.shared.clone(), self.lease, commit));
        let begun = Instant::now();
        self.committing = Some(Committing { task, result: None, turn, decided_up_to, begun, runs, decided });
    }

    /// Waits for the turn under way and performs its effects. `next` is computed but not stored yet: its
    /// runs must stay in memory.
    pub(super) async fn finish_commit(&mut self, next: &Turn) -> Result<(), JournalError> {
        finished(&mut self.committing).await;
        let Some(committing) = self.committing.take() else { return Ok(()) };
        committing.result.unwrap_or(Ok(()))?;
        telemetry::turn_committed(committing.runs, committing.decided, committing.begun.elapsed().as_secs_f64());
        self.tell_status();
        if let Some(offset) = committing.decided_up_to {
            self.shared.decided_up_to.store(offset.0, Ordering::Release);
        }
        self.perform(committing.turn, next);
        Ok(())
    }
}

/// Repeats a commit unchanged until the journal takes it or is lost.
async fn commit_until_taken(shared: Arc<Shared>, lease: Lease, commit: Commit) -> Result<(), JournalError> {
    const LONGEST: Duration = Duration::from_secs(5);
    let mut wait = Duration::from_millis(50);
    for attempt in 1.. {
        match shared.journal.commit(lease, commit.clone()).await {
            Ok(()) => break,
            Err(error @ JournalError::Storage { .. }) if !shared.stop.is_cancelled() => {
                telemetry::commit_failed(&error, attempt);
                shared.lane_status.lock().problem = Some(Problem::from(&error));
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
    shared.lane_status.lock().problem = None;
    Ok(())
}
