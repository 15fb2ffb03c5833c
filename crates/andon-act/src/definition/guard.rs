//! The duplicate guard of a step: how to find out what became of a lost request.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::work::method_of;
use super::{ChangesetEntry, StepDefinition};
use crate::{Match, StepKind};

/// How to find out what became of a request with an unknown outcome (the duplicate guard).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Guard {
    /// The service honours SAP Gateway's `RequestID` and `RepeatabilityCreation` headers.
    Repeatable,
    /// What the request writes can be searched for.
    Probe(Box<ProbeGuard>),
    /// Repeating does no harm: `GET`, `PUT`, `DELETE`, `PATCH` with `If-Match`, or a service that says so.
    Natural,
    /// Nothing can be found out: stop and ask a person.
    Park,
}

/// A search for what a lost request may have made. Either `set` or `list` is given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeGuard {
    /// Template. Entity set that can be filtered by `field`, below the service (`OData` steps) or the destination's
    /// address (`http`).
    #[serde(default)]
    pub set: Option<String>,
    /// Template. A listing that knows no filter, below the service; its entities are compared one by one.
    #[serde(default)]
    pub list: Option<String>,
    /// Templates. Query parameters of the listing, or besides the filter.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The field that is compared, as in `MaintNotifExtReferenceNumber`.
    pub field: String,
    /// Template. What the field must hold; the key by default.
    #[serde(default)]
    pub value: Option<String>,
    /// How they are compared: `equals` by default; `contains` for attachments, whose names hold the key.
    #[serde(default, rename = "match")]
    pub matching: Option<Match>,
    /// How long to wait after the loss before searching: the request may still be worked on.
    #[serde(default = "default_settle", with = "humantime_serde")]
    pub settle: Duration,
}

impl ProbeGuard {
    /// How field and value are compared in a step of this kind.
    pub(crate) fn matching(&self, kind: StepKind) -> Match {
        let default = if kind == StepKind::Attachment { Match::Contains } else { Match::Equals };
        self.matching.unwrap_or(default)
    }
}

/// As long as the default timeout: a request that was given up may still be worked on for a while.
pub(super) fn default_settle() -> Duration {
    Duration::from_secs(30)
}

/// The guard as written, or the natural one where the request allows it. Anything else must say. With it,
/// what is wrong with it.
pub(super) fn in_force(step: &StepDefinition) -> (Guard, Vec<String>) {
    match &step.guard {
        None if is_natural(step) => (Guard::Natural, Vec::new()),
        None => (Guard::Park, vec![must_say(step)]),
        Some(guard @ Guard::Probe(probe)) => (guard.clone(), check_probe(step, probe)),
        Some(guard) => (guard.clone(), Vec::new()),
    }
}

/// Whether a repetition of the request does no harm by its nature.
fn is_natural(step: &StepDefinition) -> bool {
    let has_if_match = || step.headers.keys().any(|h| h.eq_ignore_ascii_case("if-match"));
    match (step.kind, method_of(step)) {
        (StepKind::Decision | StepKind::Lookup | StepKind::Summary, _) => true,
        (_, "PATCH" | "MERGE") => step.if_match.is_some() || has_if_match(),
        (_, method) => method != "POST",
    }
}

fn must_say(step: &StepDefinition) -> String {
    let what = if step.changeset.is_some() { "change set" } else { method_of(step) };
    format!(
        "say how a lost {what} is found out: guard = {{ kind = \"probe\", set = …, field = … }}, or \"repeatable\", \
         \"natural\", \"park\""
    )
}

fn check_probe(step: &StepDefinition, probe: &ProbeGuard) -> Vec<String> {
    let mut problems = Vec::new();
    if probe.set.is_some() == probe.list.is_some() {
        problems.push("a probe names either the set that is searched or the list that is read".to_owned());
    }
    match &probe.value {
        Some(value) if !value.contains("${{") => {
            problems.push("the guard's value is the same for every run: put ${{key}} into it".to_owned());
        }
        Some(_) => {}
        None => problems.extend(unmarked(step, probe)),
    }
    problems
}

/// What is said when nothing that is sent carries the key where the guard looks for it.
fn unmarked(step: &StepDefinition, probe: &ProbeGuard) -> Option<String> {
    let field = &probe.field;
    if step.kind == StepKind::Attachment {
        let marked = step.file_name.as_deref().is_some_and(holds_key);
        let what = format!("the guard looks for the key in {field}, so file_name must hold it: ${{{{key}}}}.png");
        return (!marked).then_some(what);
    }
    let whole = probe.matching(step.kind) == Match::Equals;
    let parts = step.changeset.iter().flatten().filter_map(|part| part.body.as_deref());
    let mut bodies = step.body.as_deref().into_iter().chain(parts);
    if bodies.any(|body| sends_key(body, field, whole)) {
        return None;
    }
    let value = if whole { "${{key}}" } else { "… ${{key}}" };
    Some(format!("the guard searches {field} for the key, so the body must send it: \"{field}\": \"{value}\""))
}

/// Whether this part of a change set sends what the guard searches for.
pub(super) fn is_searched(part: &ChangesetEntry, guard: &Guard) -> bool {
    let Guard::Probe(probe) = guard else { return false };
    let name = format!("\"{}\"", probe.field);
    part.body.as_deref().is_some_and(|body| body.contains(&name))
}

/// Whether a JSON template sends the key in `field`: as the whole text, or somewhere in it.
fn sends_key(body: &str, field: &str, whole: bool) -> bool {
    let name = format!("\"{field}\"");
    let values = body.match_indices(&name).filter_map(|(at, name)| text_after(&body[at + name.len()..]));
    let squeezed = values.map(|text| text.split_whitespace().collect::<String>());
    squeezed.into_iter().any(|text| if whole { text == "${{key}}" } else { text.contains("${{key}}") })
}

fn holds_key(template: &str) -> bool {
    template.split_whitespace().collect::<String>().contains("${{key}}")
}

/// The content of the JSON text literal that follows `:`, up to its closing quote outside of `${{…}}`.
fn text_after(rest: &str) -> Option<&str> {
    let text = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if rest.starts_with("${{") {
            at += rest.find("}}")? + 2;
        } else if rest.starts_with('"') {
            return Some(&text[..at]);
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            at += 1 + escaped.chars().next()?.len_utf8();
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_seen_in_the_field_alone() {
        let check = |body: &str, whole, expect| assert_eq!(sends_key(body, "Ref", whole), expect, "{body} {whole}");
        check(r#"{"Ref": "${{key}}"}"#, true, true);
        check(r#"{"Ref" : "${{ key }}" }"#, true, true);
        check(r#"{"Ref": "a ${{key}}"}"#, true, false);
        check(r#"{"Ref": "a ${{event.data["b"]}} ${{key}}"}"#, false, true);
        check(r#"{"Ref": "a \" b", "Other": "${{key}}"}"#, false, false);
        check(r#"{"Other": "${{key}}"}"#, false, false);
        check(r#"{"Ref": 1, "x": {"Ref": "${{key}}"}}"#, true, true);
        check(r#"{"Ref": "never ends ${{key"#, false, false);
    }
}
