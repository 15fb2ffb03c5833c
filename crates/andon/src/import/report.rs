//! What became of every object, for people and machines.

use std::fmt;

use serde::Serialize;

/// Most entries that are kept; the rest is only counted.
const MAX_ENTRIES: usize = 20_000;

/// How an object fared, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Andon does its job in another way, or it has none.
    NotNeeded,
    /// Says the same as before.
    Carried,
    /// Works, and differs as its notes say.
    Adapted,
    /// A person must complete it.
    Open,
    /// Could not be carried over.
    Skipped,
}

impl Outcome {
    /// The word for people.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotNeeded => "not needed",
            Self::Carried => "carried over",
            Self::Adapted => "adapted",
            Self::Open => "to complete",
            Self::Skipped => "skipped",
        }
    }
}

/// What is said about an object, and about which place of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Note {
    /// File, line and column.
    pub(crate) place: String,
    /// What, and what to do.
    pub(crate) what: String,
}

impl Note {
    /// A note about a place of the input.
    pub(super) fn at(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

/// One object of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// What it is: `action`, `destination`, `decision table`, `file` …
    pub(crate) object: &'static str,
    /// Its name in the input.
    pub(crate) name: String,
    /// File and line.
    pub(crate) place: String,
    /// How it fared.
    pub(crate) outcome: Outcome,
    /// The document that it became part of, as in `actions/x.toml`.
    pub(crate) became: Option<String>,
    /// What differs, and why.
    pub(crate) notes: Vec<Note>,
}

impl Entry {
    /// An object that is carried over, so far.
    pub(super) fn new(object: &'static str, name: impl Into<String>, place: impl Into<String>) -> Self {
        let (name, place) = (name.into(), place.into());
        Self { object, name, place, outcome: Outcome::Carried, became: None, notes: Vec::new() }
    }

    /// The document that it became part of.
    pub(super) fn became(mut self, path: impl Into<String>) -> Self {
        self.became = Some(path.into());
        self
    }

    /// Says something about it; the worst outcome of all notes counts.
    pub(super) fn note(&mut self, outcome: Outcome, note: Note) {
        self.outcome = self.outcome.max(outcome);
        self.notes.push(note);
    }

    /// The same, for an object that is done with it.
    pub(super) fn but(mut self, outcome: Outcome, what: impl Into<String>) -> Self {
        self.outcome = outcome;
        self.notes.push(Note::at("", what));
        self
    }

    /// What is said, as one text.
    pub(crate) fn story(&self) -> String {
        self.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// What became of every object.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// One per object, as the input has them.
    pub(crate) entries: Vec<Entry>,
    /// Entries beyond the limit, which are not listed.
    pub(crate) omitted: usize,
}

impl Report {
    /// Adds an object.
    pub(super) fn add(&mut self, entry: Entry) {
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        } else {
            self.omitted += 1;
        }
    }

    /// Puts objects of one kind together, in the order in which they were added.
    pub(super) fn finish(&mut self) {
        const ORDER: [&str; 9] = [
            "decision",
            "decision table",
            "mapping table",
            "name",
            "action",
            "related action",
            "destination",
            "action type",
            "source",
        ];
        let rank = |entry: &Entry| ORDER.iter().position(|o| *o == entry.object).unwrap_or(ORDER.len());
        self.entries.sort_by_key(rank);
    }

    /// How many objects fared so.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.entries.iter().filter(|entry| entry.outcome == outcome).count()
    }
}
