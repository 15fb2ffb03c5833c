//! What a run would send, step by step, before anything is sent.
//!
//! Steps that send nothing are evaluated. A request may need the answer to an earlier one, which nobody knows yet: then
//! the insertion stays in it as it is written, and its path is named. Nothing here is stored or leaves the process.

use andon_model::{Name, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::render::{request_in, scope};
use super::{Input, Phase, RunContext, RunState, StepResult, local, plan, step};
use crate::definition::Work;
use crate::template::Template;
use crate::{Request, Stage, Step, StepKind};

/// What a run would do if every step went well.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The steps of the business action, in order; those after one with a problem are missing.
    pub steps: Vec<StepPreview>,
    /// Why not even the first step would be begun.
    pub problem: Option<Problem>,
}

/// What one step would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepPreview {
    /// The step.
    pub step: Name,
    /// Its stage.
    pub stage: Stage,
    /// Its kind.
    pub kind: StepKind,
    /// Where its request would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Name>,
    /// The request, rendered as far as is known; `${{…}}` stands in it for every path of `open`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What a step that sends nothing answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Paths into answers that are not there yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// Why it could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Previews the run of an event that was decided to need an action. Of an action with an episode, it is the run that
/// opens one.
pub fn preview(ctx: RunContext<'_>, revision: i64, decision: Value, lookups: Value, now: Timestamp) -> Preview {
    let planned = plan(ctx, revision, decision, lookups, now).state;
    let mut state = match planned.phase {
        Phase::Joining => step(ctx, planned, Input::Episode(None), now).state,
        _ => planned,
    };
    let steps = ctx.action.steps.get(state.range(ctx.action)).unwrap_or_default();
    if steps.is_empty() {
        return Preview { steps: Vec::new(), problem: state.problem };
    }
    state.results.clear();
    let mut previews = Vec::new();
    for step in steps {
        let preview = preview_step(ctx, &state, step, now);
        if let Some(body) = preview.answer.clone() {
            let of = &step.definition;
            state.results.push(StepResult { step: of.name.clone(), stage: of.stage, body });
        }
        let failed = preview.problem.is_some();
        previews.push(preview);
        if failed {
            break;
        }
    }
    Preview { steps: previews, problem: None }
}

fn preview_step(ctx: RunContext<'_>, state: &RunState, step: &Step, now: Timestamp) -> StepPreview {
    let mut preview = StepPreview {
        step: step.name().clone(),
        stage: step.definition.stage,
        kind: step.definition.kind,
        destination: step.destination().cloned(),
        request: None,
        answer: None,
        open: Vec::new(),
        problem: None,
    };
    let mut scope = scope(ctx, state, step);
    scope.leave_open();
    let outcome = match &step.work {
        Work::Lookup { key, .. } => conclude(ctx, state, step, &mut key.iter().map(|(_, cell)| cell), &scope),
        Work::Table { input, .. } => conclude(ctx, state, step, &mut input.iter(), &scope),
        Work::Summary(summary) if summary.call.is_none() => Ok(Known::Nothing),
        Work::Request(_) | Work::Rules { .. } | Work::Summary(_) => {
            request_in(&scope, state, step, now).map(|request| Known::Request(Box::new(request)))
        }
    };
    match outcome {
        Ok(Known::Nothing) => {}
        Ok(Known::Answer(body)) => preview.answer = Some(body),
        Ok(Known::Request(request)) => preview.request = Some(*request),
        Err(problem) => preview.problem = Some(problem),
    }
    preview.open = scope.left_open();
    preview
}

/// What is known of a step before it is done.
enum Known {
    Nothing,
    Answer(Value),
    Request(Box<Request>),
}

/// Evaluates a step that sends nothing, if everything that its templates read is there.
fn conclude(
    ctx: RunContext<'_>,
    state: &RunState,
    step: &Step,
    templates: &mut dyn Iterator<Item = &Template>,
    scope: &crate::template::Scope<'_>,
) -> Result<Known, Problem> {
    for template in templates {
        template.render(scope)?;
    }
    if !scope.left_open().is_empty() {
        return Ok(Known::Nothing);
    }
    match local::conclude(ctx, state, step) {
        Some(concluded) => concluded.map(|concluded| Known::Answer(concluded.body)),
        None => Ok(Known::Nothing),
    }
}
