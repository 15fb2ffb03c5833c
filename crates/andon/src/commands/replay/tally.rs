//! Counting pages of a replay: bounded, however many events differ.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_engine::{Changed, Difference, Part, PartKind, WhatIfPage};
use andon_model::Offset;
use serde::Serialize;

use super::diff;
use crate::output::Grid;

/// Most rows of the table; what differs in yet another way is counted as one more.
const MAX_GROUPS: usize = 200;

/// What has come in so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    summary: Summary,
    groups: BTreeMap<Group, Count>,
    /// Differences that are in no group.
    others: u64,
    texts: Vec<String>,
}

/// The replay in numbers.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Summary {
    revision: i64,
    events: u64,
    differing: u64,
    runs: u64,
    requests: u64,
    unanswered: u64,
    unreadable: u64,
    seconds: f64,
}

/// Things that differ in the same way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    what: PartKind,
    name: String,
    change: Changed,
    fields: Vec<String>,
}

#[derive(Debug)]
struct Count {
    number: u64,
    first: Offset,
}

impl Tally {
    pub(super) fn count(&mut self, page: &WhatIfPage) {
        let summary = &mut self.summary;
        summary.revision = page.revision;
        summary.events += page.events;
        summary.runs += page.runs;
        summary.requests += page.requests;
        summary.unanswered += page.unanswered;
        summary.unreadable += page.unreadable;
    }

    /// Counts a difference, and keeps its requests as text while fewer than `show` are kept.
    pub(super) fn add(&mut self, difference: Difference, show: usize) {
        self.summary.differing += 1;
        for part in difference.parts {
            if part.what == PartKind::Request && self.texts.len() < show {
                self.texts.push(diff::of_request(difference.offset, &part));
            }
            self.group(difference.offset, part);
        }
    }

    fn group(&mut self, first: Offset, part: Part) {
        let name = part.step.map_or_else(|| part.name.clone(), |step| format!("{} {step}", part.name));
        let group = Group { what: part.what, name, change: part.change, fields: part.fields };
        if let Some(count) = self.groups.get_mut(&group) {
            count.number += 1;
        } else if self.groups.len() < MAX_GROUPS {
            self.groups.insert(group, Count { number: 1, first });
        } else {
            self.others += 1;
        }
    }

    /// How many requests are kept as text.
    pub(super) fn shown(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn differs(&self) -> bool {
        self.summary.differing > 0
    }

    /// One row per way in which something differs.
    pub(super) fn table(&self) -> Grid {
        let mut grid = Grid::new(["what", "of", "change", "in", "events", "first event"], "nothing would differ");
        for (group, count) in &self.groups {
            let cells = [word(group.what), &group.name, changed(group.change), &group.fields.join(", ")];
            let [what, name, change, fields] = cells.map(Into::into);
            grid.row([what, name, change, fields, count.number.into(), count.first.into()]);
        }
        if self.others > 0 {
            grid.row(["others".into(), "".into(), "".into(), "".into(), self.others.into(), "".into()]);
        }
        grid
    }

    /// The requests that are shown in full.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(super) fn summary(&self, took: Duration) -> Summary {
        Summary { seconds: took.as_secs_f64(), ..self.summary.clone() }
    }
}

fn word(what: PartKind) -> &'static str {
    match what {
        PartKind::Decision => "decision",
        PartKind::Action => "action",
        PartKind::Request => "request",
        PartKind::Ending => "end of the run",
        PartKind::Failure => "failed decision",
    }
}

fn changed(change: Changed) -> &'static str {
    match change {
        Changed::Added => "added",
        Changed::Removed => "removed",
        Changed::Changed => "changed",
    }
}

impl Summary {
    /// For people.
    pub(super) fn sentence(&self) -> String {
        let Self { events, runs, requests, differing, unanswered, unreadable, .. } = self;
        let mut parts = vec![match (events, differing) {
            (0, _) => "no such event in this range: nothing is compared".to_owned(),
            (_, 0) => format!("{events} events, {runs} runs, {requests} requests compared: nothing would differ"),
            _ => format!("{events} events, {runs} runs, {requests} requests compared: {differing} events would differ"),
        }];
        if *unanswered > 0 {
            parts.push(format!("{unanswered} runs end where no answer is recorded"));
        }
        if *unreadable > 0 {
            parts.push(format!("{unreadable} events cannot be read"));
        }
        parts.push(format!("{:.1} s", self.seconds));
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(offset: i64, field: &str) -> Difference {
        let part = Part {
            what: PartKind::Request,
            change: Changed::Changed,
            name: "notify".into(),
            step: andon_model::Name::new("create").ok(),
            document: None,
            fields: vec![field.into()],
            assumed: false,
            before: None,
            after: None,
        };
        let (source, id, kind) = ("/s".into(), offset.to_string(), "t".into());
        Difference { offset: Offset(offset), source, id, kind, parts: vec![part] }
    }

    #[test]
    fn what_differs_alike_is_one_row() {
        let mut tally = Tally::default();
        for (offset, field) in [(3, "path"), (4, "body/A"), (5, "path")] {
            tally.add(difference(offset, field), 1);
        }
        let rows = tally.table().render(false);
        let rows: Vec<String> =
            rows.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(rows, ["request notify create changed body/A 1 4", "request notify create changed path 2 3"]);
        assert_eq!((tally.shown(), tally.differs()), (1, true));
    }

    #[test]
    fn the_table_stays_short() {
        let mut tally = Tally::default();
        (0..1_000).for_each(|n| tally.add(difference(n, &n.to_string()), 0));
        assert_eq!((tally.groups.len(), tally.others), (MAX_GROUPS, 1_000 - MAX_GROUPS as u64));
    }

    #[test]
    fn the_summary_does_not_call_nothing_equal() {
        let sentence = Tally::default().summary(Duration::ZERO).sentence();
        assert_eq!(sentence, "no such event in this range: nothing is compared; 0.0 s");
    }

    #[test]
    fn the_summary_says_what_is_not_known() {
        let mut tally = Tally::default();
        tally.count(&WhatIfPage { events: 7, unanswered: 2, ..WhatIfPage::default() });
        let sentence = tally.summary(Duration::from_millis(1_540)).sentence();
        assert_eq!(
            sentence,
            "7 events, 0 runs, 0 requests compared: nothing would differ; 2 runs end where no answer is recorded; 1.5 s"
        );
    }
}
