//! One event on one configuration: what would be decided, and every request that its runs would send.

use std::collections::BTreeMap;

use andon_act::{
    Answer, Effect, Input, OpenEpisode, Phase, Request, Response, RunContext, RunState, StepKind, StepResult,
    Transition, plan, resume, step,
};
use andon_journal::StoredEvent;
use andon_model::{Code, Decision, Name, Problem, RunStatus, Timestamp};

use super::Concerns;
use crate::catalog::{Catalog, Wish};

/// An event with the states of its runs, if there are any.
pub(super) struct Recorded {
    pub(super) event: StoredEvent,
    pub(super) runs: Vec<RunState>,
}

/// What would happen.
pub(super) struct Rehearsal {
    pub(super) decisions: Vec<Decision>,
    pub(super) failure: Option<Problem>,
    pub(super) runs: BTreeMap<Name, RehearsedRun>,
}

/// What one run would do.
#[derive(Debug, PartialEq)]
pub(super) struct RehearsedRun {
    pub(super) requests: Vec<Sent>,
    pub(super) ending: Ending,
}

/// A request that would be sent.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) step: Name,
    pub(super) destination: Name,
    pub(super) request: Request,
}

/// How far a run can be followed.
#[derive(Debug, PartialEq)]
pub(super) enum Ending {
    /// To its end.
    Settled { status: RunStatus, problem: Option<Problem> },
    /// To a request whose answer is not recorded.
    Unanswered,
}

impl Recorded {
    /// The recorded run of an action.
    fn run(&self, action: &Name) -> Option<&RunState> {
        self.runs.iter().find(|run| run.action == *action)
    }

    /// The number of the document that a step of the recorded run made or found.
    pub(super) fn document(&self, action: &Name, step: &Name) -> Option<String> {
        let mut documents = self.run(action)?.documents.iter();
        documents.find(|document| document.step == step.as_str()).map(|document| document.number.clone())
    }
}

impl Rehearsal {
    /// Whether the event has to do with what is asked about. A decision that cannot be made has failed by any of them.
    pub(super) fn is_about(&self, concerns: &Concerns) -> bool {
        let Concerns { decision, action } = concerns;
        let decides = |name: &Name| self.failure.is_some() || self.decisions.iter().any(|d| d.table.name == *name);
        decision.as_ref().is_none_or(decides) && action.as_ref().is_none_or(|name| self.runs.contains_key(name))
    }
}

/// Decides the event and follows its runs.
pub(super) fn rehearse(catalog: &Catalog, recorded: &Recorded, revision: i64) -> Rehearsal {
    let stored = &recorded.event;
    let verdict = catalog.decide(&stored.event, stored.received_at);
    let mut runs = BTreeMap::new();
    if verdict.failure.is_none() {
        for (wish, action) in verdict.runs(catalog) {
            let run = recorded.run(&wish.action);
            let revision = run.map_or(revision, |run| run.revision);
            let ctx = action.context(&stored.event, stored.offset);
            runs.insert(wish.action.clone(), rehearse_run(ctx, wish, run, (revision, stored.received_at)));
        }
    }
    Rehearsal { decisions: verdict.decisions, failure: verdict.failure, runs }
}

fn rehearse_run(
    ctx: RunContext<'_>,
    wish: &Wish,
    recorded: Option<&RunState>,
    (revision, now): (i64, Timestamp),
) -> RehearsedRun {
    let mut at = plan(ctx, revision, wish.output.clone(), wish.lookups.clone(), now);
    let mut requests = Vec::new();
    // Every turn sends the current step's request or leads to a later step, so that it ends.
    let ending = loop {
        match at.effects.pop() {
            Some(Effect::Join { .. }) => {
                let open = recorded.and_then(joined);
                at = step(ctx, at.state, Input::Episode(open), now);
            }
            Some(Effect::Admit { .. }) => at = step(ctx, at.state, Input::Admitted, now),
            Some(Effect::Send { destination, request }) => {
                let Some(current) = at.state.current(ctx.action) else { break Ending::Unanswered };
                let kind = request.kind;
                requests.push(Sent { step: current.name().clone(), destination, request });
                let answer = recorded.and_then(|run| answer_of(run, current));
                match answered(ctx, at.state, (kind, answer), now) {
                    Some(next) => at = next,
                    None => break Ending::Unanswered,
                }
            }
            Some(Effect::Record(outcome)) => {
                break Ending::Settled { status: outcome.status, problem: outcome.problem };
            }
            Some(Effect::Probe { .. } | Effect::WakeAt(_)) | None => break Ending::Unanswered,
        }
    };
    RehearsedRun { requests, ending }
}

/// The episode that the recorded run joined, as it was before. One that the run opened itself was none then.
fn joined(run: &RunState) -> Option<OpenEpisode> {
    let mut open = run.episode.as_ref()?.open.clone().filter(|open| open.run != run.id)?;
    if run.status() == RunStatus::Done {
        open.count = open.count.saturating_sub(1);
    }
    Some(open)
}

/// The recorded answer of a step, told by its name and stage.
fn answer_of<'a>(run: &'a RunState, step: &andon_act::Step) -> Option<&'a StepResult> {
    run.results.iter().find(|result| result.step == *step.name() && result.stage == step.definition.stage)
}

/// The run with the recorded answer; `None` when there is none and the run cannot go on without.
fn answered(
    ctx: RunContext<'_>,
    state: RunState,
    (kind, answer): (StepKind, Option<&StepResult>),
    now: Timestamp,
) -> Option<Transition> {
    match (kind, answer) {
        (StepKind::Summary, Some(result)) => Some(concluded(ctx, state, result.clone(), now)),
        (StepKind::Summary, None) => {
            let problem = Problem::new(Code::Lost, "nothing is sent in a replay");
            Some(step(ctx, state, Input::Answered(Answer::Lost(problem)), now))
        }
        (_, Some(result)) => {
            let response =
                Response { status: 200, body: result.body.clone(), etag: None, location: None, warnings: Vec::new() };
            Some(step(ctx, state, Input::Answered(Answer::Done(response)), now))
        }
        (_, None) => None,
    }
}

/// A summary is kept as its text, not as the model's answer: the text stands, and the next step begins.
fn concluded(ctx: RunContext<'_>, mut state: RunState, result: StepResult, now: Timestamp) -> Transition {
    state.results.push(result);
    state.step += 1;
    state.phase = Phase::Ready;
    state.attempt = 0;
    state.request = None;
    resume(ctx, state, now)
}
