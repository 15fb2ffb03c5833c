//! People's wishes for runs: try again, take as done, cancel.
//!
//! A run whose stored state this program cannot read (written by another version, damaged, its action gone)
//! can be cancelled and nothing else. Its state is left as it is; the timeline says who cancelled it, why it
//! could not be read, and which document may exist although nobody knows.

use andon_act::{Input, step};
use andon_journal::{JournalError, RunChange, RunDetail, StoredRun};
use andon_model::{Code, Problem, Release, RunId, RunStatus, TimelineEntry, TimelineKind, Timestamp};
use serde_json::json;

use super::Lane;
use super::drive::episode_of;
use crate::HandleError;
use crate::slots::{Loaded, Place};
use crate::telemetry;
use crate::turn::Turn;

/// Who wants what of a run.
pub(super) struct Wish {
    pub(super) release: Release,
    pub(super) by: String,
}

impl Lane {
    /// Moves a run on behalf of a person; a settled one becomes pending again.
    pub(super) async fn release(&mut self, turn: &mut Turn, run: &RunId, wish: Wish) -> Result<(), HandleError> {
        self.learn_all().await?;
        let Wish { release, by } = wish;
        if self.wake(turn, run).await {
            return self.feed(turn, run, Input::Released { release, by }).await.map_err(conflict);
        }
        if turn.has_moved(run) {
            return Err(conflict("the run has just moved; look again"));
        }
        let not_found = || HandleError::NotFound(format!("run {run}"));
        let stored = self.shared.journal.run(run).await?.ok_or_else(not_found)?;
        if matches!(stored.status, RunStatus::Done | RunStatus::Cancelled) {
            return Err(conflict("the run has ended"));
        }
        match self.try_read(run).await {
            Ok(Ok((stored, loaded))) => self.release_settled(turn, stored, loaded, Wish { release, by }),
            Ok(Err(reason)) => self.give_up(turn, stored, reason, Wish { release, by }).await,
            Err(error @ JournalError::Corrupt { .. }) => {
                self.give_up(turn, stored, error.to_string(), Wish { release, by }).await
            }
            Err(error) => Err(error.into()),
        }
    }

    fn release_settled(
        &mut self,
        turn: &mut Turn,
        stored: StoredRun,
        loaded: Loaded,
        wish: Wish,
    ) -> Result<(), HandleError> {
        let Wish { release, by } = wish;
        let loaded = self.repinned(loaded, &release);
        let now = self.shared.clock.now();
        let transition = step(loaded.context(), loaded.state.clone(), Input::Released { release, by }, now);
        if let Some(reason) = transition.rejected {
            return Err(conflict(reason));
        }
        let episode = episode_of(&transition.state);
        let place = Place { event: stored.event, subject: stored.subject, episode };
        self.slots.insert(stored.id.clone(), place, Some(Box::new(loaded)));
        self.absorb(turn, &stored.id, transition);
        Ok(())
    }

    /// A refused run that is tried again takes the newest configuration, if the action still has the
    /// steps that are done: that is how a person repairs a template.
    fn repinned(&self, mut loaded: Loaded, release: &Release) -> Loaded {
        let newest = self.shared.catalog();
        let refused = loaded.state.status() == RunStatus::Refused && !loaded.state.in_doubt;
        if let (true, Release::Retry { .. }, Some(action)) = (refused, release, newest.action(&loaded.state.action))
            && loaded.state.fits(&action)
        {
            loaded.state.revision = newest.revision;
            loaded.action = action;
        }
        loaded
    }

    /// Cancels a run that cannot be read.
    async fn give_up(
        &mut self,
        turn: &mut Turn,
        stored: StoredRun,
        reason: String,
        wish: Wish,
    ) -> Result<(), HandleError> {
        if wish.release != Release::Cancel {
            let detail = format!("this program cannot read the stored run ({reason}); it can only be cancelled");
            return Err(HandleError::Conflict(detail));
        }
        let not_found = || HandleError::NotFound(format!("run {}", stored.id));
        let detail = self.shared.views.run_detail(&stored.id).await?.ok_or_else(not_found)?;
        telemetry::settled(&stored.id, RunStatus::Cancelled, None);
        let next = self.slots.let_go(&stored.id);
        self.go_on(next.into_iter().collect());
        turn.given_up.push(cancelled_unread(stored, &detail, &reason, &wish, self.shared.clock.now()));
        Ok(())
    }
}

fn conflict(reason: &'static str) -> HandleError {
    HandleError::Conflict(reason.to_owned())
}

fn cancelled_unread(stored: StoredRun, detail: &RunDetail, reason: &str, wish: &Wish, at: Timestamp) -> RunChange {
    let doubt = doubt_in(&detail.timeline);
    let problem = Problem::new(Code::Journal, explanation(reason, doubt));
    let entry = |kind, detail| TimelineEntry { at, kind, step: String::new(), attempt: 0, detail };
    let in_doubt = doubt.map(|sent| json!({ "step": sent.step, "key": sent.detail["key"] }));
    RunChange {
        id: stored.id,
        event: stored.event,
        action: detail.row.action.clone(),
        revision: detail.row.revision,
        subject: stored.subject,
        status: RunStatus::Cancelled,
        due: None,
        state: stored.state,
        documents: detail.row.documents.clone(),
        summary: problem.to_string(),
        at,
        timeline_from: u32::try_from(detail.timeline.len()).unwrap_or(u32::MAX),
        timeline: vec![
            entry(TimelineKind::Released, json!({ "by": wish.by, "release": wish.release })),
            entry(
                TimelineKind::Settled,
                json!({ "status": RunStatus::Cancelled, "problem": problem, "in_doubt": in_doubt }),
            ),
        ],
        episode: None,
    }
}

fn explanation(reason: &str, doubt: Option<&TimelineEntry>) -> String {
    let unread = format!("cancelled although its state could not be read: {reason}");
    match doubt {
        None => unread,
        Some(sent) => {
            let key = sent.detail["key"].as_str().unwrap_or("that is unknown");
            format!("{unread}; what became of step {} is unknown: look for a document with the key {key}", sent.step)
        }
    }
}

/// The last request whose fate is unknown, by the timeline: no answer, or lost and not cleared up since.
fn doubt_in(timeline: &[TimelineEntry]) -> Option<&TimelineEntry> {
    let (mut sent, mut lost) = (None, None);
    for entry in timeline {
        match entry.kind {
            TimelineKind::Sending => sent = Some(entry),
            TimelineKind::Busy | TimelineKind::Refused => sent = None,
            TimelineKind::Lost => lost = sent.take().or(lost),
            TimelineKind::Answered => (sent, lost) = (None, None),
            TimelineKind::Probed if entry.detail["found"].is_number() => (sent, lost) = (None, None),
            _ => {}
        }
    }
    sent.or(lost)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn entry(kind: TimelineKind, attempt: u32, detail: Value) -> TimelineEntry {
        TimelineEntry { at: Timestamp::default(), kind, step: "create".into(), attempt, detail }
    }

    #[test]
    fn the_request_in_doubt_is_found_in_the_timeline() {
        use TimelineKind::{Answered, Busy, Lost, Probed, Refused, Sending, Waiting};
        let check = |kinds: &[TimelineKind], expected: Option<u32>| {
            let timeline: Vec<_> = (1..).zip(kinds).map(|(n, kind)| entry(*kind, n, json!({}))).collect();
            assert_eq!(doubt_in(&timeline).map(|entry| entry.attempt), expected, "{kinds:?}");
        };
        check(&[], None);
        check(&[Sending], Some(1));
        check(&[Sending, Answered], None);
        check(&[Sending, Refused], None);
        check(&[Sending, Busy, Waiting, Sending], Some(4));
        check(&[Sending, Lost, Waiting], Some(1));
        check(&[Sending, Lost, Sending, Busy], Some(1));
        check(&[Sending, Lost, Sending, Answered], None);
        check(&[Sending, Lost, Probed], Some(1));
    }

    #[test]
    fn a_definite_search_ends_the_doubt() {
        let searched = |detail| {
            vec![
                entry(TimelineKind::Sending, 1, json!({ "key": "K1" })),
                entry(TimelineKind::Lost, 1, json!({})),
                entry(TimelineKind::Probed, 1, detail),
            ]
        };
        assert!(doubt_in(&searched(json!({ "found": 0 }))).is_none());
        let unknown = searched(json!({ "problem": {} }));
        let told = explanation("format 9", doubt_in(&unknown));
        assert!(told.ends_with("what became of step create is unknown: look for a document with the key K1"), "{told}");
    }
}
