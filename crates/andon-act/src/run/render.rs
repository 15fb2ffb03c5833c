//! From templates to the request that is stored and sent.

use andon_model::{Problem, Timestamp};
use serde_json::{Value, json};

use super::{RunContext, RunState};
use crate::template::{Scope, Template};
use crate::{Guard, Request, Step};

/// Renders the request of `step` for this run. Fails when a path is missing or the body is not valid.
pub(super) fn render_request(
    ctx: RunContext<'_>,
    state: &RunState,
    step: &Step,
    now: Timestamp,
) -> Result<Request, Problem> {
    let scope = scope(ctx, state, step);
    let definition = &step.definition;
    let body = step.body.as_ref().map(|body| body.render(&scope)).transpose()?;
    Ok(Request {
        kind: definition.kind,
        method: definition.method.clone(),
        path: full_path(definition.service.as_deref(), &step.path.render(&scope)?),
        query: render_pairs(&step.query, &scope)?,
        headers: render_pairs(&step.headers, &scope)?,
        content_type: body
            .is_some()
            .then(|| definition.content_type.clone().unwrap_or_else(|| "application/json".into())),
        body,
        csrf: definition.csrf.unwrap_or(definition.service.is_some() && step.is_changing()),
        service: definition.service.clone(),
        key: state.key(step),
        changeset: Vec::new(),
        if_match: None,
        attachment: None,
        budget: None,
        repeatable_since: (step.guard == Guard::Repeatable).then_some(now),
        timeout_ms: u64::try_from(definition.timeout.as_millis()).unwrap_or(u64::MAX),
    })
}

fn full_path(service: Option<&str>, path: &str) -> String {
    match service {
        Some(service) => format!("{}/{}", service.trim_end_matches('/'), path.trim_start_matches('/')),
        None => path.to_owned(),
    }
}

fn render_pairs(pairs: &[(String, Template)], scope: &Scope<'_>) -> Result<Vec<(String, String)>, Problem> {
    pairs.iter().map(|(name, template)| Ok((name.clone(), template.render(scope)?))).collect()
}

/// What the step's templates see.
fn scope<'a>(ctx: RunContext<'a>, state: &'a RunState, step: &Step) -> Scope<'a> {
    let event = serde_json::to_value(ctx.event).unwrap_or(Value::Null);
    let mut scope = Scope::new(event, &state.decision, &state.lookups);
    for result in &state.results {
        scope.add_answer(result.stage, result.step.as_str(), &result.body);
    }
    let run = json!({
        "id": state.id, "action": state.action, "revision": state.revision, "event_offset": ctx.offset,
    });
    scope.set_run(run, &state.key(step));
    scope
}
