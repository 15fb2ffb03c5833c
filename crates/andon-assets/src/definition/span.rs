//! Spans of time as SiteWise writes them: a number and a unit, `30s`, `5m`, `12h`, `1d`, `1w`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest span, so that arithmetic with times never overflows: ten years.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 3_600;

const UNITS: [(&str, u64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// A span of whole seconds. Text form: number and unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(u64);

/// Why a text is not a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a span of time: use a number and s, m, h, d or w, such as 5m, at most 520w")]
pub struct InvalidSpan(String);

impl Span {
    /// From seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// In seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// In microseconds.
    pub(crate) const fn micros(self) -> i64 {
        self.0.cast_signed().saturating_mul(1_000_000)
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;
    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let wrong = || InvalidSpan(text.chars().take(32).collect());
        let trimmed = text.trim();
        let split = |(unit, seconds): &(&str, u64)| Some((trimmed.strip_suffix(unit)?.trim_end(), *seconds));
        let (number, seconds) = UNITS.iter().find_map(split).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(seconds).filter(|seconds| *seconds <= MAX_SECONDS).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = UNITS.iter().find(|(_, seconds)| self.0 > 0 && self.0.is_multiple_of(*seconds));
        let (unit, seconds) = fits.unwrap_or(&("s", 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: Option<u64>) {
        assert_eq!(text.parse::<Span>().ok().map(Span::as_seconds), seconds, "{text:?}");
    }

    #[test]
    fn spans_are_read() {
        check("30s", Some(30));
        check("5m", Some(300));
        check("12 h", Some(43_200));
        check("1w", Some(604_800));
        for wrong in ["", "m", "5", "-5m", "5mm", "1.5h", "9999999w", "5M"] {
            check(wrong, None);
        }
    }

    #[test]
    fn text_form_is_the_shortest() {
        for text in ["0s", "90s", "5m", "36h", "1d", "2w"] {
            assert_eq!(text.parse::<Span>().expect("a span").to_string(), text);
        }
    }
}
