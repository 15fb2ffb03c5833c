//! From templates to the request that is stored and sent, and to the search for what it made.

use std::time::Duration;

use andon_model::{Code, Key, Problem, Timestamp};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::{RunContext, RunState, summary};
use crate::definition::{Content, PartTemplates, RequestTemplates, Work};
use crate::template::{Scope, Template};
use crate::{AttachmentBody, ChangesetPart, Guard, ProbeQuery, Request, Step, StepKind};

/// Hexadecimal digits of a SHA-256 digest.
const DIGEST_CHARS: usize = 64;
/// Longest file name in UTF-16 units: SAP's `FileName`. What SAP cuts off could be the key, which is searched for.
const MAX_FILE_NAME: usize = 255;
/// What is encoded in the header `Slug`: what a header cannot carry, and the sign that begins an encoding.
const SLUG: &AsciiSet = &CONTROLS.add(b'%');

impl Request {
    /// A request that says nothing yet.
    pub(super) fn empty(key: Key, timeout: Duration) -> Self {
        Self {
            kind: StepKind::Http,
            method: String::new(),
            path: String::new(),
            query: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: None,
            csrf: false,
            service: None,
            key,
            repeatable_since: None,
            changeset: Vec::new(),
            if_match: None,
            attachment: None,
            budget: None,
            timeout_ms: millis(timeout),
        }
    }
}

/// Renders the request of `step` for this run. Fails when a path is missing or the body is not valid.
pub(super) fn render_request(
    ctx: RunContext<'_>,
    state: &RunState,
    step: &Step,
    now: Timestamp,
) -> Result<Request, Problem> {
    let request = request_in(&scope(ctx, state, step), state, step, now)?;
    check_probe(&request, render_probe(ctx, state, step).transpose()?)?;
    Ok(request)
}

/// The request of `step`, with what its templates see in `scope`.
pub(super) fn request_in(scope: &Scope<'_>, state: &RunState, step: &Step, now: Timestamp) -> Result<Request, Problem> {
    let templates = match &step.work {
        Work::Request(templates) | Work::Rules { request: templates, .. } => templates,
        Work::Summary(summary) => {
            let call = summary.call.as_ref().ok_or_else(no_request)?;
            return summary::render_call(scope, state, step, call);
        }
        Work::Table { .. } | Work::Lookup { .. } => return Err(no_request()),
    };
    let definition = &step.definition;
    let service = definition.service.as_deref();
    let request = Request {
        kind: definition.kind,
        method: templates.method.clone(),
        path: full_path(service, &templates.path.render(scope)?),
        query: render_pairs(&templates.query, scope)?,
        headers: render_pairs(&templates.headers, scope)?,
        csrf: definition.csrf.unwrap_or(service.is_some() && step.is_changing()),
        service: definition.service.clone(),
        repeatable_since: (step.guard == Guard::Repeatable).then_some(now),
        if_match: definition.if_match,
        ..Request::empty(state.key(step), step.timeout)
    };
    with_content(request, templates, scope)
}

fn no_request() -> Problem {
    Problem::new(Code::Internal, "a step that sends nothing was to be sent")
}

fn with_content(request: Request, templates: &RequestTemplates, scope: &Scope<'_>) -> Result<Request, Problem> {
    let content_type = templates.content_type.as_ref().map(|kind| kind.render(scope)).transpose()?;
    match &templates.content {
        Content::Nothing => Ok(request),
        Content::Body(body) => {
            let content_type = Some(content_type.unwrap_or_else(|| "application/json".to_owned()));
            Ok(Request { body: Some(body.render(scope)?), content_type, ..request })
        }
        Content::Changeset(parts) => {
            let changeset = (1..).zip(parts).map(|(n, part)| render_part(n, part, scope)).collect::<Result<_, _>>()?;
            Ok(Request { changeset, ..request })
        }
        Content::Attachment { digest, file_name, max_bytes } => {
            let digest = digest.render(scope)?;
            // A preview may not know it yet.
            let digest = if scope.left_open().is_empty() { checked_digest(&digest)? } else { digest };
            let attachment = Some(AttachmentBody { digest, max_bytes: *max_bytes });
            let mut headers = request.headers;
            headers.push(("Slug".to_owned(), slug(&file_name.render(scope)?)?));
            let content_type = Some(content_type.unwrap_or_else(|| "application/octet-stream".to_owned()));
            Ok(Request { headers, content_type, attachment, ..request })
        }
    }
}

fn render_part(content_id: u32, part: &PartTemplates, scope: &Scope<'_>) -> Result<ChangesetPart, Problem> {
    Ok(ChangesetPart {
        content_id,
        method: part.method.clone(),
        path: part.path.render(scope)?,
        headers: render_pairs(&part.headers, scope)?,
        body: part.body.as_ref().map(|body| body.render(scope)).transpose()?,
    })
}

fn checked_digest(digest: &str) -> Result<String, Problem> {
    let digest = digest.trim().to_ascii_lowercase();
    if digest.len() == DIGEST_CHARS && digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(digest);
    }
    let shown: String = digest.chars().take(DIGEST_CHARS).collect();
    Err(Problem::new(Code::BadBody, format!("attachment {shown:?} is not a SHA-256 digest in hexadecimal")))
}

fn slug(file_name: &str) -> Result<String, Problem> {
    let (name, units) = (file_name.trim(), file_name.trim().encode_utf16().count());
    if name.is_empty() || units > MAX_FILE_NAME {
        let detail = format!("the file name has {units} characters, it may have 1 to {MAX_FILE_NAME}");
        return Err(Problem::new(Code::BadBody, detail));
    }
    Ok(utf8_percent_encode(name, SLUG).to_string())
}

/// What is searched for must tell this run's document from others.
fn check_probe(request: &Request, probe: Option<ProbeQuery>) -> Result<(), Problem> {
    let empty = probe.is_some_and(|probe| probe.value.trim().is_empty());
    if empty {
        let detail = format!("the guard's value for {} is empty, so it would find any document", request.path);
        return Err(Problem::new(Code::BadBody, detail));
    }
    Ok(())
}

/// The search for what the step's request may have made; `None` when its guard is another.
pub(super) fn render_probe(ctx: RunContext<'_>, state: &RunState, step: &Step) -> Option<Result<ProbeQuery, Problem>> {
    let (Guard::Probe(guard), Some(templates)) = (&step.guard, &step.probe) else { return None };
    let (scope, kind) = (scope(ctx, state, step), step.definition.kind);
    let base = step.definition.service.as_deref().unwrap_or_default();
    let render = || {
        let key = state.key(step);
        Ok(ProbeQuery {
            kind,
            path: full_path(Some(base), &templates.path.render(&scope)?),
            field: guard.field.clone(),
            value: templates.value.as_ref().map_or_else(|| Ok(key.to_string()), |value| value.render(&scope))?,
            key,
            matching: guard.matching(kind),
            listing: guard.list.is_some(),
            query: render_pairs(&templates.query, &scope)?,
            timeout_ms: millis(step.timeout),
        })
    };
    Some(render())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn full_path(service: Option<&str>, path: &str) -> String {
    match service {
        Some(service) => format!("{}/{}", service.trim_end_matches('/'), path.trim_start_matches('/')),
        None => path.to_owned(),
    }
}

pub(super) fn render_pairs(pairs: &[(String, Template)], scope: &Scope<'_>) -> Result<Vec<(String, String)>, Problem> {
    pairs.iter().map(|(name, template)| Ok((name.clone(), template.render(scope)?))).collect()
}

/// What can be seen before any step has begun: the event and its decision.
pub(super) fn scope_before_steps<'a>(ctx: RunContext<'a>, state: &'a RunState) -> Scope<'a> {
    let event = serde_json::to_value(ctx.event).unwrap_or(Value::Null);
    Scope::new(event, &state.decision, &state.lookups)
}

/// What the step's templates see.
pub(super) fn scope<'a>(ctx: RunContext<'a>, state: &'a RunState, step: &Step) -> Scope<'a> {
    let mut scope = scope_before_steps(ctx, state);
    scope.set_episode(state.shown_episode());
    for result in &state.results {
        scope.add_answer(result.stage, result.step.as_str(), &result.body);
    }
    let run = json!({
        "id": state.id, "action": state.action, "revision": state.revision, "event_offset": ctx.offset,
    });
    scope.set_run(run, &state.key(step));
    scope
}
