//! What the templates of a step may name: answers of earlier steps, under the stage they ran in, an episode
//! where there is one, and a model's text only where it can do no harm.

use andon_model::{Code, Name, Problem};

use super::{Stage, Step, is_summary};
use crate::template::{Template, Use};

/// What the text of a summary step may do in a template. Whoever writes into an event can write into
/// the prompt of a model, and so perhaps its answer: that answer stays a text among texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Summaries {
    /// Not be there: paths, headers, keys, questions to decisions.
    Refused,
    /// Stand as it is within a JSON text.
    AsText,
    /// Stand anywhere: the template gives a text that is cleaned itself.
    Anywhere,
}

/// What a template may say of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EpisodeSeen {
    /// Nothing: there is none, or it is not known yet.
    Nothing,
    /// Its key: the document is still to be made.
    Key,
    /// Everything.
    Document,
}

impl EpisodeSeen {
    pub(super) fn of(has_episode: bool, stage: Stage) -> Self {
        match stage {
            _ if !has_episode => Self::Nothing,
            Stage::OpenCheck | Stage::Update => Self::Document,
            Stage::Pre | Stage::Main | Stage::Post => Self::Key,
        }
    }

    fn allows(self, path: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Key => path == "episode.key",
            Self::Document => true,
        }
    }
}

/// Where a template stands.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The file and the step, for people.
    pub(super) place: &'a str,
    /// The step's name.
    pub(super) own: &'a str,
    /// The steps whose answers are there.
    pub(super) earlier: &'a [Step],
    /// Names of earlier steps with faults of their own: what refers to them is not at fault.
    pub(super) faulty: &'a [Name],
    pub(super) episode: EpisodeSeen,
}

/// Everything among the paths of a template that it names and may not, with its place.
pub(super) fn check(around: &Surroundings<'_>, template: &Template, summaries: Summaries) -> Vec<Problem> {
    let found = template.uses().into_iter().filter_map(|used| {
        let problem = check_use(around, &used, summaries)?;
        Some(problem.at(template.place_at(used.at)))
    });
    found.collect()
}

/// What is wrong with one path, at the step.
pub(super) fn check_use(around: &Surroundings<'_>, used: &Use, summaries: Summaries) -> Option<Problem> {
    let (path, own) = (&used.path, around.own);
    let problem = |detail| Some(Problem::new(Code::ConfigurationReference, detail).at(around.place));
    let mut parts = path.splitn(3, ['.', '[']);
    let (stage, name) = (parts.next()?, parts.next().unwrap_or_default());
    if stage == "episode" {
        let what =
            format!("${{{{{path}}}}} in step {own} is not known: only update and open-check steps see the document");
        return if around.episode.allows(path) { None } else { problem(what) };
    }
    if !matches!(stage, "pre" | "main" | "post" | "open-check" | "update") || name.is_empty() {
        return None;
    }
    let named = |step: &&Step| step.definition.stage.as_str() == stage && step.definition.name.as_str() == name;
    let Some(step) = around.earlier.iter().find(named) else {
        if around.faulty.iter().any(|faulty| faulty.as_str() == name) {
            return None;
        }
        return problem(format!("${{{{{path}}}}} in step {own} names no earlier {stage} step {name:?}"));
    };
    let harmless = summaries == Summaries::Anywhere || (summaries == Summaries::AsText && used.as_text);
    if !is_summary(step) || harmless {
        return None;
    }
    problem(format!(
        "${{{{{path}}}}} in step {own} is written by a model: it may only stand, as it is, within a plain text of a \
         JSON body, as in \"LongText\": \"${{{{{path}}}}}\", and not in a name or in JSON or XML within a text"
    ))
}
