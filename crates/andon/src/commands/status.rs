//! `andon status`: how the server is, in numbers.

use std::process::ExitCode;

use andon_engine::Status;
use andon_journal::Counts;
use andon_model::RunStatus;
use serde::{Deserialize, Serialize};

use crate::commands::Context;
use crate::output::{Cell, Grid, Tone};

/// `GET /api/v1/status`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatusAnswer {
    /// Version of the server.
    pub(crate) version: String,
    /// The engine.
    pub(crate) status: Status,
    /// The journal.
    pub(crate) counts: Counts,
}

impl StatusAnswer {
    /// Runs of one status.
    pub(crate) fn runs(&self, status: RunStatus) -> i64 {
        self.counts.runs.get(&status).copied().unwrap_or_default()
    }
}

pub(crate) async fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let answer: StatusAnswer = context.client()?.get("/api/v1/status").await?;
    context.output.show(&answer, table)?;
    Ok(if answer.status.ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(answer: &StatusAnswer) -> Grid {
    let (status, counts) = (&answer.status, &answer.counts);
    let mut grid = Grid::pairs();
    grid.pair("version", &answer.version);
    grid.pair("ready", if status.ready { Cell::toned("yes", Tone::Good) } else { Cell::toned("no", Tone::Bad) });
    if let Some(problem) = &status.problem {
        grid.pair("problem", Cell::toned(problem.to_string(), Tone::Bad));
    }
    grid.pair("configuration", format!("revision {}", status.revision));
    grid.pair("events", counts.events);
    grid.pair("undecided", counts.undecided);
    grid.pair("failed decisions", attention(counts.failed_decisions));
    grid.pair("quarantined", attention(counts.quarantined));
    for state in RunStatus::ALL {
        let count = answer.runs(state);
        let needs_person = matches!(state, RunStatus::Refused | RunStatus::Parked);
        grid.pair(&format!("runs {state}"), if needs_person { attention(count) } else { count.into() });
    }
    grid.pair("requests under way", status.in_flight);
    for name in &status.open_circuits {
        grid.pair("open circuit", Cell::toned(name.to_string(), Tone::Warn));
    }
    for (name, problem) in &status.failing_sources {
        grid.pair("failing source", Cell::toned(format!("{name}: {problem}"), Tone::Bad));
    }
    grid
}

/// A number that should be zero.
fn attention(count: i64) -> Cell {
    Cell::toned(count.to_string(), if count == 0 { Tone::Plain } else { Tone::Warn })
}
