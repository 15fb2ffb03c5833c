//! Feeding inputs to runs, and what their transitions ask for.

use andon_act::{DestinationLimits, Effect, Input, Phase, RunState, Transition, step};
use andon_journal::EpisodeKey;
use andon_model::{Name, Offset, RunId, RunStatus, Timestamp};

use super::release::Wish;
use super::{Lane, Message, Reply};
use crate::HandleError;
use crate::gate::{Pass, found_alive, is_alive};
use crate::slots::{Loaded, Place};
use crate::telemetry;
use crate::turn::{Moved, Turn};

impl Lane {
    pub(super) async fn take(&mut self, turn: &mut Turn, message: Message) {
        match message {
            Message::Answered { run, answer } => {
                self.came_back(&run, is_alive(&answer));
                self.feed(turn, &run, Input::Answered(answer)).await.ok();
            }
            Message::Probed { run, found } => {
                self.came_back(&run, found_alive(&found));
                self.feed(turn, &run, Input::Probed(found)).await.ok();
            }
            Message::Release { run, release, by, reply } => {
                let done = self.release(turn, &run, Wish { release, by }).await;
                reply_after_commit(turn, done, reply);
            }
            Message::CloseEpisode { id, by, reply } => {
                let done = self.close_episode(turn, id, &by).await;
                reply_after_commit(turn, done, reply);
            }
            Message::DecideAgain { event, reply } => {
                let done = self.decide_again(turn, event).await;
                reply_after_commit(turn, done, reply);
            }
            Message::Reconfigured => {
                let now = self.shared.clock.now();
                self.gate_wakes.extend(self.gates.keys().map(|name| (now, name.clone())));
            }
        }
    }

    fn came_back(&mut self, run: &RunId, alive: bool) {
        let Some(destination) = self.in_flight.remove(run) else { return };
        let (limits, now) = (self.limits(&destination), self.shared.clock.now());
        if let Some(gate) = self.gates.get_mut(&destination) {
            gate.came_back(alive, &limits, now);
            self.gate_wakes.insert((now, destination));
        }
    }

    pub(super) fn limits(&self, destination: &Name) -> DestinationLimits {
        self.shared.target().limits(destination).unwrap_or_default()
    }

    /// Feeds one input to an unsettled run, waking it first where needed. `Err` says why the input does
    /// not apply; what comes late (a timer, a second answer) is rightly ignored by most callers.
    pub(super) async fn feed(&mut self, turn: &mut Turn, run: &RunId, input: Input) -> Result<(), &'static str> {
        if !self.wake(turn, run).await {
            return Err("the run is not pending");
        }
        let now = self.shared.clock.now();
        let Some(loaded) = self.slots.get(run).and_then(|slot| slot.loaded.as_deref()) else { return Ok(()) };
        let transition = step(loaded.context(), loaded.state.clone(), input, now);
        let rejected = transition.rejected;
        self.absorb(turn, run, transition);
        rejected.map_or(Ok(()), Err)
    }

    /// Takes a transition over: state and timeline into the turn, effects where they belong.
    pub(super) fn absorb(&mut self, turn: &mut Turn, run: &RunId, transition: Transition) {
        if transition.rejected.is_some() {
            return;
        }
        let Some(slot) = self.slots.get_mut(run) else { return };
        let (event, subject) = (slot.event, slot.subject.clone());
        if let Some(loaded) = slot.loaded.as_deref_mut() {
            loaded.state = transition.state.clone();
        }
        slot.joins = transition.state.phase == Phase::Joining;
        record(turn, run, event, subject, &transition);
        for effect in transition.effects {
            self.place(turn, run, effect);
        }
    }

    fn place(&mut self, turn: &mut Turn, run: &RunId, effect: Effect) {
        match effect {
            Effect::Admit { destination, within } => {
                if let Some(slot) = self.slots.get_mut(run) {
                    slot.wants = Some(destination);
                    slot.patience = within;
                }
                self.queue_at_gate(run);
            }
            Effect::Join { .. } => {
                if let Some(slot) = self.slots.get_mut(run) {
                    slot.joins = true;
                }
                self.asking.push(run.clone());
            }
            Effect::WakeAt(at) => drop(self.timers.insert((at, run.clone()))),
            Effect::Record(outcome) => {
                telemetry::settled(run, outcome.status, outcome.problem.as_ref());
                self.settle(run, outcome.status == RunStatus::Parked);
            }
            send @ (Effect::Send { .. } | Effect::Probe { .. }) => turn.effects.push((run.clone(), send)),
        }
    }

    /// Queues a run at the gate it wants, if it is the first of its subject.
    pub(super) fn queue_at_gate(&mut self, run: &RunId) {
        if !self.slots.is_first(run) {
            return;
        }
        let Some(destination) = self.slots.get(run).and_then(|slot| slot.wants.clone()) else { return };
        let now = self.shared.clock.now();
        self.gates.entry(destination.clone()).or_default().ask(run.clone());
        self.gate_wakes.insert((now, destination));
        if let Some(slot) = self.slots.get_mut(run) {
            slot.gives_up_at = slot.patience.map(|patience| now.after(patience));
            self.impatient.extend(slot.gives_up_at.map(|at| (at, run.clone())));
        }
    }

    /// The circuit stays open until `at`: runs at this gate that would not wait so long need not wait at all.
    fn give_up_before(&mut self, destination: &Name, at: Timestamp) {
        let is_hopeless = |(until, run): &&(Timestamp, RunId)| {
            let slot = self.slots.get(run).filter(|slot| slot.wants.as_ref() == Some(destination));
            *until <= at && slot.is_some_and(|slot| slot.gives_up_at == Some(*until))
        };
        let (now, hopeless) = (self.shared.clock.now(), self.impatient.iter().filter(is_hopeless));
        for (until, run) in hopeless.cloned().collect::<Vec<_>>() {
            if let Some(slot) = self.slots.get_mut(&run).filter(|_| until > now) {
                slot.gives_up_at = Some(now);
                self.impatient.remove(&(until, run.clone()));
                self.impatient.insert((now, run));
            }
        }
    }

    /// Tells runs that have waited for a place as long as they may that there was none.
    pub(super) async fn lose_patience(&mut self, turn: &mut Turn) {
        let now = self.shared.clock.now();
        while !self.read_failed && self.impatient.first().is_some_and(|(at, _)| *at <= now) {
            let Some((at, run)) = self.impatient.pop_first() else { return };
            let Some(slot) = self.slots.get_mut(&run) else { continue };
            if slot.gives_up_at == Some(at) && slot.wants.take().is_some() {
                self.feed(turn, &run, Input::NotAdmitted).await.ok();
            }
        }
    }

    pub(super) fn settle(&mut self, run: &RunId, keeps_episode: bool) {
        let next = self.slots.remove(run, keeps_episode);
        self.go_on(next);
    }

    /// Feeds `Tick` to every run whose time has come.
    pub(super) async fn fire_timers(&mut self, turn: &mut Turn) {
        let now = self.shared.clock.now();
        while !self.read_failed && self.timers.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, run)) = self.timers.pop_first() {
                self.feed(turn, &run, Input::Tick).await.ok();
            }
        }
    }

    /// Lets runs through the gates that have something to say, until nobody more may go.
    pub(super) async fn ask_gates(&mut self, turn: &mut Turn) {
        let now = self.shared.clock.now();
        while !self.read_failed && self.gate_wakes.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, destination)) = self.gate_wakes.pop_first() else { return };
            while let Some(run) = self.pass_gate(&destination) {
                let sends_before = turn.effects.len();
                self.feed(turn, &run, Input::Admitted).await.ok();
                if turn.effects.len() > sends_before {
                    self.in_flight.insert(run, destination.clone());
                } else if let Some(gate) = self.gates.get_mut(&destination) {
                    gate.gave_back();
                }
            }
        }
    }

    fn pass_gate(&mut self, destination: &Name) -> Option<RunId> {
        let (limits, now) = (self.limits(destination), self.shared.clock.now());
        let gate = self.gates.get_mut(destination)?;
        let wants = |run: &RunId| self.slots.get(run).is_some_and(|slot| slot.wants.as_ref() == Some(destination));
        match gate.next(&limits, now, wants) {
            Pass::Nobody => None,
            Pass::Until(at) => {
                self.gate_wakes.insert((at, destination.clone()));
                self.give_up_before(destination, at);
                None
            }
            Pass::Go(run) => {
                if let Some(slot) = self.slots.get_mut(&run) {
                    slot.wants = None;
                    slot.gives_up_at = None;
                }
                Some(run)
            }
        }
    }

    /// Adds a planned run: a new slot at the end of its subject.
    pub(super) fn add_run(
        &mut self,
        turn: &mut Turn,
        event: Offset,
        subject: &str,
        loaded: Loaded,
        planned: Transition,
    ) {
        let run = planned.state.id.clone();
        let episode = episode_of(&planned.state);
        let place = Place { event, subject: subject.to_owned(), episode };
        if self.slots.insert(run.clone(), place, Some(Box::new(loaded))) {
            self.absorb(turn, &run, planned);
        }
    }
}

/// The episode that a run belongs to.
pub(crate) fn episode_of(state: &RunState) -> Option<EpisodeKey> {
    Some(EpisodeKey { action: state.action.clone(), key: state.episode_key()?.to_owned() })
}

/// Notes a run's new state in the turn; several transitions in one turn become one change.
fn record(turn: &mut Turn, run: &RunId, event: Offset, subject: String, transition: &Transition) {
    let new_lines = u32::try_from(transition.timeline.len()).unwrap_or(u32::MAX);
    let moved = turn.moved.entry(run.clone()).or_insert_with(|| Moved {
        event,
        subject,
        timeline: Vec::new(),
        lines_before: transition.state.lines.saturating_sub(new_lines),
        state: transition.state.clone(),
        episode: None,
    });
    moved.state.clone_from(&transition.state);
    if transition.episode.is_some() {
        moved.episode.clone_from(&transition.episode);
    }
    moved.timeline.extend(transition.timeline.iter().cloned());
}

fn reply_after_commit(turn: &mut Turn, done: Result<(), HandleError>, reply: Reply) {
    match done {
        Ok(()) => turn.replies.push(reply),
        Err(error) => drop(reply.send(Err(error))),
    }
}
