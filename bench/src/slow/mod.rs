//! Memory while what readings and events go to is slow, then silent, for ten minutes.
//!
//! **Constraints.** Readings and events come at a fixed rate all the time and must all be acknowledged. The lake is in a
//! bucket that answers each request late, then none, then late again; SAP answers each request after twenty seconds, so that
//! runs pile up. It fails when resident memory exceeds the bound, and when in the end, with both prompt again, a reading has no
//! row, or an event not exactly one document.
//!
//! **Life of a measurement.** [`crate::stand`] starts SAP's simulator and Andon, whose lake lies in a simulated bucket;
//! [`pressure`] brings readings and events second by second and looks at the memory; then everything may catch up.

mod pressure;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use andon_sim::{BucketPace, SimulatedBucket};
use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use tokio::time::sleep;

use crate::process::machine;
use crate::stand::Stand;
use pressure::{Pressure, Sample};

/// How late the bucket answers when it is slow.
const BUCKET_DELAY: Duration = Duration::from_secs(5);

/// Faults of SAP meanwhile: each request takes so long.
const SAP_DELAY: &str = "slow=1:20s";

/// Longest time for everything to catch up.
const CATCH_UP: Duration = Duration::from_mins(15);

/// How long, how much, and what is too much memory
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Seconds in which the bucket and SAP are slow, or silent
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Readings a second
    #[arg(long, default_value_t = 1_000)]
    readings: u64,
    /// Events a second, each of which makes a document in SAP
    #[arg(long, default_value_t = 20)]
    events: u64,
    /// Resident memory that is too much
    #[arg(long, default_value_t = 400)]
    bound_mib: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    seconds: u64,
    readings: u64,
    events: u64,
    bound_mib: u64,
    /// Resident memory before it began.
    idle_mib: f64,
    /// The most in all, catching up included, as the kernel says.
    peak_mib: f64,
    /// In each sixth of the time: the most memory, and what was waiting in the end.
    samples: Vec<Sample>,
    /// From being prompt again to nothing waiting.
    caught_up_seconds: f64,
    rows: u64,
    received: u64,
    drift: i64,
    documents: u64,
    duplicates: u64,
}

/// Measures and prints; says whether memory was bounded and everything arrived.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    let bucket = SimulatedBucket::start().await?;
    let endpoint = bucket.endpoint();
    let settings = [
        ("ANDON_LAKE__TO", "s3://bench/lake"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "simulated"),
        ("AWS_SECRET_ACCESS_KEY", "simulated"),
    ];
    let stand = Stand::start_with(program, folder, &settings).await?;
    let idle_mib = stand.process().memory()?.now_mib;
    let pressure = Pressure { stand: &stand, readings: options.readings, events: options.events };
    let samples = press(&pressure, &bucket, options.seconds).await?;
    let caught_up_seconds = catch_up(&stand).await?;
    let (lake, log) = (stand.get("/api/v1/lake").await?, stand.get("/api/v1/readings/status").await?);
    let books = stand.sap.books().totals;
    let number = |value: &serde_json::Value| value.as_u64().context("no number in the status");
    let report = Report {
        machine: machine(),
        seconds: options.seconds,
        readings: options.readings * options.seconds,
        events: options.events * options.seconds,
        bound_mib: options.bound_mib,
        idle_mib,
        peak_mib: stand.process().memory()?.peak_mib,
        samples,
        caught_up_seconds,
        rows: number(&lake["readings"])?,
        received: number(&log["received"])?,
        drift: lake["drift"].as_i64().context("no drift in the lake's status")?,
        documents: books.documents,
        duplicates: books.surplus,
    };
    report.print(json)?;
    Ok(report.holds())
}

/// Six parts: the bucket is slow in the first two and the last two, and silent in between.
async fn press(pressure: &Pressure<'_>, bucket: &SimulatedBucket, seconds: u64) -> anyhow::Result<Vec<Sample>> {
    pressure.stand.sap.set_faults(1, SAP_DELAY.parse()?);
    let mut samples = Vec::new();
    for part in 0..6 {
        bucket.set_pace(if part / 2 == 1 { BucketPace::Silent } else { BucketPace::Slow(BUCKET_DELAY) });
        let (from, to) = (seconds * part / 6, seconds * (part + 1) / 6);
        samples.push(pressure.press(from..to).await?);
    }
    pressure.stand.sap.set_faults(1, "none".parse()?);
    bucket.set_pace(BucketPace::Prompt);
    Ok(samples)
}

/// Waits until every reading is in the lake and every run is done.
async fn catch_up(stand: &Stand) -> anyhow::Result<f64> {
    let begun = Instant::now();
    loop {
        let (lake, log) = (stand.get("/api/v1/lake").await?, stand.get("/api/v1/readings/status").await?);
        if lake["next"] == log["next"] && stand.pending().await? == 0 {
            return Ok(begun.elapsed().as_secs_f64());
        }
        ensure!(begun.elapsed() < CATCH_UP, "it does not catch up: {lake}, of {log}");
        sleep(Duration::from_millis(100)).await;
    }
}

impl Report {
    fn holds(&self) -> bool {
        let is_bounded = self.peak_mib <= self.bound_mib as f64;
        let has_all_rows = self.drift == 0 && self.rows == self.readings && self.received == self.readings;
        is_bounded && has_all_rows && self.documents == self.events && self.duplicates == 0
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { seconds, readings, events, bound_mib, idle_mib, peak_mib, .. } = self;
        writeln!(out, "{}; {seconds} s of a slow or silent bucket and a slow SAP", self.machine)?;
        writeln!(
            out,
            "  {readings} readings, {events} events; idle {idle_mib:.0} MiB, at most {peak_mib:.0} MiB, bound {bound_mib}"
        )?;
        for (at, Sample { most_mib, readings_waiting, runs_waiting }) in self.samples.iter().enumerate() {
            let part = at + 1;
            writeln!(
                out,
                "  part {part}: {most_mib:>4.0} MiB; {readings_waiting:>8} readings and {runs_waiting:>6} events and runs wait"
            )?;
        }
        let Self { caught_up_seconds, rows, received, drift, documents, duplicates, .. } = self;
        writeln!(
            out,
            "  caught up in {caught_up_seconds:.1} s: {rows} rows of {received} readings, drift {drift}; {documents} \
             documents, {duplicates} duplicated"
        )?;
        Ok(())
    }
}
