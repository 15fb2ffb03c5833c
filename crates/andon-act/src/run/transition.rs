//! `step`: one input, one new state, and what is to be done about it.

use std::time::Duration;

use andon_model::{Code, DocumentRef, Outcome, Problem, RunStatus, TimelineEntry, TimelineKind, Timestamp};
use serde_json::{Value, json};

use super::detail::sending_detail;
use super::kept::{has_result, kept, text_at};
use super::local::{self, Concluded};
use super::render::render_request;
use super::summary::{self, Text};
use super::{Effect, Input, OpenEpisode, Phase, Route, RunContext, RunState, StepResult, Transition};
use crate::definition::{SummaryTemplates, WhenEmpty, Work};
use crate::key::jitter;
use crate::{Answer, Response, Step, run_id};

/// A new run for an event that was decided to need `action`.
pub fn plan(ctx: RunContext<'_>, revision: i64, decision: Value, lookups: Value, now: Timestamp) -> Transition {
    let id = run_id(&ctx.event.key(), &ctx.action.name);
    let state = RunState::new(id, ctx.event, &ctx.action.name, revision, decision, lookups);
    let mut moving = Moving::new(ctx, state, now);
    moving.note(TimelineKind::Planned, json!({ "action": ctx.action.name, "revision": revision }));
    moving.begin_run();
    moving.finish()
}

/// A run as it was found in the journal at start: what was under way is of unknown fate.
pub fn resume(ctx: RunContext<'_>, state: RunState, now: Timestamp) -> Transition {
    let mut moving = Moving::new(ctx, state, now);
    match moving.state.phase.clone() {
        Phase::Sending { .. } => {
            let problem = Problem::new(Code::Lost, "the program ended while the request was on its way");
            moving.unanswered(problem);
        }
        Phase::Probing => moving.enter(Phase::ProbeDue),
        Phase::Ready => moving.begin(),
        phase => moving.enter(phase),
    }
    moving.finish()
}

/// Moves a run by one input.
pub fn step(ctx: RunContext<'_>, state: RunState, input: Input, now: Timestamp) -> Transition {
    let mut moving = Moving::new(ctx, state, now);
    match (moving.state.phase.clone(), input) {
        (Phase::Joining, Input::Episode(found)) => moving.join(found),
        (Phase::Joining, Input::Behind(run)) => moving.behind(run),
        (Phase::Ready, Input::Admitted) => moving.send(),
        (Phase::Ready, Input::NotAdmitted) => moving.not_admitted(),
        (Phase::ProbeDue, Input::Admitted) => moving.probe(),
        (Phase::Sending { since }, Input::Answered(answer)) => moving.answered(answer, since),
        (Phase::Probing, Input::Probed(found)) => moving.probed(found),
        (Phase::Waiting { until, .. }, Input::Tick) if now < until => moving.effects.push(Effect::WakeAt(until)),
        (Phase::Waiting { probe: true, .. }, Input::Tick) => moving.enter(Phase::ProbeDue),
        (Phase::Waiting { probe: false, .. }, Input::Tick) => moving.begin(),
        (phase, Input::Released { release, by }) => moving.released(&phase, &release, &by),
        _ => moving.rejected = Some("the run does not wait for this"),
    }
    moving.finish()
}

/// A transition in the making.
pub(super) struct Moving<'a> {
    pub(super) ctx: RunContext<'a>,
    pub(super) state: RunState,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    timeline: Vec<TimelineEntry>,
    pub(super) episode: Option<OpenEpisode>,
    pub(super) rejected: Option<&'static str>,
}

impl<'a> Moving<'a> {
    fn new(ctx: RunContext<'a>, state: RunState, now: Timestamp) -> Self {
        Self { ctx, state, now, effects: Vec::new(), timeline: Vec::new(), episode: None, rejected: None }
    }

    fn finish(self) -> Transition {
        let Self { state, effects, timeline, episode, rejected, .. } = self;
        Transition { state, effects, timeline, episode, rejected }
    }

    pub(super) fn current(&self) -> Option<&'a Step> {
        self.state.current(self.ctx.action)
    }

    /// Adds a line to the timeline, under the current step.
    pub(super) fn note(&mut self, kind: TimelineKind, detail: Value) {
        let step = self.current().map(|s| s.name().to_string()).unwrap_or_default();
        self.state.lines += 1;
        self.timeline.push(TimelineEntry { at: self.now, kind, step, attempt: self.state.attempt, detail });
    }

    /// Enters a phase and asks for what it needs.
    pub(super) fn enter(&mut self, phase: Phase) {
        let destination = self.current().and_then(Step::destination).cloned();
        match (&phase, destination) {
            (Phase::Ready | Phase::ProbeDue, Some(destination)) => {
                let within = self.summary().map(|(step, _)| step.timeout);
                self.effects.push(Effect::Admit { destination, within });
            }
            (Phase::Joining, _) => self.ask_for_episode(),
            (Phase::Waiting { until, .. }, _) => self.effects.push(Effect::WakeAt(*until)),
            _ => {}
        }
        self.state.phase = phase;
    }

    /// Begins the current step, or ends the route when there is none left.
    pub(super) fn enter_step(&mut self) {
        self.state.in_doubt = false;
        self.state.attempt = 0;
        self.state.probes = 0;
        self.state.request = None;
        self.state.problem = None;
        self.begin();
    }

    /// Does what the current step needs first: what needs no destination is done on the spot.
    pub(super) fn begin(&mut self) {
        let Some(step) = self.current() else { return self.route_ended() };
        if let Some(concluded) = local::conclude(self.ctx, &self.state, step) {
            return self.concluded(concluded);
        }
        match self.summary() {
            Some((_, summary)) if summary.call.is_none() => self.fall_back("no destination"),
            _ => self.enter(Phase::Ready),
        }
    }

    /// A local step has its answer, or there is none.
    fn concluded(&mut self, concluded: Result<Concluded, Problem>) {
        match concluded {
            Ok(Concluded { body, shown }) => {
                self.note(TimelineKind::Answered, shown);
                self.push_result(body, None);
            }
            Err(problem) => self.settle(RunStatus::Refused, Some(problem)),
        }
    }

    /// The current step as a summary, if it is one.
    pub(super) fn summary(&self) -> Option<(&'a Step, &'a SummaryTemplates)> {
        let step = self.current()?;
        match &step.work {
            Work::Summary(summary) => Some((step, summary)),
            _ => None,
        }
    }

    /// The summary is the step's own text: the run goes on at once.
    pub(super) fn fall_back(&mut self, why: &'static str) {
        self.summarised(&Text::Template(why));
    }

    fn summarised(&mut self, text: &Text) {
        let Some((step, summary)) = self.summary() else { return };
        let body = summary::result(self.ctx, &self.state, step, summary, text);
        self.note(TimelineKind::Answered, json!({ "summary": body }));
        self.push_result(body, None);
    }

    /// Only a summary waits for its place with a limit.
    fn not_admitted(&mut self) {
        if self.summary().is_some() {
            return self.fall_back("not admitted");
        }
        self.rejected = Some("the run waits for its place as long as it takes");
    }

    pub(super) fn settle(&mut self, status: RunStatus, problem: Option<Problem>) {
        self.settle_episode(status);
        self.note(TimelineKind::Settled, json!({ "status": status, "problem": problem }));
        self.state.problem.clone_from(&problem);
        self.state.phase = Phase::Settled { status };
        let documents = self.state.documents.clone();
        self.effects.push(Effect::Record(Outcome { status, at: self.now, documents, problem }));
    }

    pub(super) fn wait(&mut self, wait: Duration, probe: bool, problem: Problem) {
        let until = self.now.after(wait);
        self.note(TimelineKind::Waiting, json!({ "until": until, "then": if probe { "probe" } else { "send" } }));
        self.state.problem = Some(problem);
        self.enter(Phase::Waiting { until, probe });
    }

    /// `Ready`, admitted: renders the request the first time, and sends it.
    fn send(&mut self) {
        let Some((step, destination)) = self.current().and_then(|step| Some((step, step.destination()?))) else {
            return self.begin();
        };
        let request = match self.state.request.clone() {
            Some(request) => Ok(request),
            None => render_request(self.ctx, &self.state, step, self.now),
        };
        match request {
            Ok(request) => {
                self.state.attempt += 1;
                self.note(TimelineKind::Sending, sending_detail(&request, self.state.attempt));
                self.state.request = Some(request.clone());
                self.state.phase = Phase::Sending { since: self.now };
                self.effects.push(Effect::Send { destination: destination.clone(), request });
            }
            Err(_) if self.summary().is_some() => self.fall_back("prompt"),
            Err(problem) => self.settle(RunStatus::Refused, Some(problem)),
        }
    }

    fn answered(&mut self, answer: Answer, since: Timestamp) {
        let millis = u64::try_from(self.now.since(since).as_millis()).unwrap_or(u64::MAX);
        match answer {
            Answer::Done(response) => {
                let detail = json!({ "status": response.status, "ms": millis, "warnings": response.warnings });
                self.note(TimelineKind::Answered, detail);
                self.done(response);
            }
            Answer::Refused { problem, status } => {
                self.note(TimelineKind::Refused, json!({ "status": status, "ms": millis, "problem": problem }));
                self.refused(problem, status);
            }
            Answer::Busy { problem, after } => {
                self.note(TimelineKind::Busy, json!({ "ms": millis, "problem": problem }));
                self.busy(problem, after);
            }
            Answer::Lost(problem) => self.unanswered(problem),
        }
    }

    /// Definitely done: what the answer is worth depends on the kind of the step.
    fn done(&mut self, response: Response) {
        let Some(step) = self.current() else { return };
        match &step.work {
            Work::Summary(summary) => match summary::read(summary, &response.body) {
                Ok(text) => self.summarised(&Text::Model(text)),
                Err(why) => self.fall_back(why),
            },
            Work::Rules { empty, .. } => match (has_result(&response.body), empty) {
                (Ok(true), _) | (Ok(false), WhenEmpty::Continue) => self.complete(response, false),
                (Ok(false), WhenEmpty::Refuse) => {
                    self.nothing("the rule service determined no action for this event");
                }
                (Err(what), _) => self.nothing(what),
            },
            _ => self.complete(response, false),
        }
    }

    /// A defined end: the question was answered, and the answer is nothing.
    fn nothing(&mut self, what: &str) {
        self.state.in_doubt = false;
        self.settle(RunStatus::Refused, Some(Problem::new(Code::NothingDetermined, what)));
    }

    /// Refused; a document that is asked for and is not there is closed.
    fn refused(&mut self, problem: Problem, status: u16) {
        match (self.state.route(), status) {
            (Some(Route::Check), 404 | 410) => self.closed(&json!({ "status": status })),
            _ => self.stop(problem),
        }
    }

    /// The last attempt came to nothing: refused, or parked when an earlier attempt is still in doubt.
    fn stop(&mut self, problem: Problem) {
        if self.summary().is_some() {
            return self.fall_back("refused");
        }
        let status = if self.state.in_doubt { RunStatus::Parked } else { RunStatus::Refused };
        self.settle(status, Some(problem));
    }

    /// Definitely not processed: again later, unless the attempts are used up.
    fn busy(&mut self, problem: Problem, after: Option<Duration>) {
        let Some(step) = self.current() else { return };
        if self.summary().is_some() {
            return self.fall_back("busy");
        }
        if self.state.attempt >= step.retry.attempts {
            return self.stop(Problem::new(Code::RetriesExhausted, problem.to_string()));
        }
        let wait = self.backoff(step, self.state.attempt).max(after.unwrap_or_default());
        self.wait(wait, false, problem);
    }

    /// The current step is done: keeps its answer and begins the next one.
    pub(super) fn complete(&mut self, response: Response, found_by_probe: bool) {
        let Some(step) = self.current() else { return };
        if self.state.route() == Some(Route::Check) {
            match Self::says_open(step, &response.body) {
                Ok((true, _)) => {}
                Ok((false, why)) => return self.closed(&why),
                Err(problem) => return self.settle(RunStatus::Refused, Some(problem)),
            }
        }
        let number = step.definition.document.as_deref().and_then(|path| text_at(&response.body, path));
        let name = step.name().to_string();
        self.push_result(response.body, number.map(|number| DocumentRef { step: name, number, found_by_probe }));
    }

    pub(super) fn push_result(&mut self, body: Value, document: Option<DocumentRef>) {
        let Some(step) = self.current() else { return };
        let (name, stage) = (step.name().clone(), step.definition.stage);
        self.state.results.push(StepResult { step: name, stage, body: kept(body) });
        self.state.documents.extend(document);
        self.state.step += 1;
        self.enter_step();
    }

    pub(super) fn backoff(&self, step: &Step, attempt: u32) -> Duration {
        step.retry.wait(attempt, jitter(&self.state.key(step), attempt))
    }
}
