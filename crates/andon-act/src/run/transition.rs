//! `step`: one input, one new state, and what is to be done about it.

use std::time::Duration;

use andon_model::{
    Code, DocumentRef, Name, Outcome, Problem, Release, RunStatus, TimelineEntry, TimelineKind, Timestamp, is_too_deep,
};
use serde_json::{Value, json};

use super::render::render_request;
use super::{Phase, RunContext, RunState, StepResult};
use crate::key::jitter;
use crate::{Answer, Found, Guard, Match, ProbeQuery, Request, Response, Step, run_id};

/// Longest answer that is kept for later templates, as JSON text.
const MAX_KEPT_ANSWER_BYTES: usize = 256 * 1024;

/// Longest body that the timeline shows, in characters.
const MAX_SHOWN_BODY_CHARS: usize = 4_096;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The destination has a free place: go on.
    Admitted,
    /// What came of the request.
    Answered(Answer),
    /// What the search found.
    Probed(Found),
    /// The time the run waited for has come.
    Tick,
    /// A person stepped in.
    Released {
        /// What they want.
        release: Release,
        /// Who.
        by: String,
    },
}

/// What is to be done, after the new state is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask this destination for a free place; the answer is [`Input::Admitted`].
    Admit {
        /// Its name.
        destination: Name,
    },
    /// Send the request; the answer is [`Input::Answered`].
    Send {
        /// Where to.
        destination: Name,
        /// What.
        request: Request,
    },
    /// Search; the answer is [`Input::Probed`].
    Probe {
        /// Where.
        destination: Name,
        /// What for.
        query: ProbeQuery,
    },
    /// Feed [`Input::Tick`] at this time.
    WakeAt(Timestamp),
    /// The run is settled.
    Record(Outcome),
}

/// The result of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The new state.
    pub state: RunState,
    /// What is to be done, in order; at most one of them.
    pub effects: Vec<Effect>,
    /// Lines for the timeline.
    pub timeline: Vec<TimelineEntry>,
    /// Why the input does not apply in this state; the state is then unchanged.
    pub rejected: Option<&'static str>,
}

/// A new run for an event that was decided to need `action`.
pub fn plan(ctx: RunContext<'_>, revision: i64, decision: Value, lookups: Value, now: Timestamp) -> Transition {
    let id = run_id(&ctx.event.key(), &ctx.action.name);
    let state = RunState::new(id, ctx.event, &ctx.action.name, revision, decision, lookups);
    let mut moving = Moving::new(ctx, state, now);
    moving.note(TimelineKind::Planned, json!({ "action": ctx.action.name, "revision": revision }));
    moving.enter_step();
    moving.finish()
}

/// A run as it was found in the journal at start: what was under way is of unknown fate.
pub fn resume(ctx: RunContext<'_>, state: RunState, now: Timestamp) -> Transition {
    let mut moving = Moving::new(ctx, state, now);
    match moving.state.phase.clone() {
        Phase::Sending { .. } => {
            let problem = Problem::new(Code::Lost, "the program ended while the request was on its way");
            moving.lost(problem);
        }
        Phase::Probing => moving.enter(Phase::ProbeDue),
        phase => moving.enter(phase),
    }
    moving.finish()
}

/// Moves a run by one input.
pub fn step(ctx: RunContext<'_>, state: RunState, input: Input, now: Timestamp) -> Transition {
    let mut moving = Moving::new(ctx, state, now);
    match (moving.state.phase.clone(), input) {
        (Phase::Ready, Input::Admitted) => moving.send(),
        (Phase::ProbeDue, Input::Admitted) => moving.probe(),
        (Phase::Sending { since }, Input::Answered(answer)) => moving.answered(answer, since),
        (Phase::Probing, Input::Probed(found)) => moving.probed(found),
        (Phase::Waiting { until, .. }, Input::Tick) if now < until => moving.effects.push(Effect::WakeAt(until)),
        (Phase::Waiting { probe, .. }, Input::Tick) => moving.enter(if probe { Phase::ProbeDue } else { Phase::Ready }),
        (phase, Input::Released { release, by }) => moving.released(&phase, &release, &by),
        _ => moving.rejected = Some("the run does not wait for this"),
    }
    moving.finish()
}

/// A transition in the making.
struct Moving<'a> {
    ctx: RunContext<'a>,
    state: RunState,
    now: Timestamp,
    effects: Vec<Effect>,
    timeline: Vec<TimelineEntry>,
    rejected: Option<&'static str>,
}

impl<'a> Moving<'a> {
    fn new(ctx: RunContext<'a>, state: RunState, now: Timestamp) -> Self {
        Self { ctx, state, now, effects: Vec::new(), timeline: Vec::new(), rejected: None }
    }

    fn finish(self) -> Transition {
        Transition { state: self.state, effects: self.effects, timeline: self.timeline, rejected: self.rejected }
    }

    fn current(&self) -> Option<&'a Step> {
        self.state.current(self.ctx.action)
    }

    /// Adds a line to the timeline, under the current step.
    fn note(&mut self, kind: TimelineKind, detail: Value) {
        let step = self.current().map(|s| s.definition.name.to_string()).unwrap_or_default();
        self.state.lines += 1;
        self.timeline.push(TimelineEntry { at: self.now, kind, step, attempt: self.state.attempt, detail });
    }

    /// Enters a phase and asks for what it needs.
    fn enter(&mut self, phase: Phase) {
        let destination = self.current().map(|s| s.definition.destination.clone());
        match (&phase, destination) {
            (Phase::Ready | Phase::ProbeDue, Some(destination)) => self.effects.push(Effect::Admit { destination }),
            (Phase::Waiting { until, .. }, _) => self.effects.push(Effect::WakeAt(*until)),
            _ => {}
        }
        self.state.phase = phase;
    }

    /// Begins the current step, or settles when there is none left.
    fn enter_step(&mut self) {
        self.state.in_doubt = false;
        self.state.attempt = 0;
        self.state.probes = 0;
        self.state.request = None;
        self.state.problem = None;
        if self.current().is_some() { self.enter(Phase::Ready) } else { self.settle(RunStatus::Done, None) }
    }

    fn settle(&mut self, status: RunStatus, problem: Option<Problem>) {
        self.note(TimelineKind::Settled, json!({ "status": status, "problem": problem }));
        self.state.problem.clone_from(&problem);
        self.state.phase = Phase::Settled { status };
        let documents = self.state.documents.clone();
        self.effects.push(Effect::Record(Outcome { status, at: self.now, documents, problem }));
    }

    fn wait(&mut self, wait: Duration, probe: bool, problem: Problem) {
        let until = self.now.after(wait);
        self.note(TimelineKind::Waiting, json!({ "until": until, "then": if probe { "probe" } else { "send" } }));
        self.state.problem = Some(problem);
        self.enter(Phase::Waiting { until, probe });
    }

    /// `Ready`, admitted: renders the request the first time, and sends it.
    fn send(&mut self) {
        let Some(step) = self.current() else { return self.settle(RunStatus::Done, None) };
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
                self.effects.push(Effect::Send { destination: step.definition.destination.clone(), request });
            }
            Err(problem) => self.settle(RunStatus::Refused, Some(problem)),
        }
    }

    /// `ProbeDue`, admitted: searches for the key.
    fn probe(&mut self) {
        let Some(step) = self.current() else { return self.settle(RunStatus::Done, None) };
        let Some(query) = probe_query(&self.state, step) else {
            let problem = Problem::new(Code::Lost, "the step no longer says how to search for its document");
            return self.settle(RunStatus::Parked, Some(problem));
        };
        self.note(TimelineKind::Probing, json!({ "path": query.path, "field": query.field, "key": query.key }));
        self.state.phase = Phase::Probing;
        self.effects.push(Effect::Probe { destination: step.definition.destination.clone(), query });
    }

    fn answered(&mut self, answer: Answer, since: Timestamp) {
        let millis = u64::try_from(self.now.since(since).as_millis()).unwrap_or(u64::MAX);
        match answer {
            Answer::Done(response) => {
                let detail = json!({ "status": response.status, "ms": millis, "warnings": response.warnings });
                self.note(TimelineKind::Answered, detail);
                self.complete(response, false);
            }
            Answer::Refused { problem, status } => {
                self.note(TimelineKind::Refused, json!({ "status": status, "ms": millis, "problem": problem }));
                self.stop(problem);
            }
            Answer::Busy { problem, after } => {
                self.note(TimelineKind::Busy, json!({ "ms": millis, "problem": problem }));
                self.busy(problem, after);
            }
            Answer::Lost(problem) => self.lost(problem),
        }
    }

    /// The last attempt came to nothing: refused, or parked when an earlier attempt is still in doubt.
    fn stop(&mut self, problem: Problem) {
        let status = if self.state.in_doubt { RunStatus::Parked } else { RunStatus::Refused };
        self.settle(status, Some(problem));
    }

    /// Definitely not processed: again later, unless the attempts are used up.
    fn busy(&mut self, problem: Problem, after: Option<Duration>) {
        let Some(step) = self.current() else { return };
        if self.state.attempt >= step.definition.retry.attempts {
            return self.stop(Problem::new(Code::RetriesExhausted, problem.to_string()));
        }
        let wait = self.backoff(step, self.state.attempt).max(after.unwrap_or_default());
        self.wait(wait, false, problem);
    }

    /// Of unknown fate: by the guard.
    fn lost(&mut self, problem: Problem) {
        let Some(step) = self.current() else { return };
        self.state.in_doubt = true;
        let repeatable = matches!(step.guard, Guard::Natural | Guard::Repeatable);
        self.note(TimelineKind::Lost, json!({ "problem": problem, "repeatable": repeatable }));
        match &step.guard {
            Guard::Natural | Guard::Repeatable if self.state.attempt >= step.definition.retry.attempts => {
                let problem = Problem::new(Code::RetriesExhausted, problem.to_string());
                self.settle(RunStatus::Parked, Some(problem));
            }
            Guard::Natural | Guard::Repeatable => self.wait(self.backoff(step, self.state.attempt), false, problem),
            Guard::Probe { settle, .. } => self.wait(*settle, true, problem),
            Guard::Park => self.settle(RunStatus::Parked, Some(problem)),
        }
    }

    fn probed(&mut self, found: Found) {
        match found {
            Found::One(response) => {
                self.note(TimelineKind::Probed, json!({ "found": 1, "status": response.status }));
                self.complete(response, true);
            }
            Found::Absent => {
                self.note(TimelineKind::Probed, json!({ "found": 0 }));
                self.absent();
            }
            Found::Several(count) => {
                self.note(TimelineKind::Probed, json!({ "found": count }));
                let detail = format!("{count} documents carry the key; delete none before you know which one is used");
                self.settle(RunStatus::Parked, Some(Problem::new(Code::DuplicateFound, detail)));
            }
            Found::Unknown(problem) => {
                self.note(TimelineKind::Probed, json!({ "problem": problem }));
                self.probe_again(problem);
            }
        }
    }

    /// The lost request left nothing behind: the same bytes may be sent again.
    fn absent(&mut self) {
        self.state.probes = 0;
        self.state.in_doubt = false;
        let Some(step) = self.current() else { return };
        if self.state.attempt >= step.definition.retry.attempts {
            let detail = "every attempt was lost and left no document behind";
            return self.settle(RunStatus::Refused, Some(Problem::new(Code::RetriesExhausted, detail)));
        }
        self.enter(Phase::Ready);
    }

    fn probe_again(&mut self, problem: Problem) {
        let Some(step) = self.current() else { return };
        self.state.probes += 1;
        if self.state.probes >= step.definition.retry.attempts {
            let problem = Problem::new(Code::RetriesExhausted, problem.to_string());
            return self.settle(RunStatus::Parked, Some(problem));
        }
        self.wait(self.backoff(step, self.state.probes), true, problem);
    }

    /// The current step is done: keeps its answer and begins the next one.
    fn complete(&mut self, response: Response, found_by_probe: bool) {
        let Some(step) = self.current() else { return };
        let number = step.definition.document.as_deref().and_then(|path| text_at(&response.body, path));
        let name = step.definition.name.clone();
        let document = number.map(|number| DocumentRef { step: name.to_string(), number, found_by_probe });
        let body = if is_small(&response.body) { response.body } else { Value::Null };
        self.push_result(step, body, document);
    }

    fn push_result(&mut self, step: &Step, body: Value, document: Option<DocumentRef>) {
        let definition = &step.definition;
        self.state.results.push(StepResult { step: definition.name.clone(), stage: definition.stage, body });
        self.state.documents.extend(document);
        self.state.step += 1;
        self.enter_step();
    }

    fn released(&mut self, phase: &Phase, release: &Release, by: &str) {
        match (phase, release) {
            (Phase::Sending { .. } | Phase::Probing, _) => {
                self.rejected = Some("a request is on its way; wait for its answer");
                return;
            }
            (Phase::Settled { status: RunStatus::Done | RunStatus::Cancelled }, _) => {
                self.rejected = Some("the run has ended");
                return;
            }
            _ => {}
        }
        match release {
            Release::Cancel => {
                self.note_release(release, by);
                self.settle(RunStatus::Cancelled, None);
            }
            Release::Resolve { document } => {
                self.note_release(release, by);
                self.resolve(document.clone());
            }
            Release::Retry { confirmed_absent } => self.retry(phase, *confirmed_absent, by),
        }
    }

    fn note_release(&mut self, release: &Release, by: &str) {
        self.note(TimelineKind::Released, json!({ "by": by, "release": release }));
    }

    fn resolve(&mut self, number: Option<String>) {
        let Some(step) = self.current() else { return };
        let name = step.definition.name.to_string();
        let path = step.definition.document.as_deref().unwrap_or_default();
        let body = number.as_deref().map_or(Value::Null, |number| body_with(path, number));
        let document = number.map(|number| DocumentRef { step: name, number, found_by_probe: false });
        self.push_result(step, body, document);
    }

    /// Tries the stopped step again, on the safe side: what may exist is searched for first.
    fn retry(&mut self, phase: &Phase, confirmed_absent: bool, by: &str) {
        let Some(step) = self.current() else { return };
        let in_doubt = self.state.in_doubt || matches!(phase, Phase::Settled { status: RunStatus::Parked });
        let next = match (&step.guard, in_doubt && !confirmed_absent) {
            (Guard::Park, true) => {
                self.rejected =
                    Some("look in the destination first: retry with confirmed_absent, or resolve with the document");
                return;
            }
            (Guard::Probe { .. }, true) => Phase::ProbeDue,
            _ => Phase::Ready,
        };
        self.note_release(&Release::Retry { confirmed_absent }, by);
        if !in_doubt {
            self.state.request = None;
        }
        self.state.in_doubt &= !confirmed_absent;
        self.state.attempt = 0;
        self.state.probes = 0;
        self.state.problem = None;
        self.enter(next);
    }

    fn backoff(&self, step: &Step, attempt: u32) -> Duration {
        step.definition.retry.wait(attempt, jitter(&self.state.key(step), attempt))
    }
}

/// What is sent; the body in the first attempt only, since every further one sends the same bytes.
fn sending_detail(request: &Request, attempt: u32) -> Value {
    let mut detail = json!({ "method": request.method, "path": request.path, "key": request.key });
    if let (Some(body), 1) = (&request.body, attempt) {
        detail["body"] = body.chars().take(MAX_SHOWN_BODY_CHARS).collect::<String>().into();
    }
    detail
}

fn probe_query(state: &RunState, step: &Step) -> Option<ProbeQuery> {
    let Guard::Probe { set, field, .. } = &step.guard else { return None };
    let base = step.definition.service.as_deref().unwrap_or_default().trim_end_matches('/');
    Some(ProbeQuery {
        kind: step.definition.kind,
        path: format!("{base}/{}", set.trim_start_matches('/')),
        field: field.clone(),
        key: state.key(step),
        value: state.key(step).to_string(),
        matching: Match::Equals,
        listing: false,
        query: Vec::new(),
        timeout_ms: u64::try_from(step.definition.timeout.as_millis()).unwrap_or(u64::MAX),
    })
}

fn is_small(body: &Value) -> bool {
    match body {
        deep if is_too_deep(deep) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= MAX_KEPT_ANSWER_BYTES,
        other => other.to_string().len() <= MAX_KEPT_ANSWER_BYTES,
    }
}

/// An answer that holds `number` at a dotted path and nothing else, so that later steps find it there.
fn body_with(path: &str, number: &str) -> Value {
    let parts: Vec<&str> = path.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect();
    parts.into_iter().rev().fold(Value::from(number), |inner, part| match part.parse::<usize>() {
        Ok(_) => json!([inner]),
        Err(_) => json!({ part: inner }),
    })
}

/// The text at a dotted path such as `d.results[0].Number`; numbers are printed.
fn text_at(body: &Value, path: &str) -> Option<String> {
    let mut at = body;
    for part in path.split(['.', '[', ']']).filter(|part| !part.is_empty()) {
        at = match part.parse::<usize>() {
            Ok(index) if at.is_array() => at.get(index)?,
            _ => at.get(part)?,
        };
    }
    match at {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
