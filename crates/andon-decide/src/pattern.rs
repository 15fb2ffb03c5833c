//! The `[on]` filter of a decision: which events it is for.

use andon_model::Event;
use serde::Deserialize;

/// Most patterns in one list.
pub(crate) const MAX_PATTERNS: usize = 200;

/// Patterns on attributes of an event. Every list that is given must have a pattern that fits; an empty list accepts all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    /// Patterns on `type`.
    #[serde(rename = "type")]
    pub(crate) kind: Vec<Pattern>,
    /// Patterns on `source`.
    pub(crate) source: Vec<Pattern>,
    /// Patterns on `subject`; an event without one is taken as having an empty one.
    pub(crate) subject: Vec<Pattern>,
}

impl Filter {
    /// Whether the decision is for this event.
    pub(crate) fn accepts(&self, event: &Event) -> bool {
        let subject = event.subject.as_deref().unwrap_or("");
        [(&self.kind, event.kind.as_str()), (&self.source, event.source.as_str()), (&self.subject, subject)]
            .into_iter()
            .all(|(patterns, text)| patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(text)))
    }

    /// The longest list's length.
    pub(crate) fn longest(&self) -> usize {
        self.kind.len().max(self.source.len()).max(self.subject.len())
    }
}

/// A text in which `*` stands for any run of characters, also none.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Pattern {
    /// The texts between the stars, in order; never empty.
    parts: Vec<String>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { parts: text.split('*').map(str::to_owned).collect() }
    }
}

impl Pattern {
    fn fits(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.iter().all(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn stars_stand_for_any_run() {
        let check = |pattern: &str, text: &str, expect: bool| {
            assert_eq!(Pattern::from(pattern.to_owned()).fits(text), expect, "{pattern} on {text}");
        };
        check("a.b", "a.b", true);
        check("a.b", "a.bc", false);
        check("*", "", true);
        check("", "", true);
        check("", "x", false);
        check("a.*", "a.b.c", true);
        check("a.*", "b.a.", false);
        check("*.c", "a.b.c", true);
        check("a*b*c", "a--b--c", true);
        check("a*b*c", "a--c--b", false);
        check("ab*ba", "aba", false);
        check("a**c", "ac", true);
    }

    #[test]
    fn every_given_list_must_fit() {
        let filter =
            Filter { kind: vec!["x.*".to_owned().into()], source: vec!["s".to_owned().into()], ..Filter::default() };
        let event = |kind: &str, source: &str| Event::new(source, "1", kind, Value::Null);
        assert!(filter.accepts(&event("x.1", "s")));
        assert!(!filter.accepts(&event("x.1", "t")));
        assert!(!filter.accepts(&event("y", "s")));
        assert!(Filter::default().accepts(&event("y", "t")));
    }
}
