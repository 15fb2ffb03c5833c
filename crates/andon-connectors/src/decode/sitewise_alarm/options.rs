//! The options of `sitewise-alarm`.

use andon_model::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::SitewiseAlarm;
use super::state::normalised;
use crate::source::{Configured, Section};

/// The section `[decode]` of `sitewise-alarm`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    states: Option<Spanned<Vec<String>>>,
}

impl Configured for SitewiseAlarm {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        let states = section.texts(options.states, &["ACTIVE"])?;
        Ok(Self { states: states.iter().map(|state| normalised(state)).collect() })
    }
}
