//! A dashboard's query over a long history: 48 hours of one type of device out of thirty days, beside DuckDB.
//!
//! **Constraints.** All ask the same Parquet files, which Andon's own lake has written, with two threads each, several times.
//! Andon answers over its API and leaves files out by what Delta's log says of them. DuckDB is given all files, as somebody would
//! who points it at the table, and then only those of the right days, as somebody would who knows the partitions. It fails
//! unless all give the same rows.
//!
//! **Life of a measurement.** The example `lake_rate` makes the history in a data folder, piece by piece, so that the raw log
//! stays small; the program is started on it and asked; then DuckDB.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use crate::andon::Andon;
use crate::process::machine;
use crate::python::{Python, answer};

/// The quickstart's dashboard: hourly averages of the devices of a type, in the last 48 hours of the history.
const QUERY: &str = r#"SELECT date_trunc('hour', ts) AS hour, device, avg("measurements.temperature") AS temperature
FROM readings
WHERE "device.capabilitymodelid" = 'urn:s1:room:1' AND ts >= TIMESTAMP 'SINCE'
GROUP BY 1, 2 ORDER BY 1, 2"#;

/// How long a query may take.
const LIMIT: u64 = 240;

/// How long the program is left alone after its start.
const SETTLE: Duration = Duration::from_secs(5);

/// How long a history, and with which programs
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Readings of the history, of some 340 bytes each
    #[arg(long, default_value_t = 100_000_000)]
    rows: u64,
    /// How often each is asked
    #[arg(long, default_value_t = 5)]
    times: usize,
    #[command(flatten)]
    python: Python,
    /// The example `lake_rate` [default: the one beside this program]
    #[arg(long)]
    lake_rate: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    cpu_seconds: f64,
    seconds: f64,
    rows: u64,
    /// 48 hours before its end, as SQL writes it.
    since: String,
}

/// One who was asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    who: String,
    /// Each time, on the clock; and processor time of all of them.
    seconds: Vec<f64>,
    cpu_seconds: f64,
    /// Rows of the answer, and the sum of its averages.
    rows: u64,
    sum: f64,
    /// Most resident memory.
    peak_mib: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    history: History,
    files: u64,
    gigabytes: f64,
    asked: Vec<Asked>,
}

/// Measures and prints; says whether all answers are the same.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    let folder = folder.map_or_else(TempDir::new, TempDir::new_in)?;
    let data = folder.path().join("data");
    let history = make(&data, options)?;
    let query = QUERY.replace("SINCE", &history.since);
    let settings =
        [("ANDON_ASSETS__EVENT_TIME", "timestamp"), ("ANDON_LAKE__TIDY", "1000h"), ("ANDON_LAKE__QUERY_TIME", "5m")];
    let mut andon = Andon::new(program, &data, &settings)?;
    andon.serve().await?;
    tokio::time::sleep(SETTLE).await;
    let tables = andon.get("/api/v1/lake").await?;
    let table = tables["tables"].as_array().and_then(|tables| tables.iter().find(|table| table["name"] == "readings"));
    let table = table.context("the lake has no readings")?;
    let (files, bytes) = (table["files"].as_u64().unwrap_or_default(), table["bytes"].as_f64().unwrap_or_default());
    let mut asked = vec![ask(&andon, &query, options.times).await?];
    andon.kill();
    let times = options.times.to_string();
    let lake = data.join("lake/readings");
    let peers: Vec<Asked> = options
        .python
        .ask("dashboard.py", &[lake.as_os_str(), query.as_ref(), history.since.as_ref(), times.as_ref()])?;
    asked.extend(peers);
    let report = Report { machine: machine(), history, files, gigabytes: bytes / 1e9, asked };
    report.print(json)?;
    Ok(report.is_equal())
}

fn make(data: &Path, options: &Options) -> anyhow::Result<History> {
    let lake_rate = match &options.lake_rate {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("examples").join("lake_rate"),
    };
    answer(Command::new(lake_rate).arg("history").arg(data).arg(options.rows.to_string()))
}

async fn ask(andon: &Andon, query: &str, times: usize) -> anyhow::Result<Asked> {
    let process = andon.process()?;
    let cpu = process.cpu_seconds()?;
    let (mut seconds, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let begun = Instant::now();
        let answer = andon.post("/api/v1/sql", &json!({ "query": query, "timeout": LIMIT })).await?;
        seconds.push(begun.elapsed().as_secs_f64());
        rows = answer["rows"].as_array().cloned().context("no rows")?;
    }
    ensure!(!rows.is_empty(), "the answer is empty");
    let sum = rows.iter().filter_map(|row| row["temperature"].as_f64()).sum();
    let cpu_seconds = process.cpu_seconds()? - cpu;
    let peak_mib = process.memory()?.peak_mib;
    Ok(Asked { who: "Andon".to_owned(), seconds, cpu_seconds, rows: rows.len() as u64, sum, peak_mib })
}

impl Report {
    fn is_equal(&self) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
        self.asked
            .first()
            .is_some_and(|first| self.asked.iter().all(|other| other.rows == first.rows && close(other.sum, first.sum)))
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { machine, history, files, gigabytes, asked } = self;
        let History { rows, seconds, cpu_seconds, since } = history;
        writeln!(
            out,
            "{machine}; {rows} readings in {files} files, {gigabytes:.2} GB, made in {seconds:.0} s ({cpu_seconds:.0} s of CPU); from {since} on"
        )?;
        for Asked { who, seconds, cpu_seconds, rows, sum, peak_mib } in asked {
            let first = seconds.first().copied().unwrap_or_default();
            let best = seconds.iter().copied().fold(f64::INFINITY, f64::min);
            let cpu = cpu_seconds / seconds.len().max(1) as f64;
            writeln!(
                out,
                "  {who:<28} first {first:.2} s, best {best:.2} s, CPU {cpu:.2} s each; {rows} rows, sum {sum:.3}; at most {peak_mib:.0} MiB"
            )?;
        }
        Ok(())
    }
}
