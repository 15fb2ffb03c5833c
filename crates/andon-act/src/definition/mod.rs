//! Actions as configuration: `actions/<name>.toml`, checked and compiled once.
//!
//! **Constraints.** A file either compiles to an [`Action`] in which every template is parsed and every
//! rule holds, or gives everything that is wrong with it; nothing is left to be found by an event.
//!
//! **Life of a step.** A [`StepDefinition`] is read from TOML ([`step`]); `options` refuses what does not
//! belong to its kind; `checks` looks at values, `guard` at what a lost request leads to; `compile`
//! turns texts into templates (`work`), and `references` makes sure that those name earlier steps only.

mod advice;
mod checks;
mod compile;
mod episode;
mod guard;
mod options;
mod references;
mod retry;
mod step;
mod texts;
mod work;

use andon_model::{Code, Name, Problem};
use serde::Deserialize;

pub use episode::{EpisodeDefinition, EpisodeTerms};
pub use guard::{Guard, ProbeGuard};
pub use retry::RetryPolicy;
pub use step::{
    Budget, ChangesetEntry, OpenWhile, Stage, StepDefinition, SummaryApi, TokenLimit, WhenEmpty, WhenMissing,
};
pub(crate) use work::{Content, PartTemplates, ProbeTemplates, RequestTemplates, SummaryCall, SummaryTemplates, Work};

use crate::StepKind;
use texts::Texts;

/// Most steps in one action.
const MAX_STEPS: usize = 32;

/// An action as written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionDefinition {
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Whether it is taken once while its document is open.
    #[serde(default)]
    pub episode: Option<EpisodeDefinition>,
    /// The steps, in the order in which they are executed; `pre`, then `main`, then `post`.
    #[serde(rename = "step")]
    pub steps: Vec<StepDefinition>,
}

/// A step, compiled.
#[derive(Debug)]
pub struct Step {
    /// As written.
    pub definition: StepDefinition,
    /// The guard in force.
    pub guard: Guard,
    /// When it is tried again.
    pub retry: RetryPolicy,
    /// How long the complete answer is waited for.
    pub timeout: std::time::Duration,
    pub(crate) probe: Option<ProbeTemplates>,
    pub(crate) work: Work,
}

impl Step {
    /// Its name.
    pub fn name(&self) -> &Name {
        &self.definition.name
    }

    /// The destination that it needs; `None` for a step that sends nothing.
    pub fn destination(&self) -> Option<&Name> {
        self.definition.destination.as_ref()
    }

    /// Whether the step changes something in the destination.
    pub fn is_changing(&self) -> bool {
        match &self.work {
            Work::Request(request) => !matches!(request.method.as_str(), "GET" | "HEAD"),
            Work::Rules { .. } | Work::Table { .. } | Work::Lookup { .. } | Work::Summary(_) => false,
        }
    }
}

/// An action, compiled: every template parsed, every rule checked.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: Name,
    /// For people.
    pub description: String,
    /// Whether it is taken once while its document is open.
    pub episode: Option<EpisodeTerms>,
    /// Its steps, in order: `open-check`, `update`, `pre`, `main`, `post`.
    pub steps: Vec<Step>,
}

impl Action {
    /// Parses and checks `actions/<name>.toml`; on failure, everything that is wrong with it.
    pub fn compile(name: &Name, text: &str) -> Result<Self, Vec<Problem>> {
        let file = format!("actions/{name}.toml");
        let definition: ActionDefinition = toml::from_str(text).map_err(|e| vec![syntax_problem(&file, text, &e)])?;
        let has_episode = definition.episode.is_some();
        let mut problems = Vec::new();
        if let Some((step, what)) = episode::check(has_episode, &definition.steps) {
            let place = step.map_or_else(|| file.clone(), |step| format!("{file} step {step}"));
            problems.push(Problem::new(Code::ConfigurationValue, what).at(place));
        }
        let definitions = episode::in_groups(definition.steps);
        problems.extend(check_order(&file, &definitions));
        let texts = Texts::of_file(text);
        let setting = compile::Setting { action: name, texts: &texts, has_episode };
        let steps = compile_steps(setting, definitions).unwrap_or_else(|found| {
            problems.extend(found);
            Vec::new()
        });
        let episode = definition.episode.map(|episode| episode::compile(name, &episode, &texts));
        let episode = episode.transpose().unwrap_or_else(|found| {
            problems.extend(found);
            None
        });
        if problems.is_empty() {
            return Ok(Self { name: name.clone(), description: definition.description, episode, steps });
        }
        Err(problems)
    }

    /// Names of the destinations that it needs.
    pub fn destinations(&self) -> impl Iterator<Item = &Name> {
        self.steps.iter().filter_map(Step::destination)
    }

    /// Names of the decisions that its steps ask.
    pub fn decisions(&self) -> impl Iterator<Item = &Name> {
        self.steps.iter().filter_map(|step| step.definition.table.as_ref())
    }

    /// Names of the lookups that its steps read, each with the key columns that it is asked by.
    pub fn lookups(&self) -> impl Iterator<Item = (&Name, impl Iterator<Item = &String>)> {
        self.steps.iter().filter_map(|step| Some((step.definition.lookup.as_ref()?, step.definition.key.keys())))
    }
}

/// Compiles the steps in order. An update step sees what the open-check steps were answered; those of the
/// business action see each other alone.
fn compile_steps(setting: compile::Setting<'_>, definitions: Vec<StepDefinition>) -> Result<Vec<Step>, Vec<Problem>> {
    let (mut steps, mut problems) = (Vec::<Step>::with_capacity(definitions.len()), Vec::new());
    let mut faulty = Vec::new();
    for definition in definitions {
        let from = if definition.stage > Stage::Update {
            steps.partition_point(|step| step.definition.stage <= Stage::Update)
        } else {
            0
        };
        let name = definition.name.clone();
        match compile::step(setting, definition, &steps[from..], &faulty) {
            Ok(step) => steps.push(step),
            Err(found) => {
                problems.extend(found);
                faulty.push(name);
            }
        }
    }
    if problems.is_empty() { Ok(steps) } else { Err(problems) }
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

/// Whether a step of this kind is a summary: its text is nobody's word.
fn is_summary(step: &Step) -> bool {
    step.definition.kind == StepKind::Summary
}

#[cfg(test)]
mod tests;
