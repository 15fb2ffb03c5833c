//! Bringing runs into memory: at start, and when they wake up.
//!
//! At start the lane learns of the pending runs page by page: who they are and in which order, not their
//! states. Those are read when a run is resumed, and again when it wakes after it was put to sleep.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use andon_act::{RunState, resume};
use andon_journal::{JournalError, Lease, PendingRun, RunPlace, StoredRun};
use andon_model::{Offset, Problem, RunId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{LEARNED_PER_TURN, Lane, Message, RESUMED_PER_TURN, Unlearned};
use crate::engine::Shared;
use crate::episodes::Asking;
use crate::revisions::Revisions;
use crate::slots::{Loaded, Place, Slots};
use crate::telemetry;
use crate::turn::Turn;

impl Lane {
    /// A lane that will learn of the `pending` unsettled runs, and resume them, turn by turn.
    pub(crate) fn new(
        shared: Arc<Shared>,
        lease: Lease,
        inbox: mpsc::Receiver<Message>,
        decided_up_to: Offset,
        pending: usize,
    ) -> Self {
        shared.lane_status.lock().pending_runs = pending;
        Self {
            shared,
            lease,
            inbox,
            slots: Slots::default(),
            unlearned: Some(Unlearned {
                holders_after: Some(RunPlace::default()),
                after: RunPlace::default(),
                left: pending,
            }),
            resuming: VecDeque::new(),
            asking: Asking::default(),
            gates: BTreeMap::new(),
            gate_wakes: BTreeSet::new(),
            timers: BTreeSet::new(),
            impatient: BTreeSet::new(),
            in_flight: HashMap::new(),
            revisions: Revisions::default(),
            decided_up_to,
            more_events: false,
            read_failed: false,
            requests: JoinSet::new(),
        }
    }

    /// Unsettled runs, those among them that the lane is still to learn of.
    pub(super) fn pending_runs(&self) -> usize {
        self.slots.len() + self.unlearned.as_ref().map_or(0, |unlearned| unlearned.left)
    }

    /// Learns of some of the runs that were pending at start, as long as there is room for them.
    pub(super) async fn learn_some(&mut self) {
        if self.may_learn()
            && let Err(error) = self.learn_page().await
        {
            self.note_failed_read(&error);
        }
    }

    /// Learns of all that are left: who moves a settled run, or decides again, must not overtake them.
    pub(super) async fn learn_all(&mut self) -> Result<(), JournalError> {
        while self.unlearned.is_some() {
            self.learn_page().await?;
        }
        Ok(())
    }

    async fn learn_page(&mut self) -> Result<(), JournalError> {
        let Some(unlearned) = &self.unlearned else { return Ok(()) };
        if let Some(after) = unlearned.holders_after {
            return self.learn_holders(after).await;
        }
        let page = self.shared.journal.unsettled_runs(unlearned.after, LEARNED_PER_TURN).await?;
        let left = unlearned.left.saturating_sub(page.len());
        let is_last = page.len() < LEARNED_PER_TURN;
        let last = page.last().filter(|_| !is_last);
        self.unlearned = last.map(|last| Unlearned { holders_after: None, after: last.place, left });
        for PendingRun { place, id, subject, episode } in page {
            let place = Place { event: place.event, subject, episode };
            if self.slots.insert(id.clone(), place, None) {
                self.resuming.push_back(id);
            }
        }
        Ok(())
    }

    /// Runs that hold their episode come first: others of the same one must not begin before they have ended.
    async fn learn_holders(&mut self, after: RunPlace) -> Result<(), JournalError> {
        let page = self.shared.journal.episode_holders(after, LEARNED_PER_TURN).await?;
        let last = page.last().filter(|_| page.len() == LEARNED_PER_TURN).map(|last| last.place);
        if let Some(unlearned) = &mut self.unlearned {
            unlearned.holders_after = last;
        }
        for PendingRun { id, episode, .. } in page {
            if let Some(episode) = episode {
                self.slots.hold(id, episode);
            }
        }
        Ok(())
    }

    /// Resumes some of the runs that were pending at start.
    pub(super) async fn resume_some(&mut self, turn: &mut Turn) {
        for _ in 0..RESUMED_PER_TURN {
            if self.read_failed {
                return;
            }
            let Some(run) = self.resuming.pop_front() else { return };
            self.resume_one(turn, &run).await;
        }
    }

    async fn resume_one(&mut self, turn: &mut Turn, run: &RunId) {
        if self.slots.get(run).is_none_or(|slot| slot.loaded.is_some()) {
            return;
        }
        let Some(loaded) = self.read(run).await else { return };
        let now = self.shared.clock.now();
        let transition = resume(loaded.context(), loaded.state.clone(), now);
        self.slots.wake(run, loaded);
        self.absorb(turn, run, transition);
    }

    /// Makes sure that an unsettled run's state is in memory.
    pub(super) async fn wake(&mut self, turn: &mut Turn, run: &RunId) -> bool {
        match self.slots.get(run) {
            None => return false,
            Some(slot) if slot.loaded.is_some() => return true,
            Some(_) => {}
        }
        if let Some(at) = self.resuming.iter().position(|pending| pending == run) {
            self.resuming.remove(at);
            self.resume_one(turn, run).await;
        } else if let Some(loaded) = self.read(run).await {
            self.slots.wake(run, loaded);
        }
        self.slots.get(run).is_some_and(|slot| slot.loaded.is_some())
    }

    /// Reads a run with its event and action. `None` is logged; a run that this program cannot continue stays
    /// visible as it is, and no longer holds up its subject; its episode it does hold, until a person has cancelled it.
    async fn read(&mut self, run: &RunId) -> Option<Loaded> {
        match self.try_read(run).await {
            Ok(Ok((_, loaded))) => Some(loaded),
            Ok(Err(reason)) => {
                telemetry::run_unusable(run, &reason);
                self.settle(run, true);
                None
            }
            Err(error @ JournalError::Corrupt { .. }) => {
                telemetry::run_unusable(run, &error.to_string());
                self.settle(run, true);
                None
            }
            Err(error) => {
                self.note_failed_read(&error);
                self.resuming.push_back(run.clone());
                None
            }
        }
    }

    pub(super) fn note_failed_read(&mut self, error: &JournalError) {
        telemetry::read_failed(error);
        self.read_failed = true;
        self.shared.lane_status.lock().read_problem = Some(Problem::from(error));
    }

    pub(super) async fn try_read(&mut self, run: &RunId) -> Result<Result<(StoredRun, Loaded), String>, JournalError> {
        let journal = self.shared.journal.clone();
        let Some(stored) = journal.run(run).await? else { return Ok(Err("it is not in the journal".into())) };
        let Some(event) = journal.event(stored.event).await? else { return Ok(Err("its event is gone".into())) };
        let state = match RunState::parse(&stored.state) {
            Ok(state) => state,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let catalog = self.revisions.at(&self.shared, state.revision).await?;
        Ok(match catalog.action(&state.action) {
            Some(action) => {
                let loaded = Loaded { state, action, event: Arc::new(event.event), offset: event.offset };
                Ok((stored, loaded))
            }
            None => Err(format!("revision {} has no usable action {}", catalog.revision, state.action)),
        })
    }
}
