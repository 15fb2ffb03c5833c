//! The end of the demo: what Andon says, held against the simulator's books.

use std::collections::BTreeSet;

use andon_journal::{EventRow, Page, RunDetail, RunRow};
use andon_model::{RunStatus, TimelineEntry, TimelineKind};
use andon_sim::Books;
use serde::Serialize;
use serde_json::Value;

use super::play::Expected;
use super::stage::Stage;
use super::telemetry::Telemetry;
use crate::client::{Client, segment};
use crate::commands::events::decision_text;
use crate::commands::runs::status_cell;
use crate::commands::status::StatusAnswer;
use crate::output::{Cell, Grid, Tone};

/// Longest subject in the table; in JSON it is whole.
const MAX_SUBJECT: usize = 22;

/// Everything that is told, also as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    events: Vec<Line>,
    telemetry: Telemetry,
    totals: Totals,
}

/// One event, or one run of an event with several.
#[derive(Debug, Serialize)]
struct Line {
    event: i64,
    subject: String,
    decision: String,
    action: String,
    status: Option<RunStatus>,
    document: String,
    /// Steps that are done, in order: reads, the document, its attachment, post steps.
    steps: String,
    attempts: usize,
    found_by_probe: bool,
}

/// What it comes to.
#[derive(Debug, Serialize)]
struct Totals {
    events: i64,
    recognised_repetitions: usize,
    quarantined: i64,
    runs_done: i64,
    runs_parked: i64,
    runs_refused: i64,
    runs_pending: i64,
    documents_expected: usize,
    documents_in_sap: usize,
    duplicates: usize,
    lost: usize,
    faults_met: u64,
    settled: bool,
    seconds: f64,
}

impl Report {
    /// Reads everything back through the API, and the books, with whether all was settled, and after how many seconds.
    pub(super) async fn make(
        stage: &Stage,
        expected: &Expected,
        (settled, seconds): (bool, f64),
        telemetry: Telemetry,
    ) -> anyhow::Result<Self> {
        let client = &stage.client;
        let status: StatusAnswer = client.get("/api/v1/status").await?;
        let mut page: Page<EventRow> = client.list("/api/v1/events", &[("limit", Some("1000".to_owned()))]).await?;
        page.rows.reverse();
        let mut events = Vec::new();
        for row in &page.rows {
            events.extend(lines(client, row).await?);
        }
        let books = stage.simulator.books();
        let comparison = Comparison::new(&events, &books, (expected, settled), &status);
        let faults_met = stage.simulator.statistics().faults.values().sum();
        let pending = RunStatus::ALL.into_iter().filter(|s| !s.is_settled()).map(|s| status.runs(s)).sum();
        let totals = Totals {
            events: status.counts.events,
            recognised_repetitions: expected.recognised,
            quarantined: status.counts.quarantined,
            runs_done: status.runs(RunStatus::Done),
            runs_parked: status.runs(RunStatus::Parked),
            runs_refused: status.runs(RunStatus::Refused),
            runs_pending: pending,
            documents_expected: expected.documents,
            documents_in_sap: books.documents.len(),
            duplicates: comparison.duplicates,
            lost: comparison.lost,
            faults_met,
            settled,
            seconds,
        };
        Ok(Self { events, telemetry, totals })
    }

    /// What came of the devices.
    pub(super) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Whether every event has had its effect, once, and every reading is accounted for.
    pub(super) fn is_good(&self) -> bool {
        let totals = &self.totals;
        let effects_are_right = totals.duplicates == 0 && totals.lost == 0 && totals.runs_refused == 0;
        totals.settled && effects_are_right && self.telemetry.is_good()
    }

    /// Event, decision, action, document, and every step that led to it or followed it.
    pub(super) fn table(&self) -> Grid {
        let header = ["event", "subject", "decision", "action", "document", "steps done", "sent", "run"];
        let mut grid = Grid::new(header, "no events came in");
        grid.dispensable(["steps done", "sent", "action"]);
        for line in &self.events {
            let attempts = match (line.attempts, line.found_by_probe) {
                (0, _) => String::new(),
                (n, true) => format!("{n}, found"),
                (n, false) => n.to_string(),
            };
            grid.row([
                line.event.into(),
                shortened(&line.subject).into(),
                (&line.decision).into(),
                (&line.action).into(),
                (&line.document).into(),
                (&line.steps).into(),
                attempts.into(),
                line.status.map_or_else(|| "-".into(), status_cell),
            ]);
        }
        grid
    }

    /// The sums.
    pub(super) fn totals_table(&self) -> Grid {
        let totals = &self.totals;
        let mut grid = Grid::pairs();
        grid.pair("events", totals.events);
        grid.pair("repetitions recognised", totals.recognised_repetitions);
        grid.pair("events quarantined, with reason", totals.quarantined);
        grid.pair("faults that SAP answered with", totals.faults_met);
        grid.pair("documents found by search", self.events.iter().filter(|line| line.found_by_probe).count());
        grid.pair("documents in SAP's books", format!("{} of {}", totals.documents_in_sap, totals.documents_expected));
        grid.pair("parked for a person", totals.runs_parked);
        grid.pair("duplicates", must_be_zero(totals.duplicates));
        grid.pair("lost", must_be_zero(totals.lost));
        grid.pair("time", format!("{:.1} s", totals.seconds));
        if !totals.settled {
            grid.pair("not settled in time", Cell::toned(totals.runs_pending.to_string(), Tone::Bad));
        }
        grid
    }
}

fn must_be_zero(count: usize) -> Cell {
    Cell::toned(count.to_string(), if count == 0 { Tone::Good } else { Tone::Bad })
}

async fn lines(client: &Client, row: &EventRow) -> anyhow::Result<Vec<Line>> {
    if row.runs.is_empty() {
        return Ok(vec![line(row, None, None)]);
    }
    let mut lines = Vec::new();
    for run in &row.runs {
        let detail: RunDetail = client.get(&format!("/api/v1/runs/{}", segment(run.id.as_str()))).await?;
        lines.push(line(row, Some(run), Some(&detail)));
    }
    Ok(lines)
}

fn line(row: &EventRow, run: Option<&RunRow>, detail: Option<&RunDetail>) -> Line {
    let decisions = row.decisions.iter().flatten().map(decision_text).collect::<Vec<_>>().join("; ");
    let attempts = detail.map_or(0, |d| d.timeline.iter().filter(|entry| entry.kind == TimelineKind::Sending).count());
    Line {
        event: row.offset.0,
        subject: row.subject.clone().unwrap_or_else(|| row.kind.clone()),
        decision: row.failure.as_ref().map_or(decisions, |problem| format!("failed: {}", problem.code)),
        action: run.map_or_else(|| "none".to_owned(), |run| run.action.to_string()),
        status: run.map(|run| run.status),
        document: run.map(|run| run.documents.clone()).unwrap_or_default(),
        steps: detail.map(|detail| steps_done(&detail.timeline)).unwrap_or_default(),
        attempts,
        found_by_probe: detail.is_some_and(|d| d.timeline.iter().any(is_found)),
    }
}

/// The steps that got their answer, or were found done.
fn steps_done(timeline: &[TimelineEntry]) -> String {
    let done = timeline.iter().filter(|entry| entry.kind == TimelineKind::Answered || is_found(entry));
    let mut steps: Vec<&str> = done.map(|entry| entry.step.as_str()).collect();
    steps.dedup();
    steps.join(", ")
}

/// A search that found the document of a lost request.
fn is_found(entry: &TimelineEntry) -> bool {
    entry.kind == TimelineKind::Probed && entry.detail.get("found").and_then(Value::as_u64) == Some(1)
}

/// What Andon says against what the books say.
struct Comparison {
    duplicates: usize,
    lost: usize,
}

impl Comparison {
    /// A document is a duplicate when its key is taken, or when it has no key and no run will name it any more. A
    /// document is lost when a run names it and the books do not, or when it is missing and no run is stopped for it.
    fn new(lines: &[Line], books: &Books, (expected, settled): (&Expected, bool), status: &StatusAnswer) -> Self {
        let named: BTreeSet<&str> =
            lines.iter().flat_map(|line| line.document.split(", ")).filter(|n| !n.is_empty()).collect();
        let entered: BTreeSet<&str> = books.documents.iter().map(|document| document.number.as_str()).collect();
        let stopped =
            status.runs(RunStatus::Parked) + status.runs(RunStatus::Refused) + status.runs(RunStatus::Cancelled);
        let stopped = usize::try_from(stopped).unwrap_or_default();
        let without_key = books.documents.iter().filter(|document| document.reference.is_none());
        let unnamed = without_key.filter(|document| !named.contains(document.number.as_str())).count();
        let with_taken_key: usize = books.duplicates.iter().map(|duplicate| duplicate.numbers.len() - 1).sum();
        let not_entered = named.difference(&entered).count();
        Self {
            duplicates: with_taken_key + if settled { unnamed.saturating_sub(stopped) } else { 0 },
            lost: not_entered + missing(expected.documents, entered.len() + stopped, settled),
        }
    }
}

/// Documents that are not there; none while a pending run may still make them.
fn missing(expected: usize, accounted_for: usize, settled: bool) -> usize {
    if settled { expected.saturating_sub(accounted_for) } else { 0 }
}

/// The end of a long name, where names of one kind differ.
fn shortened(name: &str) -> String {
    match name.chars().count().checked_sub(MAX_SUBJECT) {
        None | Some(0) => name.to_owned(),
        Some(beyond) => format!("…{}", name.chars().skip(beyond + 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_that_is_still_pending() {
        assert_eq!((missing(42, 40, true), missing(42, 43, true), missing(42, 40, false)), (2, 0, 0));
    }

    #[test]
    fn long_subjects_keep_their_end() {
        assert_eq!(shortened("pump-01"), "pump-01");
        let short = shortened("a1000000-0000-4000-8000-000000000001");
        assert_eq!((short.as_str(), short.chars().count()), ("…000-8000-000000000001", MAX_SUBJECT));
    }
}
