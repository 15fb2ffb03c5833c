//! What one turn of the lane has gathered: changes to commit, effects to perform afterwards.

use std::collections::BTreeMap;

use andon_act::{Effect, OpenEpisode, Phase, RunState};
use andon_journal::{Commit, Decided, Episode, EpisodeKey, EpisodePart, RunChange};
use andon_model::{Offset, RunId, TimelineEntry, Timestamp};
use tokio::sync::oneshot;

use crate::HandleError;

/// A run that moved in this turn.
pub(crate) struct Moved {
    pub(crate) event: Offset,
    pub(crate) subject: String,
    pub(crate) timeline: Vec<TimelineEntry>,
    /// Lines of the timeline that were stored before.
    pub(crate) lines_before: u32,
    pub(crate) state: RunState,
    /// The episode as it is now, if the run has changed it.
    pub(crate) episode: Option<OpenEpisode>,
}

/// The gathering.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) decided: Vec<Decided>,
    pub(crate) decided_up_to: Option<Offset>,
    pub(crate) moved: BTreeMap<RunId, Moved>,
    /// Runs whose state cannot be read, cancelled by a person.
    pub(crate) given_up: Vec<RunChange>,
    /// Episodes closed by a person.
    pub(crate) closed: Vec<EpisodeKey>,
    /// `Send` and `Probe`, to be performed after the commit.
    pub(crate) effects: Vec<(RunId, Effect)>,
    /// People who wait for the commit.
    pub(crate) replies: Vec<oneshot::Sender<Result<(), HandleError>>>,
    /// Runs that moved: candidates for leaving memory.
    pub(crate) asleep: Vec<RunId>,
}

impl Turn {
    pub(crate) fn is_empty(&self) -> bool {
        let is_untouched = self.moved.is_empty() && self.given_up.is_empty() && self.closed.is_empty();
        is_untouched && self.decided.is_empty() && self.decided_up_to.is_none()
    }

    /// Whether this turn has moved `run` already.
    pub(crate) fn has_moved(&self, run: &RunId) -> bool {
        self.moved.contains_key(run) || self.given_up.iter().any(|change| change.id == *run)
    }

    /// The transaction.
    pub(crate) fn commit(&mut self, at: Timestamp) -> Commit {
        self.asleep = self.moved.keys().cloned().collect();
        let moved = std::mem::take(&mut self.moved).into_iter().map(|(id, moved)| change(id, moved, at));
        Commit {
            decided: std::mem::take(&mut self.decided),
            runs: moved.chain(self.given_up.drain(..)).collect(),
            decided_up_to: self.decided_up_to.take(),
            closed_episodes: std::mem::take(&mut self.closed),
        }
    }
}

fn change(id: RunId, moved: Moved, at: Timestamp) -> RunChange {
    let state = moved.state;
    let documents: Vec<&str> = state.documents.iter().map(|document| document.number.as_str()).collect();
    RunChange {
        event: moved.event,
        action: state.action.clone(),
        revision: state.revision,
        subject: moved.subject,
        status: state.status(),
        due: state.due(),
        documents: documents.join(", "),
        summary: summary(&state),
        episode: part(&state, moved.episode),
        state: serde_json::to_string(&state).unwrap_or_default(),
        at,
        timeline_from: moved.lines_before,
        timeline: moved.timeline,
        id,
    }
}

/// Why it waits, or did not end in `done`.
fn summary(state: &RunState) -> String {
    let behind = state.episode.as_ref().and_then(|episode| episode.behind.as_ref());
    match behind.filter(|_| state.phase == Phase::Joining) {
        Some(run) => format!("waits for run {run} of the same episode"),
        None => state.problem.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn part(state: &RunState, put: Option<OpenEpisode>) -> Option<EpisodePart> {
    let key = state.episode_key()?.to_owned();
    let id = EpisodeKey { action: state.action.clone(), key: key.clone() };
    let put = put.map(|open| {
        let OpenEpisode { document, run, opened_at, touched_at, count } = open;
        Episode { id, document, run, opened_at, touched_at, count }
    });
    Some(EpisodePart { key, holds: state.holds_episode(), put })
}
