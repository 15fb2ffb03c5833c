//! Bringing runs into memory: at start, when they wake up, and when a person moves a settled one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use andon_act::{Input, RunState, resume, step};
use andon_journal::{JournalError, Lease, StoredRun};
use andon_model::{Offset, Problem, Release, RunId, RunStatus};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Lane, Message, RESUMED_PER_TURN};
use crate::HandleError;
use crate::catalog::Catalog;
use crate::engine::Shared;
use crate::slots::{Loaded, Slots};
use crate::telemetry;
use crate::turn::Turn;

impl Lane {
    /// A lane that knows every pending run, in order, and will resume them turn by turn.
    pub(crate) async fn load(
        shared: Arc<Shared>,
        lease: Lease,
        inbox: mpsc::Receiver<Message>,
        decided_up_to: Offset,
    ) -> Result<Self, JournalError> {
        let mut slots = Slots::default();
        let mut resuming = VecDeque::new();
        for run in shared.journal.unsettled_runs().await? {
            slots.insert(run.id.clone(), run.event, run.subject, None);
            resuming.push_back(run.id);
        }
        shared.lane_status.lock().pending_runs = slots.len();
        Ok(Self {
            shared,
            lease,
            inbox,
            slots,
            resuming,
            gates: BTreeMap::new(),
            gate_wakes: BTreeSet::new(),
            timers: BTreeSet::new(),
            in_flight: HashMap::new(),
            catalogs: BTreeMap::new(),
            decided_up_to,
            more_events: false,
            read_failed: false,
            requests: JoinSet::new(),
        })
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
    /// visible as it is, and no longer holds up its subject.
    async fn read(&mut self, run: &RunId) -> Option<Loaded> {
        match self.try_read(run).await {
            Ok(Ok((_, loaded))) => Some(loaded),
            Ok(Err(reason)) => {
                telemetry::run_unusable(run, &reason);
                self.settle(run);
                None
            }
            Err(error @ JournalError::Corrupt { .. }) => {
                telemetry::run_unusable(run, &error.to_string());
                self.settle(run);
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

    async fn try_read(&mut self, run: &RunId) -> Result<Result<(StoredRun, Loaded), String>, JournalError> {
        let journal = self.shared.journal.clone();
        let Some(stored) = journal.run(run).await? else { return Ok(Err("it is not in the journal".into())) };
        let Some(event) = journal.event(stored.event).await? else { return Ok(Err("its event is gone".into())) };
        let state = match RunState::parse(&stored.state) {
            Ok(state) => state,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let catalog = self.catalog_at(state.revision).await?;
        Ok(match catalog.action(&state.action) {
            Some(action) => {
                let loaded = Loaded { state, action, event: Arc::new(event.event), offset: event.offset };
                Ok((stored, loaded))
            }
            None => Err(format!("revision {} has no usable action {}", catalog.revision, state.action)),
        })
    }

    /// The configuration as it was in `revision`, compiled.
    pub(super) async fn catalog_at(&mut self, revision: i64) -> Result<Arc<Catalog>, JournalError> {
        const KEPT: usize = 8;
        let newest = self.shared.catalog();
        if newest.revision == revision {
            return Ok(newest);
        }
        if let Some(catalog) = self.catalogs.get(&revision) {
            return Ok(catalog.clone());
        }
        let documents = self.shared.configurations.documents_at(revision).await?;
        let catalog = Arc::new(Catalog::compile(revision, &documents).0);
        while self.catalogs.len() >= KEPT {
            self.catalogs.pop_first();
        }
        self.catalogs.insert(revision, catalog.clone());
        Ok(catalog)
    }

    /// Moves a run on behalf of a person; a settled one becomes pending again.
    pub(super) async fn release(
        &mut self,
        turn: &mut Turn,
        run: &RunId,
        release: Release,
        by: String,
    ) -> Result<(), HandleError> {
        if self.wake(turn, run).await {
            return self.feed(turn, run, Input::Released { release, by }).await.map_err(conflict);
        }
        if turn.moved.contains_key(run) {
            return Err(conflict("the run has just moved; look again"));
        }
        let journal = self.shared.journal.clone();
        journal.run(run).await?.ok_or_else(|| HandleError::NotFound(format!("run {run}")))?;
        let (stored, loaded) = self.try_read(run).await?.map_err(HandleError::Conflict)?;
        let loaded = self.repinned(loaded, &release);
        let now = self.shared.clock.now();
        let transition = step(loaded.context(), loaded.state.clone(), Input::Released { release, by }, now);
        if let Some(reason) = transition.rejected {
            return Err(conflict(reason));
        }
        self.slots.insert(run.clone(), stored.event, stored.subject, Some(Box::new(loaded)));
        self.absorb(turn, run, transition);
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
}

fn conflict(reason: &'static str) -> HandleError {
    HandleError::Conflict(reason.to_owned())
}
