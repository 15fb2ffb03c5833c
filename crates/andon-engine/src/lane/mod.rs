//! The lane: the one task that owns every unsettled run.
//!
//! **Life of a turn.** [`Lane::wait`] gathers what came in; `drive` feeds it to the runs; `decide` takes
//! new events; `drive` asks the gates; [`Lane::commit`] makes it all durable; `perform` starts the
//! requests. A commit whose fate is unknown is repeated unchanged until the journal takes it: every part
//! of it is written so that a repetition changes nothing.

mod decide;
mod drive;
mod episode;
mod load;
mod perform;
mod release;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use andon_act::{Answer, Found};
use andon_journal::{Commit, EpisodeKey, JournalError, Lease, RunPlace};
use andon_model::{Name, Offset, Problem, Release, RunId, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::HandleError;
use crate::catalog::Catalog;
use crate::engine::Shared;
use crate::episodes::Asking;
use crate::gate::Gate;
use crate::slots::Slots;
use crate::telemetry;
use crate::turn::Turn;

/// What the lane is told.
pub(crate) enum Message {
    /// What came of a request.
    Answered { run: RunId, answer: Answer },
    /// What a search found.
    Probed { run: RunId, found: Found },
    /// A person wants to move a run.
    Release { run: RunId, release: Release, by: String, reply: Reply },
    /// A person wants the next event of an episode to open another.
    CloseEpisode { id: EpisodeKey, by: String, reply: Reply },
    /// A person wants an event decided again.
    DecideAgain { event: Offset, reply: Reply },
    /// A new configuration is in force: gates look at their limits again.
    Reconfigured,
}

/// Answered after the commit.
pub(crate) type Reply = oneshot::Sender<Result<(), HandleError>>;

/// What the lane tells about itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneStatus {
    pub(crate) running: bool,
    pub(crate) problem: Option<Problem>,
    /// Why the last look into the journal failed.
    pub(crate) read_problem: Option<Problem>,
    pub(crate) pending_runs: usize,
    pub(crate) in_flight: usize,
    pub(crate) open_circuits: Vec<Name>,
}

/// Messages taken in one turn.
const MESSAGES_PER_TURN: usize = 1_024;
/// Pending runs whose place is read in one turn after a start.
const LEARNED_PER_TURN: usize = 4_096;
/// Runs resumed in one turn after a start.
const RESUMED_PER_TURN: usize = 256;
/// Wait after the journal could not be read.
const READ_AGAIN: Duration = Duration::from_millis(200);
/// Longest sleep: then the lane looks for events even if nobody woke it, and the clock may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

pub(crate) struct Lane {
    shared: Arc<Shared>,
    lease: Lease,
    inbox: mpsc::Receiver<Message>,
    slots: Slots,
    /// Pending runs that the lane has not learned of since its start.
    unlearned: Option<Unlearned>,
    /// Pending runs found at start, in order, that are still to be resumed.
    resuming: VecDeque<RunId>,
    /// Runs to be told how they stand in their episode.
    asking: Asking,
    gates: BTreeMap<Name, Gate>,
    /// When gates with an open circuit are to be asked again.
    gate_wakes: BTreeSet<(Timestamp, Name)>,
    timers: BTreeSet<(Timestamp, RunId)>,
    /// When runs at a gate stop waiting there.
    impatient: BTreeSet<(Timestamp, RunId)>,
    /// Runs with a request or search under way, and where.
    in_flight: HashMap<RunId, Name>,
    catalogs: BTreeMap<i64, Arc<Catalog>>,
    decided_up_to: Offset,
    /// Whether the last look found more events than one turn decides.
    more_events: bool,
    /// Whether reading failed in the last turn: the next one waits a little.
    read_failed: bool,
    requests: JoinSet<()>,
}

/// The rest of the runs that were pending at start.
struct Unlearned {
    /// The place of the last holder of an episode that is known; `None` when all are. They come first.
    holders_after: Option<RunPlace>,
    /// The place of the last one that is known.
    after: RunPlace,
    /// How many are left.
    left: usize,
}

/// What a wait ended with.
enum Woken {
    Work(Vec<Message>),
    Stop,
}

impl Lane {
    /// Works until it is stopped or loses the journal.
    pub(crate) async fn run(mut self) -> Result<(), JournalError> {
        self.shared.lane_status.lock().running = true;
        let ended = self.work().await;
        if let Err(error) = &ended {
            telemetry::journal_lost(error);
        }
        let mut status = self.shared.lane_status.lock();
        status.running = false;
        status.problem = ended.as_ref().err().map(Problem::from);
        drop(status);
        self.requests.abort_all();
        ended
    }

    async fn work(&mut self) -> Result<(), JournalError> {
        self.more_events = true;
        loop {
            match self.wait().await {
                Woken::Work(messages) => self.turn(messages, true).await?,
                Woken::Stop => return self.drain().await,
            }
        }
    }

    /// Takes no new work; waits for the requests under way and stores their answers.
    async fn drain(&mut self) -> Result<(), JournalError> {
        let deadline = tokio::time::Instant::now() + self.shared.settings.drain;
        while !self.requests.is_empty() {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(deadline) => break,
                message = self.inbox.recv() => {
                    let messages = self.gather(message);
                    self.turn(messages, false).await?;
                }
            }
        }
        Ok(())
    }

    /// One turn. With `take_work` false nothing new is decided, resumed or sent.
    async fn turn(&mut self, messages: Vec<Message>, take_work: bool) -> Result<(), JournalError> {
        let begun = tokio::time::Instant::now();
        let mut turn = Turn::default();
        if take_work {
            self.tell_of_episodes(&mut turn).await;
        }
        for message in messages {
            self.take(&mut turn, message).await;
        }
        if take_work {
            self.learn_some().await;
            self.resume_some(&mut turn).await;
            self.fire_timers(&mut turn).await;
            self.lose_patience(&mut turn).await;
            self.decide_events(&mut turn).await;
            self.ask_gates(&mut turn).await;
        }
        if !turn.is_empty() {
            telemetry::turn_computed(begun.elapsed().as_secs_f64());
        }
        self.commit(&mut turn).await?;
        self.perform(turn);
        Ok(())
    }

    /// Makes the turn durable; repeats until the journal takes it or is lost.
    async fn commit(&mut self, turn: &mut Turn) -> Result<(), JournalError> {
        if turn.is_empty() {
            return Ok(());
        }
        let begun = tokio::time::Instant::now();
        let up_to = turn.decided_up_to;
        let commit = turn.commit(self.shared.clock.now());
        let (runs, decided) = (commit.runs.len(), commit.decided.len());
        self.commit_until_taken(commit).await?;
        self.tell_status();
        if let Some(offset) = up_to {
            self.shared.decided_up_to.store(offset.0, Ordering::Release);
        }
        telemetry::turn_committed(runs, decided, begun.elapsed().as_secs_f64());
        Ok(())
    }

    async fn commit_until_taken(&self, commit: Commit) -> Result<(), JournalError> {
        const LONGEST: Duration = Duration::from_secs(5);
        let mut wait = Duration::from_millis(50);
        for attempt in 1.. {
            match self.shared.journal.commit(self.lease, commit.clone()).await {
                Ok(()) => break,
                Err(error @ JournalError::Storage { .. }) if !self.shared.stop.is_cancelled() => {
                    telemetry::commit_failed(&error, attempt);
                    self.shared.lane_status.lock().problem = Some(Problem::from(&error));
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST);
        }
        let mut status = self.shared.lane_status.lock();
        status.problem = None;
        Ok(())
    }

    /// Waits for something to do, and takes it.
    async fn wait(&mut self) -> Woken {
        if std::mem::take(&mut self.read_failed) {
            let stopped = self.shared.stop.cancelled();
            if tokio::time::timeout(READ_AGAIN, stopped).await.is_ok() {
                return Woken::Stop;
            }
        }
        let ready = self.has_work_at_hand();
        let sleep = self.until_next_wake();
        let first = tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => return Woken::Stop,
            message = self.inbox.recv() => message,
            () = std::future::ready(()), if ready => None,
            () = self.shared.new_events.notified() => { self.more_events = true; None }
            () = tokio::time::sleep(sleep) => { self.more_events = true; None }
        };
        Woken::Work(self.gather(first))
    }

    fn has_work_at_hand(&self) -> bool {
        self.may_learn()
            || !self.resuming.is_empty()
            || !self.asking.is_empty()
            || (self.more_events && self.may_decide())
    }

    /// Not before every pending run is known: a younger event must not overtake an older one of its subject.
    fn may_decide(&self) -> bool {
        self.unlearned.is_none() && self.has_room()
    }

    fn may_learn(&self) -> bool {
        self.unlearned.is_some() && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.slots.len() < self.shared.settings.max_pending_runs
    }

    fn until_next_wake(&self) -> Duration {
        let next_timer = self.timers.first().into_iter().chain(self.impatient.first()).map(|(at, _)| *at);
        let next_gate = self.gate_wakes.first().map(|(at, _)| *at);
        let next = next_timer.chain(next_gate).min();
        next.map_or(LONGEST_SLEEP, |at| at.since(self.shared.clock.now()).min(LONGEST_SLEEP))
    }

    /// The first message and whatever else is there already.
    fn gather(&mut self, first: Option<Message>) -> Vec<Message> {
        let mut messages: Vec<Message> = first.into_iter().collect();
        while messages.len() < MESSAGES_PER_TURN {
            match self.inbox.try_recv() {
                Ok(message) => messages.push(message),
                Err(_) => break,
            }
        }
        while self.requests.try_join_next().is_some() {}
        messages
    }
}
