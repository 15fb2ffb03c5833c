//! Actions as configuration: `actions/<name>.toml`, checked and compiled once.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_model::{Code, Name, Problem};
use serde::{Deserialize, Serialize};

use crate::StepKind;
use crate::template::{Form, Template};

/// Most steps in one action.
const MAX_STEPS: usize = 32;

/// An action as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionDefinition {
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The steps, in the order in which they are executed; `pre`, then `main`, then `post`.
    #[serde(rename = "step")]
    pub steps: Vec<StepDefinition>,
}

/// What a step is to its action, in the reference framework's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Before the business action: reads and enrichment.
    Pre,
    /// The business action.
    Main,
    /// After it.
    Post,
}

impl Stage {
    /// The word under which later templates find the step's answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Main => "main",
            Self::Post => "post",
        }
    }
}

/// One step as written. Texts marked *template* may hold `${{…}}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDefinition {
    /// Unique within the action.
    pub name: Name,
    /// `pre`, `main` or `post`.
    pub stage: Stage,
    /// `http` or `odata`.
    pub kind: StepKind,
    /// Name of the destination.
    pub destination: Name,
    /// HTTP method.
    pub method: String,
    /// `odata`: path of the service, beginning with `/`.
    #[serde(default)]
    pub service: Option<String>,
    /// Template. Path below the destination's address; for `odata` below the service.
    pub path: String,
    /// Templates. Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Templates. Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Media type of the body; `application/json` when there is a body.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Template. The body.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether a CSRF token is needed; by default for `odata` with a changing method.
    #[serde(default)]
    pub csrf: Option<bool>,
    /// How to find out what became of a lost request. Needed for `POST`.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// When to try again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// How long to wait for the complete answer.
    #[serde(default = "default_timeout", with = "humantime_serde")]
    pub timeout: Duration,
    /// Where the document number stands in the answer: `d.MaintenanceNotification`.
    #[serde(default)]
    pub document: Option<String>,
}

/// How to find out what became of a request with an unknown outcome (the duplicate guard).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Guard {
    /// The service honours SAP Gateway's `RequestID` and `RepeatabilityCreation` headers.
    Repeatable,
    /// The key is written into a reference field and can be searched for.
    Probe {
        /// Entity set, below the service (`odata`) or the destination's address (`http`).
        set: String,
        /// The reference field, as in `MaintNotifExtReferenceNumber`.
        field: String,
        /// How long to wait after the loss before searching: the request may still be worked on.
        #[serde(default = "default_settle", with = "humantime_serde")]
        settle: Duration,
    },
    /// Repeating does no harm: `GET`, `PUT`, `DELETE`, `PATCH` with `If-Match`, or a service that says so.
    Natural,
    /// Nothing can be found out: stop and ask a person.
    Park,
}

/// When to try again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Most attempts of one step.
    pub attempts: u32,
    /// Wait before the second attempt; doubles with every further one.
    #[serde(with = "humantime_serde")]
    pub base: Duration,
    /// Longest wait.
    #[serde(with = "humantime_serde")]
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 200, base: Duration::from_millis(500), max: Duration::from_mins(5) }
    }
}

impl RetryPolicy {
    /// The wait after `attempt` (counted from 1): exponential, half of it jittered by `jitter`.
    pub(crate) fn wait(&self, attempt: u32, jitter: u64) -> Duration {
        let factor = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let full = self.base.saturating_mul(factor).min(self.max);
        let half = full / 2;
        let share = u32::try_from(jitter % 1_000).unwrap_or(0);
        half + (half * share) / 1_000
    }
}

fn default_timeout() -> Duration {
    Duration::from_secs(30)
}

/// As long as the default timeout: a request that was given up may still be worked on for a while.
fn default_settle() -> Duration {
    Duration::from_secs(30)
}

/// A step, compiled.
#[derive(Debug)]
pub struct Step {
    /// As written.
    pub definition: StepDefinition,
    /// The guard in force.
    pub guard: Guard,
    pub(crate) path: Template,
    pub(crate) query: Vec<(String, Template)>,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: Option<Template>,
}

impl Step {
    /// Whether the step changes something in the destination.
    pub fn is_changing(&self) -> bool {
        !matches!(self.definition.method.as_str(), "GET" | "HEAD")
    }
}

/// An action, compiled: every template parsed, every rule checked.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: Name,
    /// For people.
    pub description: String,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

impl Action {
    /// Parses and checks `actions/<name>.toml`; on failure, everything that is wrong with it.
    pub fn compile(name: &Name, text: &str) -> Result<Self, Vec<Problem>> {
        let file = format!("actions/{name}.toml");
        let definition: ActionDefinition = toml::from_str(text).map_err(|e| vec![syntax_problem(&file, text, &e)])?;
        let mut problems = check_order(&file, &definition.steps);
        let mut steps = Vec::with_capacity(definition.steps.len());
        for step in definition.steps {
            match compile_step(&file, step, &steps) {
                Ok(step) => steps.push(step),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            return Ok(Self { name: name.clone(), description: definition.description, steps });
        }
        Err(problems)
    }

    /// Names of the destinations that it needs.
    pub fn destinations(&self) -> impl Iterator<Item = &Name> {
        self.steps.iter().map(|step| &step.definition.destination)
    }
}

fn syntax_problem(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let place = match error.span() {
        Some(span) => {
            let before = &text[..span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            format!("{file} line {line} column {column}")
        }
        None => file.to_owned(),
    };
    Problem::new(Code::ConfigurationSyntax, error.message()).at(place)
}

fn check_order(file: &str, steps: &[StepDefinition]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |place: String, detail: String| {
        problems.push(Problem::new(Code::ConfigurationValue, detail).at(place));
    };
    if steps.is_empty() || steps.len() > MAX_STEPS {
        report(file.to_owned(), format!("an action has 1 to {MAX_STEPS} steps, this one has {}", steps.len()));
    }
    for (i, step) in steps.iter().enumerate() {
        let place = || format!("{file} step {}", step.name);
        if steps[..i].iter().any(|earlier| earlier.name == step.name) {
            report(place(), "the name is used by an earlier step".into());
        }
        if step.name.as_str().contains('.') {
            report(place(), "a step's name has no dot: templates read pre.<step>.<path>".into());
        }
        if steps[..i].iter().any(|earlier| earlier.stage > step.stage) {
            report(place(), format!("{} steps stand before main and post steps", step.stage.as_str()));
        }
    }
    problems
}

fn compile_step(file: &str, step: StepDefinition, earlier: &[Step]) -> Result<Step, Vec<Problem>> {
    let place = format!("{file} step {}", step.name);
    let mut problems = check_values(&place, &step);
    let guard = guard_in_force(&place, &step).unwrap_or_else(|problem| {
        problems.push(problem);
        Guard::Park
    });
    let mut compile = |source: &str, form: Form, part: &str| {
        let compiled = Template::compile(source, form, &format!("{place} {part}"));
        compiled.map_err(|problem| problems.push(problem)).ok()
    };
    let path = compile(&step.path, Form::UrlPath, "path");
    let query =
        step.query.iter().filter_map(|(k, v)| Some((k.clone(), compile(v, Form::Query, &format!("query {k}"))?)));
    let query: Vec<_> = query.collect();
    let headers =
        step.headers.iter().filter_map(|(k, v)| Some((k.clone(), compile(v, Form::Header, &format!("header {k}"))?)));
    let headers: Vec<_> = headers.collect();
    let body = step.body.as_deref().and_then(|body| compile(body, body_form(&step), "body"));
    for template in path.iter().chain(body.iter()).chain(query.iter().chain(&headers).map(|(_, t)| t)) {
        problems.extend(check_paths(&place, &step.name, template, earlier));
    }
    match path {
        Some(path) if problems.is_empty() => Ok(Step { definition: step, guard, path, query, headers, body }),
        _ => Err(problems),
    }
}

fn body_form(step: &StepDefinition) -> Form {
    match step.content_type.as_deref() {
        Some(kind) if !kind.contains("json") => Form::Text,
        _ => Form::Json,
    }
}

fn check_values(place: &str, step: &StepDefinition) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |detail: String| problems.push(Problem::new(Code::ConfigurationValue, detail).at(place));
    if !["GET", "HEAD", "POST", "PUT", "PATCH", "MERGE", "DELETE"].contains(&step.method.as_str()) {
        report(format!("{:?} is not a method: use GET, HEAD, POST, PUT, PATCH, MERGE or DELETE", step.method));
    }
    if !step.path.starts_with('/') && step.kind == StepKind::Http {
        report("path must begin with /".into());
    }
    match (&step.service, step.kind) {
        (None, StepKind::Odata) => {
            report("an odata step names its service, as in /sap/opu/odata/sap/API_MAINTNOTIFICATION".into());
        }
        (Some(_), StepKind::Http) => report("service belongs to odata steps".into()),
        (Some(service), StepKind::Odata) if !service.starts_with('/') => report("service must begin with /".into()),
        _ => {}
    }
    if step.retry.attempts == 0 || step.timeout.is_zero() {
        report("retry.attempts and timeout must be greater than zero".into());
    }
    if step.timeout > Duration::from_mins(10) {
        report("timeout is at most 10 minutes".into());
    }
    problems
}

/// The guard as written, or the natural one where the method allows it. A `POST` must say.
fn guard_in_force(place: &str, step: &StepDefinition) -> Result<Guard, Problem> {
    let has_if_match = step.headers.keys().any(|h| h.eq_ignore_ascii_case("if-match"));
    let by_itself = match step.method.as_str() {
        "PATCH" | "MERGE" => has_if_match,
        method => method != "POST",
    };
    match &step.guard {
        None if by_itself => Ok(Guard::Natural),
        None => Err(Problem::new(
            Code::ConfigurationValue,
            format!(
                "say how a lost {} is found out: guard = {{ kind = \"probe\", set = …, field = … }}, or \"repeatable\", \"natural\", \"park\"",
                step.method
            ),
        )
        .at(place)),
        Some(Guard::Probe { field, .. }) if !carries_key(step, field) => Err(Problem::new(
            Code::ConfigurationValue,
            format!("the guard searches {field} for the key, so the body must send it: \"{field}\": \"${{{{key}}}}\""),
        )
        .at(place)),
        Some(guard) => Ok(guard.clone()),
    }
}

fn carries_key(step: &StepDefinition, field: &str) -> bool {
    let Some(body) = &step.body else { return false };
    let Some(at) = body.find(&format!("\"{field}\"")) else { return false };
    let value: String = body[at + field.len() + 2..].chars().filter(|c| !c.is_whitespace()).take(12).collect();
    value.starts_with(":\"${{key}}")
}

/// A template may read answers of earlier steps only, under the stage they ran in.
fn check_paths(place: &str, own: &Name, template: &Template, earlier: &[Step]) -> Vec<Problem> {
    let known = |stage: &str, name: &str| {
        earlier.iter().any(|s| s.definition.stage.as_str() == stage && s.definition.name.as_str() == name)
    };
    let mut problems = Vec::new();
    for path in template.paths() {
        let mut parts = path.splitn(3, ['.', '[']);
        let (Some(stage @ ("pre" | "main" | "post")), Some(name)) = (parts.next(), parts.next()) else { continue };
        if !known(stage, name) {
            let detail = format!("${{{{{path}}}}} in step {own} names no earlier {stage} step {name:?}");
            problems.push(Problem::new(Code::ConfigurationReference, detail).at(place));
        }
    }
    problems
}

#[cfg(test)]
mod tests;
