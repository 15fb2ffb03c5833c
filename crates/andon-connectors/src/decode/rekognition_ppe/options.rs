//! The options of `rekognition-ppe`.

use andon_model::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::{Equipment, RekognitionPpe};
use crate::source::{Configured, Section};

/// The parts of the path that, as far as they are there, are the event's subject.
pub(super) const PLACE: [&str; 3] = ["plant", "location", "camera"];

/// Names in the data that a part of the path cannot have.
const TAKEN: [&str; 7] = ["required", "min_confidence", "persons_total", "persons", "indeterminate", "image", "object"];

/// The section `[decode]` of `rekognition-ppe`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    required: Option<Spanned<Vec<Equipment>>>,
    min_confidence: Option<Spanned<f64>>,
    path: Option<Spanned<String>>,
    image: Option<Spanned<String>>,
}

impl Configured for RekognitionPpe {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        Ok(Self {
            required: required(section, options.required)?,
            min_confidence: section.share(options.min_confidence, 90.0, 100.0)?,
            path: section.path(options.path, "{plant}/{location}/{camera}/{file}", "camera", &TAKEN)?,
            prefix: section.prefix().to_owned(),
            image: section.parsed(options.image, "{stem}.jpg")?,
        })
    }
}

fn required(section: &Section<'_>, given: Option<Spanned<Vec<Equipment>>>) -> Result<Vec<Equipment>, Problem> {
    match given {
        None => Ok(Equipment::ALL.to_vec()),
        Some(given) if given.as_ref().is_empty() => {
            Err(section.wrong(&given, "with nothing required nobody lacks anything; leave the key out for all kinds"))
        }
        Some(given) => Ok(given.into_inner()),
    }
}
