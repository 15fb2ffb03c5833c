//! Summaries: what a model is sent, and how its answer is read. Everything that is not a usable text
//! leads to the step's own.

use andon_model::{Code, Problem};
use serde_json::{Value, json};

use super::clean::clean;
use super::render::{render_pairs, scope};
use super::{RunContext, RunState};
use crate::definition::{SummaryApi, SummaryCall, SummaryTemplates};
use crate::template::Scope;
use crate::{Request, Step, StepKind};

/// Most characters of a prompt; the rest is cut off.
const MAX_PROMPT_CHARS: usize = 32_768;

/// Ends by which a model, or what guards it, says that it does not answer.
const REFUSALS: [&str; 3] = ["content_filter", "refusal", "guardrail_intervened"];

/// The text when not even the step's own can be rendered.
const NO_TEXT: &str = "No summary is available.";

/// Where a summary's text comes from.
pub(super) enum Text {
    /// From the model.
    Model(String),
    /// From the step's own template, and why: one word of a closed set.
    Template(&'static str),
}

/// The request to the model. What is redacted is in nothing that it holds: its values are blanked, and copies of them
/// are covered in the prompt.
pub(super) fn render_call(
    scope: &Scope<'_>,
    state: &RunState,
    step: &Step,
    call: &SummaryCall,
) -> Result<Request, Problem> {
    let mut scope = scope.clone();
    let hidden = call.redaction.apply(&mut scope);
    let too_much = || Problem::new(Code::TooLarge, "more is redacted than can be searched for in the prompt");
    let prompt = hidden.cover(&call.prompt.render(&scope)?, MAX_PROMPT_CHARS).ok_or_else(too_much)?;
    Ok(Request {
        kind: StepKind::Summary,
        method: "POST".to_owned(),
        path: call.path.render(&scope)?,
        query: render_pairs(&call.query, &scope)?,
        headers: render_pairs(&call.headers, &scope)?,
        content_type: Some("application/json".to_owned()),
        body: Some(body(call, &prompt).to_string()),
        budget: call.budget.clone(),
        ..Request::empty(state.key(step), step.timeout)
    })
}

fn body(call: &SummaryCall, prompt: &str) -> Value {
    let user = json!({ "role": "user", "content": prompt });
    let mut body = match call.api {
        SummaryApi::Openai => json!({ "messages": [{ "role": "system", "content": call.system }, user] }),
        SummaryApi::Anthropic => {
            json!({ "anthropic_version": "bedrock-2023-05-31", "system": call.system, "messages": [user] })
        }
    };
    body[call.token_limit.as_str()] = call.max_tokens.into();
    if let Some(model) = &call.model {
        body["model"] = model.as_str().into();
    }
    body
}

/// The text in the model's answer, cleaned; `Err` is a word for why there is none.
pub(super) fn read(summary: &SummaryTemplates, body: &Value) -> Result<String, &'static str> {
    let api = summary.call.as_ref().map_or(SummaryApi::Openai, |call| call.api);
    let (end, text) = match api {
        SummaryApi::Openai => (
            body.pointer("/choices/0/finish_reason"),
            body.pointer("/choices/0/message/content").and_then(Value::as_str),
        ),
        SummaryApi::Anthropic => (body.get("stop_reason"), first_text(body)),
    };
    // Whatever stands beside such an end is an excuse or half a text.
    if end.and_then(Value::as_str).is_some_and(|end| REFUSALS.contains(&end)) {
        return Err("refused");
    }
    let text = clean(text.ok_or("unreadable")?, summary.max_chars);
    if text.is_empty() { Err("empty") } else { Ok(text) }
}

fn first_text(body: &Value) -> Option<&str> {
    body.get("content")?.as_array()?.iter().find_map(|block| block.get("text")?.as_str())
}

/// The step's answer for later steps: `{"text", "source", "why"}`.
pub(super) fn result(
    ctx: RunContext<'_>,
    state: &RunState,
    step: &Step,
    summary: &SummaryTemplates,
    text: &Text,
) -> Value {
    match text {
        Text::Model(text) => json!({ "text": text, "source": "model", "why": "" }),
        Text::Template(why) => {
            let rendered = summary.fallback.render(&scope(ctx, state, step)).unwrap_or_default();
            let own = clean(&rendered, summary.max_chars);
            let text = if own.is_empty() { clean(NO_TEXT, summary.max_chars) } else { own };
            json!({ "text": text, "source": "template", "why": why })
        }
    }
}
