//! Runs and their episodes: who goes on, who waits for whom, and what the journal knows.
//!
//! An episode is read at the beginning of a turn, when everything before is committed: what an earlier run of the
//! same episode has settled with is there.

use andon_act::{Input, OpenEpisode};
use andon_journal::{Episode, EpisodeKey};
use andon_model::RunId;

use super::Lane;
use crate::turn::Turn;
use crate::{HandleError, telemetry};

/// Runs told in one turn how they stand in their episode.
const ASKING_PER_TURN: usize = 256;

impl Lane {
    /// Tells runs that wait for their episode: it is their turn, or who comes first.
    pub(super) async fn tell_of_episodes(&mut self, turn: &mut Turn) {
        for _ in 0..ASKING_PER_TURN {
            if self.read_failed {
                return;
            }
            let Some(run) = self.asking.pop() else { return };
            self.tell_one(turn, &run).await;
        }
    }

    async fn tell_one(&mut self, turn: &mut Turn, run: &RunId) {
        let Some(slot) = self.slots.get(run).filter(|slot| slot.joins) else { return };
        let Some(key) = slot.episode.clone() else { return };
        if let Some(ahead) = self.slots.ahead_in_episode(run) {
            self.feed(turn, run, Input::Behind(ahead)).await.ok();
            return;
        }
        if !self.slots.is_first(run) {
            return;
        }
        match self.shared.journal.episode(&key).await {
            Ok(found) => {
                self.feed(turn, run, Input::Episode(found.map(open))).await.ok();
            }
            Err(error) => {
                self.note_failed_read(&error);
                self.asking.push(run.clone());
            }
        }
    }

    /// Closes an episode on behalf of a person, whatever the destination says: the next event opens another. While a
    /// run of it is under way or parked, that one's word counts.
    pub(super) async fn close_episode(&mut self, turn: &mut Turn, id: EpisodeKey, by: &str) -> Result<(), HandleError> {
        self.learn_all().await?;
        if let Some(run) = self.slots.first_in_episode(&id) {
            return Err(HandleError::Conflict(format!(
                "run {run} of this episode is pending or parked; see to it first"
            )));
        }
        let EpisodeKey { action, key } = &id;
        if self.shared.journal.episode(&id).await?.is_none() {
            return Err(HandleError::NotFound(format!("episode {key:?} of action {action}")));
        }
        telemetry::episode_closed(&id, by);
        turn.closed.push(id);
        Ok(())
    }

    /// Runs whose turn may have come: at the gate, or in their episode.
    pub(super) fn go_on(&mut self, runs: Vec<RunId>) {
        for run in runs {
            if self.slots.get(&run).is_some_and(|slot| slot.joins) {
                self.asking.push(run);
            } else {
                self.queue_at_gate(&run);
            }
        }
    }
}

fn open(episode: Episode) -> OpenEpisode {
    let Episode { id: _, document, run, opened_at, touched_at, count } = episode;
    OpenEpisode { document, run, opened_at, touched_at, count }
}
