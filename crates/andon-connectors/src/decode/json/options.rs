//! The options of `json`.

use andon_model::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::{Json, TimeUnit};
use crate::decode::attribute::{AttributeFrom, NO_POINTER, is_pointer};
use crate::source::{Configured, Section};

/// The section `[decode]` of `json`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(rename = "type")]
    kind: Option<AttributeFrom>,
    source: Option<AttributeFrom>,
    id: Option<Spanned<AttributeFrom>>,
    subject: Option<AttributeFrom>,
    time: Option<Spanned<AttributeFrom>>,
    time_unit: Option<TimeUnit>,
    data: Option<Spanned<String>>,
    #[serde(default)]
    lines: bool,
}

impl Configured for Json {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        let Some(kind) = options.kind else {
            return Err(section.lacking("the decoder json needs the key type in [decode]: the events' type"));
        };
        let source = || AttributeFrom::Constant(format!("/sources/{}", section.source()));
        Ok(Self {
            kind,
            source: options.source.unwrap_or_else(source),
            id: pointer(section, options.id, "with a constant id all events were one; use { pointer = \"/…\" }")?,
            subject: options.subject,
            time: pointer(section, options.time, "a time comes from the body; use { pointer = \"/…\" }")?,
            time_unit: options.time_unit,
            data: data(section, options.data)?,
            lines: options.lines,
        })
    }
}

/// An attribute that must not be a constant.
fn pointer(
    section: &Section<'_>,
    given: Option<Spanned<AttributeFrom>>,
    why: &str,
) -> Result<Option<AttributeFrom>, Problem> {
    match given {
        Some(given) if matches!(given.as_ref(), AttributeFrom::Constant(_)) => Err(section.wrong(&given, why)),
        given => Ok(given.map(Spanned::into_inner)),
    }
}

fn data(section: &Section<'_>, given: Option<Spanned<String>>) -> Result<String, Problem> {
    match given {
        Some(given) if !is_pointer(given.as_ref()) => Err(section.wrong(&given, NO_POINTER)),
        given => Ok(given.map(Spanned::into_inner).unwrap_or_default()),
    }
}
