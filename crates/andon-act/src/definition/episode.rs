//! Episodes: an action that is taken once while the document that it made is open.
//!
//! Steps of an action with an episode stand in three groups, in this order whatever the file says: those that
//! ask whether the document is still open, those that update it, and the business action itself (`pre`, `main`,
//! `post`). A run executes the last group, or the first one and then one of the others.

use std::time::Duration;

use andon_model::{Code, Name, Problem};
use serde::Deserialize;

use super::references::{self, EpisodeSeen, Summaries, Surroundings};
use super::texts::Texts;
use super::{Stage, StepDefinition};
use crate::template::{Form, Place, Template};

/// `[episode]` of an action, as written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpisodeDefinition {
    /// Template. Events that give the same text belong to the same episode; 1 to 200 characters.
    pub once_per: String,
    /// How long after its last event an episode is over, whatever the destination says; by default it never is.
    #[serde(default, rename = "for", with = "humantime_serde")]
    pub open_for: Option<Duration>,
}

/// `[episode]`, compiled.
#[derive(Debug)]
pub struct EpisodeTerms {
    pub(crate) once_per: Template,
    pub(crate) open_for: Option<Duration>,
}

pub(super) fn compile(
    action: &Name,
    definition: &EpisodeDefinition,
    texts: &Texts,
) -> Result<EpisodeTerms, Vec<Problem>> {
    let file = format!("actions/{action}.toml");
    let place = format!("{file} episode");
    let written = texts.find("", "once_per", &definition.once_per);
    let at = Place::in_file(&file, "episode once_per", written);
    let once_per = Template::compile(&definition.once_per, Form::Text, at).map_err(|problem| vec![problem])?;
    let episode = EpisodeSeen::Nothing;
    let around = Surroundings { place: &place, own: "once_per", earlier: &[], faulty: &[], episode };
    let mut problems = references::check(&around, &once_per, Summaries::Refused);
    if definition.open_for.is_some_and(|time| time.is_zero()) {
        problems.push(Problem::new(Code::ConfigurationValue, "for must be greater than zero").at(&*place));
    }
    if problems.is_empty() { Ok(EpisodeTerms { once_per, open_for: definition.open_for }) } else { Err(problems) }
}

/// What the steps of an action with an episode must have, and those of others must not. The error: what, and in
/// which step.
pub(super) fn check(has_episode: bool, steps: &[StepDefinition]) -> Option<(Option<&Name>, &'static str)> {
    if !has_episode {
        let foreign = steps.iter().find(|step| is_episodic(step))?;
        return Some((Some(&foreign.name), "open-check and update steps belong to actions with an [episode]"));
    }
    let makes_one = |step: &StepDefinition| step.stage == Stage::Main && step.document.is_some();
    let what = "an action with an [episode] has a main step that names its document: further events join it";
    (!steps.iter().any(makes_one)).then_some((None, what))
}

/// The steps in the order of their groups; within a group as they are written.
pub(super) fn in_groups(steps: Vec<StepDefinition>) -> Vec<StepDefinition> {
    let (mut grouped, rest): (Vec<_>, Vec<_>) = steps.into_iter().partition(is_episodic);
    grouped.sort_by_key(|step| step.stage);
    grouped.extend(rest);
    grouped
}

fn is_episodic(step: &StepDefinition) -> bool {
    matches!(step.stage, Stage::OpenCheck | Stage::Update)
}
