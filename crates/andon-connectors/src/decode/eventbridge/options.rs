//! The options of `eventbridge`.

use andon_model::Problem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::EventBridge;
use crate::decode::AttributeFrom;
use crate::source::{Configured, Section};

/// The section `[decode]` of `eventbridge`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    inner: Option<Spanned<String>>,
    subject: Option<AttributeFrom>,
    /// The inner decoder's own options, read by it.
    #[serde(rename = "options")]
    within: Option<Spanned<IgnoredAny>>,
}

impl Configured for EventBridge {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        let options: Options = section.options()?;
        if let (None, Some(given)) = (&options.inner, &options.within) {
            return Err(section.wrong(given, "these are options of an inner decoder: name it by the key inner"));
        }
        let inner = options.inner.as_ref().map(|inner| section.inner(inner)).transpose()?;
        Ok(Self { inner, subject: options.subject })
    }
}
