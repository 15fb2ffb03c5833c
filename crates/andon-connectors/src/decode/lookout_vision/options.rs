//! The options of `lookout-vision`.

use andon_model::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::LookoutVision;
use crate::source::{Configured, Section};

/// The part of the path that is the event's subject.
pub(super) const EQUIPMENT: &str = "equipment";

/// Names in the data that a part of the path cannot have.
const TAKEN: [&str; 4] = ["confidence", "anomalies", "image", "object"];

/// The section `[decode]` of `lookout-vision`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    path: Option<Spanned<String>>,
    image: Option<Spanned<String>>,
    min_confidence: Option<Spanned<f64>>,
}

impl Configured for LookoutVision {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        Ok(Self {
            path: section.path(options.path, "{equipment}/{plant}/{material}/{file}", EQUIPMENT, &TAKEN)?,
            prefix: section.prefix().to_owned(),
            image: section.parsed(options.image, "{stem}.jpg")?,
            min_confidence: section.share(options.min_confidence, 0.0, 1.0)?,
        })
    }
}
