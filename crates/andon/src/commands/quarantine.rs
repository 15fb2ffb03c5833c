//! `andon quarantine`: what could not be decoded, kept as it came.

use std::process::ExitCode;

use andon_journal::{DEVICE_HEADER, MQTT_TOPIC_HEADER, Page, QuarantineRow, QuarantineStatus};
use clap::Subcommand;
use reqwest::Method;

use crate::client::DeliveredAnswer;
use crate::commands::Context;
use crate::output::{Cell, Grid, Output, Tone, one_line, utc_time};

/// List, show and replay what could not be decoded
#[derive(Debug, Subcommand)]
pub(crate) enum Quarantine {
    /// List entries, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50, value_name = "NUMBER")]
        limit: usize,
        /// Only entries before this one
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
    },
    /// Show one entry: why, where, and with --raw its bytes
    Show {
        /// Its number
        id: i64,
        /// Write the bytes to standard output, as they came
        #[arg(long)]
        raw: bool,
    },
    /// Take an entry through its source's decoder again
    Replay {
        /// Its number
        id: i64,
    },
}

pub(crate) async fn run(quarantine: Quarantine, context: &Context) -> anyhow::Result<ExitCode> {
    let (client, output) = (context.client()?, context.output);
    match quarantine {
        Quarantine::List { limit, before } => {
            let query = [("limit", Some(limit.to_string())), ("before", before.map(|id| id.to_string()))];
            let page: Page<QuarantineRow> = client.list("/api/v1/quarantine", &query).await?;
            output.show(&page, |page| list_table(&page.rows))?;
        }
        Quarantine::Show { id, raw: true } => {
            Output::bytes(&client.bytes(&format!("/api/v1/quarantine/{id}/raw")).await?)?;
        }
        Quarantine::Show { id, raw: false } => {
            let row: QuarantineRow = client.get(&format!("/api/v1/quarantine/{id}")).await?;
            output.show(&row, facts)?;
        }
        Quarantine::Replay { id } => {
            let answer: DeliveredAnswer = client.act(Method::POST, &format!("/api/v1/quarantine/{id}/replay")).await?;
            output.say(&answer, |answer| replayed(id, answer))?;
            return Ok(if answer.quarantined.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list_table(rows: &[QuarantineRow]) -> Grid {
    let mut grid = Grid::new(["id", "received", "source", "from", "status", "bytes", "why"], "the quarantine is empty");
    for row in rows {
        grid.row([
            row.id.into(),
            utc_time(row.received_at).into(),
            (&row.source).into(),
            origin(row).into(),
            status_cell(row.status),
            row.size.into(),
            (&row.problem).into(),
        ]);
    }
    grid
}

/// The object's path, or device and topic of what came by MQTT.
fn origin(row: &QuarantineRow) -> String {
    let header = |wanted: &str| row.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let parts = [header(DEVICE_HEADER), header(MQTT_TOPIC_HEADER), Some(row.path.as_str())];
    let shown: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    one_line(&shown.join(" "))
}

fn status_cell(status: QuarantineStatus) -> Cell {
    match status {
        QuarantineStatus::Open => Cell::toned("open", Tone::Warn),
        QuarantineStatus::Replayed => Cell::toned("replayed", Tone::Good),
    }
}

fn facts(row: &QuarantineRow) -> Grid {
    let mut grid = Grid::pairs();
    grid.pair("entry", row.id);
    grid.pair("source", &row.source);
    grid.pair("path", &row.path);
    grid.pair("received", utc_time(row.received_at));
    grid.pair("status", status_cell(row.status));
    grid.pair("bytes", row.size);
    grid.pair("code", row.problem.code);
    grid.pair("where", row.problem.place.as_deref().unwrap_or("-"));
    grid.pair("what", &row.problem.detail);
    grid.pair("media type", row.content_type.as_deref().unwrap_or("-"));
    for (name, value) in &row.headers {
        grid.pair(name, value);
    }
    grid
}

fn replayed(id: i64, answer: &DeliveredAnswer) -> String {
    let events: Vec<String> = answer.events.iter().map(|event| event.offset.to_string()).collect();
    let faults: Vec<String> = answer.quarantined.iter().map(|entry| format!("\n  {}", entry.problem)).collect();
    match (events.as_slice(), faults.as_slice()) {
        ([], []) => format!("entry {id} holds no event any more"),
        (_, []) => format!("entry {id} became event {}", events.join(", ")),
        ([], _) => format!("entry {id} still cannot be decoded:{}", faults.concat()),
        _ => format!("entry {id} became event {}, but not all of it:{}", events.join(", "), faults.concat()),
    }
}
