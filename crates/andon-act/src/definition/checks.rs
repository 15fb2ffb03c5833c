//! Rules on the values of a step's options.

use std::time::Duration;

use super::options::{self, Shape};
use super::work::{method_of, timeout_of};
use super::{ChangesetEntry, Stage, StepDefinition};

/// Most parts of a change set.
const MAX_PARTS: usize = 100;
/// Longest timeout of a step.
const MAX_TIMEOUT: Duration = Duration::from_mins(10);
/// Longest time that a model is given.
const MAX_SUMMARY_TIMEOUT: Duration = Duration::from_mins(1);
/// Largest attachment that may be allowed.
const MAX_ATTACHMENT_BYTES: u64 = 100 * 1024 * 1024;
/// Longest summary that may be asked for, in UTF-16 units.
const MAX_SUMMARY_CHARS: usize = 32_000;
/// Longest answer that a model may be asked for, in tokens.
const MAX_SUMMARY_TOKENS: u32 = 16_384;

/// Everything that is wrong with the step's values.
pub(super) fn check(step: &StepDefinition) -> Vec<String> {
    let mut problems = options::check(step);
    let shape = Shape::of(step);
    problems.extend(check_method(step, shape));
    problems.extend(check_addresses(step, shape));
    problems.extend(check_times(step));
    problems.extend(check_changeset(step));
    problems.extend(check_if_match(step));
    problems.extend(check_open_check(step, shape));
    problems.extend(check_limits(step));
    if step.kind == crate::StepKind::Summary {
        problems.extend(check_summary(step));
    }
    problems
}

fn check_method(step: &StepDefinition, shape: Shape) -> Option<String> {
    let method = method_of(step);
    if step.changeset.is_some() || shape == Shape::Attachment {
        return (method != "POST").then(|| format!("it is sent by POST, not by {method}: leave method out"));
    }
    if !["GET", "HEAD", "POST", "PUT", "PATCH", "MERGE", "DELETE"].contains(&method) {
        return Some(format!("{method:?} is not a method: use GET, HEAD, POST, PUT, PATCH, MERGE or DELETE"));
    }
    (method == "MERGE" && shape == Shape::OdataV4).then(|| "OData V4 has no MERGE: use PATCH".to_owned())
}

fn check_addresses(step: &StepDefinition, shape: Shape) -> Vec<String> {
    let mut problems = Vec::new();
    let is_odata = matches!(shape, Shape::Odata | Shape::OdataV4);
    match &step.path {
        Some(path) if !path.starts_with('/') && matches!(shape, Shape::Http | Shape::Rules | Shape::Summary) => {
            problems.push("path must begin with /".to_owned());
        }
        Some(_) if step.changeset.is_some() => {
            problems.push("a change set is sent to the $batch of its service: leave path out".to_owned());
        }
        None if is_odata && step.changeset.is_none() => {
            problems.push("the step names its path, as in MaintenanceNotification, or a changeset".to_owned());
        }
        _ => {}
    }
    if is_odata && step.changeset.is_none() && step.method.is_none() {
        problems.push("the step names its method, or a changeset".to_owned());
    }
    if step.service.as_ref().is_some_and(|service| !service.starts_with('/')) {
        problems.push("service must begin with /".to_owned());
    }
    problems
}

fn check_times(step: &StepDefinition) -> Vec<String> {
    let mut problems = Vec::new();
    if timeout_of(step).is_zero() || step.retry.as_ref().is_some_and(|retry| retry.attempts == 0) {
        problems.push("retry.attempts and timeout must be greater than zero".to_owned());
    }
    if timeout_of(step) > MAX_TIMEOUT {
        problems.push("timeout is at most 10 minutes".to_owned());
    }
    problems
}

fn check_changeset(step: &StepDefinition) -> Vec<String> {
    let Some(parts) = &step.changeset else { return Vec::new() };
    let mut problems = Vec::new();
    if parts.is_empty() || parts.len() > MAX_PARTS {
        problems.push(format!("a change set has 1 to {MAX_PARTS} parts, this one has {}", parts.len()));
    }
    if step.body.is_some() || step.content_type.is_some() {
        problems.push("a change set has bodies in its parts: leave body and content_type out".to_owned());
    }
    let numbered = (1..).zip(parts);
    problems.extend(numbered.filter_map(|(n, part)| Some(format!("changeset part {n}: {}", check_part(step, part)?))));
    problems
}

fn check_part(step: &StepDefinition, part: &ChangesetEntry) -> Option<String> {
    let methods: &[&str] = match step.kind {
        crate::StepKind::OdataV4 => &["POST", "PUT", "PATCH", "DELETE"],
        _ => &["POST", "PUT", "PATCH", "MERGE", "DELETE"],
    };
    if !methods.contains(&part.method.as_str()) {
        return Some(format!("{:?} changes nothing: use one of {}", part.method, methods.join(", ")));
    }
    part.path.starts_with('/').then(|| "its path stands below the service and does not begin with /".to_owned())
}

fn check_if_match(step: &StepDefinition) -> Option<String> {
    step.if_match?;
    if !matches!(method_of(step), "PUT" | "PATCH" | "MERGE" | "DELETE") || step.changeset.is_some() {
        return Some("if_match belongs to PATCH, MERGE, PUT and DELETE".to_owned());
    }
    let twice = step.headers.keys().any(|header| header.eq_ignore_ascii_case("if-match"));
    twice.then(|| "if_match reads the version itself: leave the header If-Match out".to_owned())
}

/// An open-check step reads, and it alone says what an open document looks like.
fn check_open_check(step: &StepDefinition, shape: Shape) -> Option<String> {
    if step.stage != Stage::OpenCheck {
        return step.open_while.is_some().then(|| "open_while belongs to open-check steps".to_owned());
    }
    let reads =
        matches!(shape, Shape::Http | Shape::Odata | Shape::OdataV4) && matches!(method_of(step), "GET" | "HEAD");
    if !reads || step.changeset.is_some() {
        return Some(
            "an open-check step reads the document: an http, odata or odata-v4 step with GET or HEAD".to_owned(),
        );
    }
    let empty = step.open_while.as_ref().is_some_and(|open| open.path.is_empty() || open.values.is_empty());
    empty.then(|| "open_while names a path and at least one value".to_owned())
}

fn check_limits(step: &StepDefinition) -> Option<String> {
    let most = step.max_bytes?;
    (most == 0 || most > MAX_ATTACHMENT_BYTES).then(|| format!("max_bytes is 1 to {MAX_ATTACHMENT_BYTES}"))
}

fn check_summary(step: &StepDefinition) -> Vec<String> {
    let mut problems = Vec::new();
    if step.destination.is_some() && (step.api.is_none() || step.prompt.is_none()) {
        problems.push("a summary with a destination names its api (openai or anthropic) and its prompt".to_owned());
    }
    if step.destination.is_some() && step.api == Some(super::SummaryApi::Openai) && step.model.is_none() {
        problems.push("a summary with api = \"openai\" names its model".to_owned());
    }
    if timeout_of(step) > MAX_SUMMARY_TIMEOUT {
        problems.push("a summary's timeout is at most 60 seconds".to_owned());
    }
    if step.max_chars.is_some_and(|most| most == 0 || most > MAX_SUMMARY_CHARS) {
        problems.push(format!("max_chars is 1 to {MAX_SUMMARY_CHARS}"));
    }
    if step.max_tokens.is_some_and(|most| most == 0 || most > MAX_SUMMARY_TOKENS) {
        problems.push(format!("max_tokens is 1 to {MAX_SUMMARY_TOKENS}"));
    }
    if step.token_limit.is_some() && step.api == Some(super::SummaryApi::Anthropic) {
        problems.push("token_limit belongs to api = \"openai\": Anthropic's has one name for it".to_owned());
    }
    if step.budget.as_ref().is_some_and(|budget| budget.per.is_zero()) {
        problems.push("budget.per must be greater than zero".to_owned());
    }
    problems
}
