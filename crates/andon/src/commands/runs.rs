//! `andon runs`: list, show, and move on what waits for a person.

use std::process::ExitCode;

use andon_journal::{Page, RunDetail, RunRow};
use andon_model::{Release, RunStatus, TimelineEntry};
use clap::{Args, Subcommand};

use crate::client::segment;
use crate::commands::release::{self, Retry};
use crate::commands::{Context, episodes};
use crate::output::{Cell, Grid, Tone, facts_text, utc_time};

/// List, show, retry, resolve and cancel runs
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List runs, newest first
    List(List),
    /// Show one run with every attempt
    Show {
        /// Its identifier
        run: String,
    },
    /// Try the step that stopped again; after an unknown outcome it is probed first
    #[command(arg_required_else_help = true)]
    Retry(Retry),
    /// Go on with the next step: the document exists, or the step is not needed
    Resolve {
        /// Its identifier
        run: String,
        /// Number of the document
        #[arg(long, value_name = "NUMBER")]
        document: Option<String>,
    },
    /// Stop a run for good
    Cancel {
        /// Its identifier
        run: String,
    },
}

/// Which runs to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    /// Only runs before this sequence number
    #[arg(long, value_name = "SEQUENCE")]
    before: Option<i64>,
    /// Only this status: queued, sending, waiting, done, refused, parked, cancelled
    #[arg(long, value_name = "STATUS")]
    status: Option<RunStatus>,
    /// Only this action
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
}

pub(crate) async fn run(runs: Runs, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match runs {
        Runs::List(list) => {
            let page: Page<RunRow> = client.list("/api/v1/runs", &query(&list)).await?;
            context.output.show(&page, |page| list_table(&page.rows))?;
        }
        Runs::Show { run } => {
            let detail: RunDetail = client.get(&format!("/api/v1/runs/{}", segment(&run))).await?;
            context.output.show(&detail, facts)?;
            context.output.aside(&timeline(&detail.timeline))?;
        }
        Runs::Retry(retry) => return release::retry(retry, &client, context).await,
        Runs::Resolve { run, document } => {
            return release::one(&run, &Release::Resolve { document }, "goes on", &client, context).await;
        }
        Runs::Cancel { run } => {
            return release::one(&run, &Release::Cancel, "is cancelled", &client, context).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn query(list: &List) -> [(&'static str, Option<String>); 4] {
    [
        ("limit", Some(list.limit.to_string())),
        ("before", list.before.map(|before| before.to_string())),
        ("status", list.status.map(|status| status.to_string())),
        ("action", list.action.clone()),
    ]
}

/// Runs as a table.
pub(crate) fn list_table(rows: &[RunRow]) -> Grid {
    let mut grid = Grid::new(["run", "event", "action", "status", "documents", "updated", "why"], "no runs");
    for row in rows {
        grid.row([
            (&row.id).into(),
            row.event.into(),
            (&row.action).into(),
            status_cell(row.status),
            (&row.documents).into(),
            utc_time(row.updated_at).into(),
            (&row.summary).into(),
        ]);
    }
    grid
}

/// A status with its tone.
pub(crate) fn status_cell(status: RunStatus) -> Cell {
    let tone = match status {
        RunStatus::Done => Tone::Good,
        RunStatus::Refused | RunStatus::Parked => Tone::Bad,
        RunStatus::Waiting => Tone::Warn,
        RunStatus::Queued | RunStatus::Sending | RunStatus::Cancelled => Tone::Plain,
    };
    Cell::toned(status.as_str(), tone)
}

fn facts(detail: &RunDetail) -> Grid {
    let row = &detail.row;
    let mut grid = Grid::pairs();
    grid.pair("run", &row.id);
    grid.pair("event", row.event);
    grid.pair("action", &row.action);
    grid.pair("revision", row.revision);
    grid.pair("status", status_cell(row.status));
    grid.pair("why", &row.summary);
    if let Some(due) = row.due {
        grid.pair("wakes", utc_time(due));
    }
    for document in &detail.document_refs {
        let found = if document.found_by_probe { ", found by probe" } else { "" };
        grid.pair("document", format!("{} (step {}{found})", document.number, document.step));
    }
    if let Some(part) = episodes::part_of(detail) {
        grid.pair("episode", part);
    }
    grid
}

fn timeline(entries: &[TimelineEntry]) -> Grid {
    let mut grid = Grid::new(["at", "what", "step", "attempt", "detail"], "nothing happened yet");
    for entry in entries {
        let attempt = if entry.attempt == 0 { String::new() } else { entry.attempt.to_string() };
        grid.row([
            entry.at.into(),
            entry.kind.as_str().into(),
            (&entry.step).into(),
            attempt.into(),
            facts_text(&entry.detail).into(),
        ]);
    }
    grid
}
