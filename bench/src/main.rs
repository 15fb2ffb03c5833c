//! Measures the main job: durable three-step runs against the SAP simulator on the same machine.
//!
//! **Constraints.** A program, not a test: it reports, and fails only when documents are lost or
//! duplicated. Journal on SQLite with fsync on, simulator and load in this process, Andon as a child
//! process, all sharing the machine's cores. Every number comes from this run.
//!
//! **Life of a measurement.** [`stand`] starts simulator and Andon in a scratch folder; [`load`] posts
//! events in batches and waits until every run is done; [`latency`] posts one at a time on the idle
//! system; [`report`] prints one table, or JSON with `--json`. [`mod@restart`], [`mod@replay`], [`mod@onboarding`],
//! [`mod@mqtt`] and [`mod@lake`] measure something else: a start on a large journal, past events on a changed
//! configuration, new devices, their door, and the tables that their readings become; [`mod@pipeline`] both together,
//! [`mod@fan_out`] live values, [`mod@dashboard`] a query. [`mod@lake_kept`], [`mod@slow`] and [`mod@slow_disk`] show what must
//! hold meanwhile.

mod andon;
mod dashboard;
mod fan_out;
mod fleet;
mod intake;
mod lake;
mod lake_kept;
mod latency;
mod load;
mod mqtt;
mod onboarding;
mod pipeline;
mod process;
mod python;
mod replay;
mod report;
mod restart;
mod slow;
mod slow_disk;
mod stand;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Report;
use crate::stand::Stand;

/// Measure Andon on this machine
#[derive(Debug, Parser)]
struct Arguments {
    /// Events for the throughput measurement
    #[arg(long, default_value_t = 10_000)]
    events: usize,
    /// Events for the latency measurement, one after the other
    #[arg(long, default_value_t = 500)]
    single_events: usize,
    /// The program to measure [default: the one beside this one]
    #[arg(long, global = true)]
    andon: Option<PathBuf>,
    /// Where the journal is kept while measuring [default: the folder for temporary files]
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    instead: Option<Instead>,
}

#[derive(Debug, Subcommand)]
enum Instead {
    /// Measure a restart on a large journal; needs sqlite3
    Restart {
        /// Size of the journal in GiB
        #[arg(long, default_value_t = 10)]
        gib: u64,
    },
    /// Measure a replay of past events, in a network that leads nowhere; needs sqlite3, unshare and ip
    Replay {
        /// How many events, in thousands made from one
        #[arg(long, default_value_t = 100_000)]
        events: usize,
    },
    /// Measure how many devices are onboarded in a second
    Onboarding {
        /// Devices by the API, with signing requests, and as many whose keys Andon makes
        #[arg(long, default_value_t = 5_000)]
        devices: usize,
        /// Devices of each of the two files
        #[arg(long, default_value_t = 20_000)]
        bulk: usize,
        /// Connections that are kept
        #[arg(long, default_value_t = 64)]
        connections: usize,
    },
    /// Measure the door for devices beside mosquitto; needs mosquitto, `mosquitto_sub` and openssl
    Mqtt(mqtt::Options),
    /// Measure readings becoming Delta tables beside DuckDB and Polars; needs the example `lake_rate`, and both
    Lake(lake::Options),
    /// Show that each reading is in the lake once, killed and without room in between; needs unshare, mount, and readers
    LakeKept(lake_kept::Options),
    /// Show that memory is bounded while the lake's bucket and SAP are slow, or silent
    Slow(slow::Options),
    /// Show that memory is bounded while the disk is slow, and that what is acknowledged is kept; needs cc
    SlowDisk(slow_disk::Options),
    /// Measure messages from devices to the last row in the lake, by stage
    Pipeline(pipeline::Options),
    /// Measure live values on their way to many readers at once
    FanOut(fan_out::Options),
    /// Measure a dashboard's query over a long history beside DuckDB; needs the example `lake_rate`, and DuckDB
    Dashboard(dashboard::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let program = match arguments.andon {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("andon"),
    };
    if let Some(instead) = &arguments.instead {
        let folder = arguments.folder.as_deref();
        let is_kept = match *instead {
            Instead::Restart { gib } => restart::measure(&program, folder, gib).await.map(|()| true)?,
            Instead::Replay { events } => replay::measure(&program, folder, events).await.map(|()| true)?,
            Instead::Onboarding { devices, bulk, connections } => {
                let load = onboarding::Load { devices, bulk, connections };
                onboarding::measure(&program, folder, load, arguments.json).await.map(|()| true)?
            }
            Instead::Mqtt(ref options) => mqtt::measure(&program, folder, options, arguments.json).await?,
            Instead::Lake(ref options) => lake::measure(folder, options, arguments.json)?,
            Instead::LakeKept(ref options) => lake_kept::measure(&program, folder, options, arguments.json).await?,
            Instead::Slow(ref options) => slow::measure(&program, folder, options, arguments.json).await?,
            Instead::SlowDisk(ref options) => slow_disk::measure(&program, folder, options, arguments.json).await?,
            Instead::Pipeline(ref options) => pipeline::measure(&program, folder, options, arguments.json).await?,
            Instead::FanOut(ref options) => fan_out::measure(&program, folder, options, arguments.json).await?,
            Instead::Dashboard(ref options) => dashboard::measure(&program, folder, options, arguments.json).await?,
        };
        return Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let stand = Stand::start(&program, arguments.folder.as_deref()).await?;
    let idle = stand.process().memory()?;
    let latency = latency::measure(&stand, arguments.single_events).await?;
    let load = load::measure(&stand, arguments.events).await?;
    let report = Report::new(&stand, idle, latency, load)?;
    report.print(arguments.json)?;
    Ok(if report.is_exact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
