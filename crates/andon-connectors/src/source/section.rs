//! The section `[decode]`: what a decoder is made of.
//!
//! A decoder's options are a struct of its own, so that an unknown key is refused by name and a wrong value
//! with line and column. Values with the same meaning in several decoders are checked here.

use std::str::FromStr;
use std::sync::Arc;

use andon_model::{Name, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::decoding;
use crate::config::Document;
use crate::decode::{PartDecoder, PathPattern};

/// What a decoder is made of: its options, and the source that it reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    document: &'a Document<'a>,
    source: &'a Name,
    prefix: &'a str,
    /// Whether the options are those of a decoder inside an envelope.
    inner: bool,
}

impl<'a> Section<'a> {
    /// The section of a source's own decoder.
    pub(super) fn new(document: &'a Document<'a>, source: &'a Name, prefix: &'a str) -> Self {
        Self { document, source, prefix, inner: false }
    }
}

impl Section<'_> {
    /// The options: `[decode]`, or `[decode.options]` for a decoder inside an envelope.
    pub(crate) fn options<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.inner {
            return self.document.parse::<Outer<Inner<T>>>().map(|outer| outer.decode.options);
        }
        self.document.parse::<Outer<T>>().map(|outer| outer.decode)
    }

    /// Refuses any option; for decoders that have none.
    pub(crate) fn no_options(&self) -> Result<(), Problem> {
        self.options::<NoOptions>().map(drop)
    }

    /// The source's name.
    pub(crate) fn source(&self) -> &Name {
        self.source
    }

    /// The prefix in the bucket, without slashes at its ends; empty for the whole bucket and for pushes.
    pub(crate) fn prefix(&self) -> &str {
        self.prefix
    }

    /// A list of texts that are not empty.
    pub(crate) fn texts(&self, given: Option<Spanned<Vec<String>>>, default: &[&str]) -> Result<Vec<String>, Problem> {
        match given {
            None => Ok(default.iter().map(|text| (*text).to_owned()).collect()),
            Some(given) if given.as_ref().is_empty() || given.as_ref().iter().any(String::is_empty) => {
                Err(self.wrong(&given, "at least one text is expected, and none that is empty"))
            }
            Some(given) => Ok(given.into_inner()),
        }
    }

    /// A number from 0 to `most`.
    pub(crate) fn share(&self, given: Option<Spanned<f64>>, default: f64, most: f64) -> Result<f64, Problem> {
        match given {
            Some(given) if !(0.0..=most).contains(given.as_ref()) => {
                Err(self.wrong(&given, format!("use a number from 0 to {most}")))
            }
            given => Ok(given.map_or(default, Spanned::into_inner)),
        }
    }

    /// A text with a grammar of its own.
    pub(crate) fn parsed<T: FromStr<Err = String>>(
        &self,
        given: Option<Spanned<String>>,
        default: &str,
    ) -> Result<T, Problem> {
        match given {
            Some(given) => given.as_ref().parse().map_err(|why: String| self.wrong(&given, why)),
            None => default.parse().map_err(|why: String| self.lacking(why)),
        }
    }

    /// A pattern of paths that names `subject` and none of the `taken` names.
    pub(crate) fn path(
        &self,
        given: Option<Spanned<String>>,
        default: &str,
        subject: &str,
        taken: &[&str],
    ) -> Result<PathPattern, Problem> {
        let pattern: PathPattern = self.parsed(given.clone(), default)?;
        let Some(given) = given else { return Ok(pattern) };
        if !pattern.names().any(|name| name == subject) {
            return Err(self.wrong(&given, format!("the pattern lacks {{{subject}}}, which the events are about")));
        }
        if let Some(name) = pattern.names().find(|name| taken.contains(name)) {
            return Err(self.wrong(&given, format!("{{{name}}} is taken by the event's data; use another name")));
        }
        Ok(pattern)
    }

    /// The problem of an option that has the right shape but cannot be used.
    pub(crate) fn wrong<T>(&self, option: &Spanned<T>, why: impl Into<String>) -> Problem {
        self.document.wrong(option, why)
    }

    /// The problem of an option that is missing.
    pub(crate) fn lacking(&self, why: impl Into<String>) -> Problem {
        self.document.lacking(why)
    }

    /// The decoder for what stands inside this decoder's envelope; envelopes are not nested.
    pub(crate) fn inner(&self, decoder: &Spanned<String>) -> Result<Arc<dyn PartDecoder>, Problem> {
        if self.inner {
            return Err(self.wrong(decoder, "one envelope in another is not read"));
        }
        decoding::find(self.document, decoder)?(&Section { inner: true, ..*self })
    }
}

/// The document, of which only the options are looked at.
#[derive(Debug, Deserialize)]
struct Outer<T> {
    #[serde(default)]
    decode: T,
}

/// The options of an envelope, of which only those for its inside are looked at.
#[derive(Debug, Default, Deserialize)]
struct Inner<T> {
    #[serde(default)]
    options: T,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}
