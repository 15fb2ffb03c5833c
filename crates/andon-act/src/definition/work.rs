//! What a compiled step does: its templates, by kind.

use std::time::Duration;

use andon_model::Name;

use super::{RetryPolicy, StepDefinition, SummaryApi, TokenLimit, WhenEmpty, WhenMissing};
use crate::StepKind;
use crate::request::CallBudget;
use crate::template::{Redaction, Template};

/// The compiled form of a step's own options.
#[derive(Debug)]
pub(crate) enum Work {
    /// A request whose answer is the step's answer.
    Request(RequestTemplates),
    /// A request to a rule service: an answer without a result is no answer.
    Rules { request: RequestTemplates, empty: WhenEmpty },
    /// A decision table of Andon; sends nothing.
    Table { decision: Name, input: Option<Template>, empty: WhenEmpty },
    /// A lookup of Andon; sends nothing.
    Lookup { lookup: Name, key: Vec<(String, Template)>, missing: WhenMissing },
    /// A text.
    Summary(Box<SummaryTemplates>),
}

/// Templates of one request.
#[derive(Debug)]
pub(crate) struct RequestTemplates {
    pub(crate) method: String,
    pub(crate) path: Template,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) content_type: Option<Template>,
    pub(crate) content: Content,
}

/// What a request carries.
#[derive(Debug)]
pub(crate) enum Content {
    Nothing,
    Body(Template),
    Changeset(Vec<PartTemplates>),
    Attachment { digest: Template, file_name: Template, max_bytes: u64 },
}

/// Templates of one part of a change set.
#[derive(Debug)]
pub(crate) struct PartTemplates {
    pub(crate) method: String,
    pub(crate) path: Template,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: Option<Template>,
    /// Whether it sends what the step's guard searches for.
    pub(crate) is_searched: bool,
}

/// What a summary is made of.
#[derive(Debug)]
pub(crate) struct SummaryTemplates {
    /// How the model is asked; `None` without a destination.
    pub(crate) call: Option<SummaryCall>,
    pub(crate) fallback: Template,
    pub(crate) max_chars: usize,
}

/// How a model is asked.
#[derive(Debug)]
pub(crate) struct SummaryCall {
    pub(crate) api: SummaryApi,
    pub(crate) model: Option<String>,
    pub(crate) system: String,
    pub(crate) max_tokens: u32,
    pub(crate) token_limit: TokenLimit,
    pub(crate) path: Template,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) prompt: Template,
    pub(crate) redaction: Redaction,
    pub(crate) budget: Option<CallBudget>,
}

/// Templates of a probe.
#[derive(Debug)]
pub(crate) struct ProbeTemplates {
    pub(crate) path: Template,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) value: Option<Template>,
}

/// The method in force: change sets, attachments, rule services and models are asked by `POST`.
pub(super) fn method_of(step: &StepDefinition) -> &str {
    step.method.as_deref().unwrap_or(if step.kind == StepKind::Lookup { "GET" } else { "POST" })
}

/// How long to wait for the complete answer when the step does not say.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a model, whose text nobody waits for.
const SUMMARY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn timeout_of(step: &StepDefinition) -> Duration {
    let default = if step.kind == StepKind::Summary { SUMMARY_TIMEOUT } else { TIMEOUT };
    step.timeout.unwrap_or(default)
}

pub(super) fn retry_of(step: &StepDefinition) -> RetryPolicy {
    step.retry.clone().unwrap_or_default()
}
