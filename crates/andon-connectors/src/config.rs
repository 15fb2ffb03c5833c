//! Reading TOML documents with errors that name file, line and column.
//!
//! A document is read in two steps: serde gives it its shape (unknown keys are refused), then the owner
//! checks values through [`Document::wrong`], which still knows where each [`Spanned`] value stood.

use std::ops::Range;
use std::time::Duration;

use andon_model::{Code, Name, Problem};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// A configuration text and the path under which people know it.
#[derive(Debug, Clone)]
pub(crate) struct Document<'a> {
    path: String,
    text: &'a str,
}

impl<'a> Document<'a> {
    /// The document `<folder>/<name>.toml`.
    pub(crate) fn new(folder: &str, name: &Name, text: &'a str) -> Self {
        Self { path: format!("{folder}/{name}.toml"), text }
    }

    /// Gives the text its shape.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(self.text).map_err(|error| {
            let place = error.span().map_or_else(|| self.path.clone(), |span| self.place(&span));
            Problem::new(Code::ConfigurationSyntax, error.message()).at(place)
        })
    }

    /// The problem of a value that has the right shape but cannot be used.
    pub(crate) fn wrong<T>(&self, value: &Spanned<T>, why: impl Into<String>) -> Problem {
        Problem::new(Code::ConfigurationValue, why).at(self.place(&value.span()))
    }

    /// The problem of the document as a whole: something is missing or contradicts something else.
    pub(crate) fn lacking(&self, why: impl Into<String>) -> Problem {
        Problem::new(Code::ConfigurationValue, why).at(self.path.clone())
    }

    fn place(&self, span: &Range<usize>) -> String {
        let (line, column) = line_and_column(self.text, span.start);
        format!("{} line {line} column {column}", self.path)
    }
}

/// Line and column of a byte offset, both counted from 1, the column in characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let line = before.split(|b| *b == b'\n').count();
    let start_of_line = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start_of_line..]).chars().count() + 1;
    (line, column)
}

/// A span of time written as people do: `500ms`, `2s`, `5m`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        humantime_serde::deserialize(deserializer).map(Self)
    }
}

impl Document<'_> {
    /// The duration of an optional key, checked against its limits.
    pub(crate) fn duration(
        &self,
        given: Option<&Spanned<Span>>,
        default: Duration,
        limits: (Duration, Duration),
    ) -> Result<Duration, Problem> {
        let Some(given) = given else { return Ok(default) };
        let Span(duration) = *given.as_ref();
        if duration < limits.0 || duration > limits.1 {
            return Err(self.wrong(given, format!("use a time from {:?} to {:?}", limits.0, limits.1)));
        }
        Ok(duration)
    }

    /// The number of an optional key, checked against its limits.
    pub(crate) fn number(
        &self,
        given: Option<&Spanned<u64>>,
        default: u64,
        limits: (u64, u64),
    ) -> Result<u64, Problem> {
        let Some(given) = given else { return Ok(default) };
        if *given.as_ref() < limits.0 || *given.as_ref() > limits.1 {
            return Err(self.wrong(given, format!("use a number from {} to {}", limits.0, limits.1)));
        }
        Ok(*given.as_ref())
    }

    /// The name in a key.
    pub(crate) fn name(&self, given: &Spanned<String>) -> Result<Name, Problem> {
        Name::new(given.as_ref()).map_err(|error| self.wrong(given, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        size: Spanned<u64>,
        #[serde(default)]
        wait: Option<Spanned<Span>>,
    }

    fn check(text: &str, expect: &str) {
        let name = Name::new("x").expect("name");
        let document = Document::new("sources", &name, text);
        let found = document.parse::<Shape>().and_then(|shape| {
            document.number(Some(&shape.size), 1, (1, 9))?;
            document.duration(shape.wait.as_ref(), Duration::ZERO, (Duration::ZERO, Duration::from_secs(9)))
        });
        assert_eq!(found.err().map_or(String::new(), |p| p.to_string()), expect, "for {text:?}");
    }

    #[test]
    fn errors_name_line_and_column() {
        check("size = 3\nwait = \"2s\"\n", "");
        check(
            "size = 3\nsise = 4\n",
            "AND-2001: the configuration cannot be parsed (sources/x.toml line 2 column 1): unknown field `sise`, \
             expected `size` or `wait`",
        );
        check(
            "\n  size = 30\n",
            "AND-2007: a configuration value cannot be used (sources/x.toml line 2 column 10): use a number from 1 to 9",
        );
        check(
            "size = 3\nwait = \"1h\"\n",
            "AND-2007: a configuration value cannot be used (sources/x.toml line 2 column 8): use a time from 0ns to 9s",
        );
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_and_column("ä = 1\nöö = 2", "ä = 1\nöö".len()), (2, 3));
        assert_eq!(line_and_column("a", 99), (1, 2));
    }
}
