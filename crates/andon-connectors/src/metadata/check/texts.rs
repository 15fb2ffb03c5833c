//! What the templates of an action give for what is known: the rows of decision tables and of lookups.

use std::collections::BTreeMap;
use std::fmt;

use andon_act::Stage;
use andon_act::template::{Facts, Fragment, Inserted, KnownRow, NamedPath, PathRoot, Seen, SeenAnswer};
use andon_model::Name;
use serde_json::{Map, Value, json};

use super::WrittenStep;

/// Most rows of one table or lookup that are tried.
const MAX_ROWS: usize = 20_000;
/// Widest text that a template fills up to.
const MAX_WIDTH: usize = 1_000;

/// Most characters of a summary whose step says nothing else.
const SUMMARY_CHARS: usize = 1_333;

/// What makes a template give a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// It always does.
    Always,
    /// A row of a decision table.
    Row(Name, usize),
    /// A row of a table that a step asks.
    Asked(Name, usize),
    /// A row of a lookup, by its key.
    Listed(Name, Vec<String>),
}

/// What is known before an event comes.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub(super) facts: &'a Facts,
    pub(super) steps: &'a [WrittenStep],
}

impl<'a> Before<'a> {
    /// The step whose answer a path reads.
    fn step(&self, path: &NamedPath) -> Option<(Stage, &'a WrittenStep)> {
        let (PathRoot::Answer(stage), Some(name)) = (path.root, path.keys.first()) else { return None };
        let named = |step: &&WrittenStep| step.stage == stage.as_str() && step.name.get_ref() == name;
        Some((stage, self.steps.iter().find(named)?))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("this"),
            Self::Row(decision, row) | Self::Asked(decision, row) => write!(f, "row {row} of decision {decision}"),
            Self::Listed(lookup, key) => write!(f, "row {} of lookup {lookup}", key.join(", ")),
        }
    }
}

/// A fault that a template's values have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict<T> {
    /// The first row that has it.
    pub(super) source: Source,
    /// The fault.
    pub(super) fault: T,
    /// How many other rows have one.
    pub(super) others: usize,
    /// Whether it may not matter: other rows of the same lookup, or of the table that a step asks, are good.
    pub(super) is_partial: bool,
}

impl<T> Verdict<T> {
    /// Where else, for the end of a sentence.
    pub(super) fn elsewhere(&self) -> String {
        match self.others {
            0 => String::new(),
            1 => ", and another row too".to_owned(),
            others => format!(", and {others} other rows too"),
        }
    }
}

/// Tries everything that is known. `judge` says whether it could tell (`Some`), and which fault there is.
pub(super) fn judge<T>(
    before: Before<'_>,
    insertions: &[Inserted<'_>],
    mut judge: impl FnMut(&Seen<'_>) -> Option<Option<T>>,
) -> Option<Verdict<T>> {
    if let Some(Some(fault)) = judge(&Seen::default()) {
        return Some(Verdict { source: Source::Always, fault, others: 0, is_partial: false });
    }
    let paths: Vec<_> = insertions.iter().flat_map(Inserted::paths).collect();
    let mut trial = Trial { judge, faults: Vec::new(), good: 0 };
    if paths.iter().any(|path| path.root == PathRoot::Decision) {
        trial.decisions(before.facts);
    }
    let mut aliases: Vec<&str> = paths
        .iter()
        .filter(|path| path.root == PathRoot::Lookups)
        .filter_map(|path| path.keys.first().map(String::as_str))
        .collect();
    aliases.sort_unstable();
    aliases.dedup();
    for alias in aliases {
        trial.lookups(before.facts, alias);
    }
    let mut read: Vec<(Stage, &WrittenStep)> = Vec::new();
    for (stage, step) in paths.iter().filter_map(|path| before.step(path)) {
        if !read.iter().any(|(_, known)| std::ptr::eq(*known, step)) {
            read.push((stage, step));
            trial.step(before.facts, stage, step);
        }
    }
    trial.verdict()
}

struct Trial<J, T> {
    judge: J,
    faults: Vec<(Source, T)>,
    /// Rows of lookups, and of tables that steps ask, that are good.
    good: usize,
}

impl<T, J: FnMut(&Seen<'_>) -> Option<Option<T>>> Trial<J, T> {
    fn decisions(&mut self, facts: &Facts) {
        for origin in &facts.origins {
            for row in origin.rows.iter().take(MAX_ROWS) {
                self.decision(&origin.decision, row);
            }
        }
    }

    fn decision(&mut self, decision: &Name, row: &KnownRow) {
        if let Some(Some(fault)) = (self.judge)(&Seen { decision: Some(row), ..Seen::default() }) {
            self.faults.push((Source::Row(decision.clone(), row.number), fault));
        }
    }

    fn lookups(&mut self, facts: &Facts, alias: &str) {
        for (name, lookup) in facts.origins.iter().filter_map(|origin| origin.lookups.get(alias)) {
            for key in lookup.keys().take(MAX_ROWS) {
                let result = Map::from_iter([(alias.to_owned(), lookup.get(key).unwrap_or_default())]);
                let seen = Seen { lookups: Some(&result), ..Seen::default() };
                self.one_of_many(&seen, || Source::Listed(name.clone(), key.to_vec()));
            }
        }
    }

    /// Everything that a step of Andon's own may answer.
    fn step(&mut self, facts: &Facts, stage: Stage, step: &WrittenStep) {
        if let Some((name, lookup)) = step.lookup.as_ref().and_then(|name| named(&facts.lookups, name)) {
            for key in lookup.keys().take(MAX_ROWS) {
                let body = lookup.get(key).unwrap_or_default();
                self.answer(stage, step, &body, || Source::Listed(name.clone(), key.to_vec()));
            }
        }
        if let Some((name, table)) = step.table.as_ref().and_then(|name| named(&facts.tables, name)) {
            for row in table.rows.iter().take(MAX_ROWS) {
                let known = row.output.iter().filter(|(output, _)| !row.open.contains(output));
                let output: Map<String, Value> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
                self.answer(stage, step, &json!({ "output": output }), || Source::Asked(name.clone(), row.number));
            }
        }
    }

    fn answer(&mut self, stage: Stage, step: &WrittenStep, body: &Value, source: impl FnOnce() -> Source) {
        let answer = Some(SeenAnswer { stage, step: step.name.get_ref(), body });
        self.one_of_many(&Seen { answer, ..Seen::default() }, source);
    }

    fn one_of_many(&mut self, seen: &Seen<'_>, source: impl FnOnce() -> Source) {
        match (self.judge)(seen) {
            Some(Some(fault)) => self.faults.push((source(), fault)),
            Some(None) => self.good += 1,
            None => {}
        }
    }

    fn verdict(mut self) -> Option<Verdict<T>> {
        self.faults.sort_by(|(a, _), (b, _)| a.cmp(b));
        let is_listed = |source: &Source| matches!(source, Source::Listed(..) | Source::Asked(..));
        let is_partial = self.good > 0 && self.faults.iter().all(|(source, _)| is_listed(source));
        let others = self.faults.len().saturating_sub(1);
        let (source, fault) = self.faults.into_iter().next()?;
        Some(Verdict { source, fault, others, is_partial })
    }
}

/// The entry of a name, with the name as it is kept.
fn named<'m, T>(known: &'m BTreeMap<Name, T>, name: &str) -> Option<(&'m Name, &'m T)> {
    known.iter().find(|(known, _)| known.as_str() == name)
}

/// What is known of a text: its known parts put together, and whether they are all of it.
pub(super) struct Known {
    pub(super) text: String,
    pub(super) is_whole: bool,
}

/// Puts a text together for what is known; `None` when nothing more is known than without it.
pub(super) fn known(fragments: &[Fragment<'_>], seen: &Seen<'_>) -> Option<Known> {
    let mut found = Known { text: String::new(), is_whole: true };
    let is_bare = seen.decision.is_none() && seen.lookups.is_none() && seen.answer.is_none();
    let mut is_told = is_bare;
    for fragment in fragments {
        match fragment {
            Fragment::Literal(literal) => found.text.push_str(literal),
            Fragment::Inserted(inserted) => {
                if let Some(Ok(value)) = inserted.value(seen) {
                    found.text.push_str(&text_of(&value));
                    is_told |= inserted.paths().iter().any(|path| path.root != PathRoot::Run);
                } else {
                    found.text.extend(std::iter::repeat_n('0', at_least(inserted.source())));
                    found.is_whole = false;
                }
            }
        }
    }
    is_told.then_some(found)
}

/// A value as an insertion writes it into a text.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The insertions among the parts of a text.
pub(super) fn insertions<'t>(fragments: &[Fragment<'t>]) -> Vec<Inserted<'t>> {
    let inserted = |fragment: &Fragment<'t>| match fragment {
        Fragment::Literal(_) => None,
        Fragment::Inserted(inserted) => Some(*inserted),
    };
    fragments.iter().filter_map(inserted).collect()
}

/// Most characters of a text, when its template limits each of its unknown parts.
pub(super) fn at_most(before: Before<'_>, fragments: &[Fragment<'_>]) -> Option<usize> {
    let most = |fragment: &Fragment<'_>| match fragment {
        Fragment::Literal(literal) => Some(literal.chars().count()),
        Fragment::Inserted(inserted) => match inserted.value(&Seen::default()) {
            Some(Ok(value)) => Some(text_of(&value).chars().count()),
            _ => limit(inserted.source()).or_else(|| summary(before, inserted)),
        },
    };
    fragments.iter().map(most).sum()
}

/// The length of a summary that is inserted as it is.
fn summary(before: Before<'_>, inserted: &Inserted<'_>) -> Option<usize> {
    let paths = inserted.paths();
    let [path] = paths.as_slice() else { return None };
    let (_, step) = before.step(path).filter(|(_, step)| step.kind == "summary")?;
    let is_whole = inserted.source().trim() == path.text && path.keys.get(1).is_some_and(|key| key == "text");
    is_whole.then(|| step.max_chars.unwrap_or(SUMMARY_CHARS))
}

/// The length to which an expression cuts its value: `… | left(40)`.
fn limit(expression: &str) -> Option<usize> {
    count(expression, &["left(", "truncate("])
}

/// The length to which an expression fills its value up: `… | pad_left(18, '0')`.
fn at_least(expression: &str) -> usize {
    count(expression, &["pad_left("]).map_or(0, |count| count.min(MAX_WIDTH))
}

/// The first argument of an expression's last filter, when that has one of these names.
fn count(expression: &str, filters: &[&str]) -> Option<usize> {
    let (before, filter) = expression.rsplit_once('|')?;
    let is_simple = !before.contains('~') && !before.contains(" if ") && !filter.contains(" if ");
    let arguments = filters.iter().find_map(|name| filter.trim().strip_prefix(name))?;
    let count = arguments.strip_suffix(')')?.split(',').next()?.trim().parse().ok()?;
    is_simple.then_some(count)
}

/// A text in the form that an expression gives whatever the event holds.
pub(super) fn sample(expression: &str, is_day: bool) -> Option<&'static str> {
    let expression = expression.trim();
    let filter = expression.rsplit_once('|').map_or("", |(_, filter)| filter.trim());
    match filter {
        "odata_date" if is_day && !expression.starts_with("event.time") => Some("/Date(0)/"),
        "odata_date" => Some("/Date(1687839153000)/"),
        "odata_day" => Some("2023-06-27T00:00:00"),
        "odata_time" => Some("PT04H12M33S"),
        _ if expression.eq_ignore_ascii_case("event.time") => Some("2023-06-27T04:12:33Z"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_the_last_filter() {
        let check = |expression: &str, expect| assert_eq!(limit(expression), expect, "for {expression}");
        check("event.data.text | left(40)", Some(40));
        check("event.data.text | upper | truncate( 12 )", Some(12));
        check("event.data.text | left(40) | upper", None);
        check("event.data.a ~ event.data.b | left(40)", None);
        check("event.data.text", None);
    }
}
