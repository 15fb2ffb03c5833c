//! `andon lake`: the readings as tables, and whether every one is accounted for.

use std::process::ExitCode;

use andon_server::schema::{ConservationPage, Lake, LakeUpkeep};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::commands::Context;
use crate::output::{Cell, Grid, Tone};

/// Show, compact and rebuild the lake
#[derive(Debug, Subcommand)]
pub(crate) enum Lakes {
    /// Show tables, freshness, and whether every reading is accounted for
    Status(Status),
    /// Merge small files
    Compact,
    /// Remove files that no kept version needs
    Vacuum,
    /// Make all tables anew from the raw log
    Rebuild {
        /// Do it: until the log is read again, queries see the tables grow
        #[arg(long)]
        yes: bool,
    },
}

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Account for the readings of each device
    #[arg(long)]
    devices: bool,
    /// Devices behind this one
    #[arg(long, value_name = "NAME", requires = "devices")]
    after: Option<String>,
    /// At most so many devices
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: usize,
}

pub(crate) async fn run(lake: Lakes, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match lake {
        Lakes::Status(Status { devices: false, .. }) => {
            let lake: Lake = client.get("/api/v1/lake").await?;
            context.output.show(&lake, facts)?;
            context.output.aside(&tables(&lake))?;
            return Ok(if lake.drift == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Lakes::Status(Status { after, limit, .. }) => {
            let query = [("limit", Some(limit.to_string())), ("after", after)];
            let page: ConservationPage = client.list("/api/v1/lake/devices", &query).await?;
            context.output.show(&page, devices_table)?;
        }
        Lakes::Compact => show_upkeep(context, &client.act(Method::POST, "/api/v1/lake/compact").await?)?,
        Lakes::Vacuum => show_upkeep(context, &client.act(Method::POST, "/api/v1/lake/vacuum").await?)?,
        Lakes::Rebuild { yes: false } => {
            context.output.note("nothing was done: say --yes to make all tables anew from the raw log")?;
            return Ok(ExitCode::FAILURE);
        }
        Lakes::Rebuild { yes: true } => {
            let _: Value = client.act(Method::POST, "/api/v1/lake/rebuild").await?;
            let text = "the tables are made anew: andon lake status shows how far";
            context.output.say(&json!({ "rebuilding": true }), |_| text.to_owned())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn facts(lake: &Lake) -> Grid {
    let mut grid = Grid::pairs();
    grid.pair("readings", lake.readings);
    grid.pair("quarantined", lake.quarantined);
    grid.pair("in flight", format!("{}, the oldest {:.1} s old", lake.in_flight, lake.behind_seconds));
    if lake.missing > 0 {
        grid.pair("missing in the raw log", Cell::toned(lake.missing.to_string(), Tone::Warn));
    }
    grid.pair("not accounted for", drift_cell(lake.drift));
    grid.pair("generation", lake.generation);
    grid
}

fn drift_cell(drift: i64) -> Cell {
    Cell::toned(drift.to_string(), if drift == 0 { Tone::Good } else { Tone::Bad })
}

fn tables(lake: &Lake) -> Grid {
    let mut grid = Grid::new(["table", "rows", "columns", "files", "bytes", "version"], "no tables yet");
    for table in &lake.tables {
        let (rows, columns, files) = (table.rows, table.columns, table.files);
        let (bytes, version) = (table.bytes, table.version);
        grid.row([(&table.name).into(), rows.into(), columns.into(), files.into(), bytes.into(), version.into()]);
    }
    grid
}

fn devices_table(page: &ConservationPage) -> Grid {
    let header = ["device", "received", "rows", "quarantined", "in flight", "not accounted for"];
    let mut grid = Grid::new(header, "no device has sent anything yet");
    for row in &page.devices {
        grid.row([
            (&row.device).into(),
            row.received.into(),
            row.readings.into(),
            row.quarantined.into(),
            row.in_flight.into(),
            drift_cell(row.drift),
        ]);
    }
    grid
}

fn show_upkeep(context: &Context, done: &LakeUpkeep) -> anyhow::Result<()> {
    context.output.show(done, |done| {
        let mut grid = Grid::new(["table", "files removed", "files added"], "there was nothing to do");
        for table in &done.tables {
            grid.row([(&table.table).into(), table.files_removed.into(), table.files_added.into()]);
        }
        grid
    })
}
