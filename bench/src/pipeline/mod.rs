//! From devices to the lake: MQTT over TLS with client certificates, QoS 1, until the last reading has its row.
//!
//! **Constraints.** Andon as it comes, durable before PUBACK, with a lake in a folder that is synced; only the limits of what a
//! device may publish are raised. The load shares the machine's cores. Counted is processor time of the program from the
//! first message to the last row, so that what the lake does later counts too. It fails when a reading has no row.
//!
//! **Life of a measurement.** Devices are onboarded and connect; all publish for some seconds as fast as they are answered;
//! then the lake catches up. Stages are told apart by the names of threads: [`STAGES`].

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use andon_sim::fleet::FleetPlan;
use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;

use crate::fleet::Running;
use crate::mqtt::scene::Scene;
use crate::process::machine;

/// Names of threads, and what they do.
const STAGES: [(&str, &str); 3] = [
    ("andon", "door, TLS, MQTT, live values"),
    ("raw-log", "raw log: lines, checksums, fsync"),
    ("andon-lake", "lake: reading, flattening, Parquet, commits"),
];

/// Messages for a second of the program's processor time.
const BUDGET: f64 = 25_000.0;

/// Longest time for the lake to catch up.
const CATCH_UP: Duration = Duration::from_mins(10);

/// How hard, and how long
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Seconds in which devices publish
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Connections that publish as fast as they are answered
    #[arg(long, default_value_t = 100)]
    publishers: usize,
    /// Publishes of a connection that may be unanswered
    #[arg(long, default_value_t = 32)]
    window: u16,
    /// How often, each time with a new lake behind the old one
    #[arg(long, default_value_t = 3)]
    turns: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    publishers: usize,
    seconds: u64,
    turns: Vec<Turn>,
}

#[derive(Debug, Serialize)]
struct Turn {
    acknowledged: u64,
    per_second: f64,
    payload_bytes: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// From the last acknowledgement to the last row.
    caught_up_seconds: f64,
    cpu_seconds: f64,
    per_cpu_second: f64,
    /// CPU seconds by name of thread.
    threads: BTreeMap<String, f64>,
    rows: u64,
    received: u64,
    drift: i64,
    memory_mib: f64,
}

/// Measures and prints; says whether every reading has its row.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    let mut scene = Scene::set(program, folder, options.publishers).await?;
    let mut turns: Vec<Turn> = Vec::new();
    for _ in 0..options.turns {
        let before = turns.last().map_or(0, |turn| turn.received);
        turns.push(turn(&mut scene, options, before).await?);
    }
    let Options { publishers, seconds, .. } = *options;
    let report = Report { machine: machine(), publishers, seconds, turns };
    report.print(json)?;
    Ok(report.turns.iter().all(|turn| turn.rows == turn.received && turn.drift == 0))
}

async fn turn(scene: &mut Scene, options: &Options, received_before: u64) -> anyhow::Result<Turn> {
    let broker = scene.andon.start().await?;
    let plan = FleetPlan {
        rate: None,
        duration: Some(Duration::from_secs(options.seconds)),
        in_flight: options.window,
        together: true,
        ..broker.plan()?
    };
    let fleet = Running::start(plan, scene.first(options.publishers)).await?;
    fleet.until(|progress| progress.sent > 0).await?;
    let (cpu, threads) = (broker.process.cpu_seconds()?, broker.process.cpu_seconds_by_thread()?);
    let fleet = fleet.end().await?;
    let ended = Instant::now();
    scene.andon.until_in_lake(CATCH_UP).await?;
    let caught_up_seconds = ended.elapsed().as_secs_f64();
    let cpu_seconds = broker.process.cpu_seconds()? - cpu;
    let mut by_thread = broker.process.cpu_seconds_by_thread()?;
    for (name, before) in threads {
        by_thread.entry(name).and_modify(|now| *now -= before);
    }
    let (lake, log) = (scene.andon.get("/api/v1/lake").await?, scene.andon.get("/api/v1/readings/status").await?);
    let memory_mib = broker.process.memory()?.peak_mib;
    scene.andon.kill();
    let acknowledged = fleet.total.acknowledged;
    let received = log["received"].as_u64().context("no count of readings")?;
    ensure!(received - received_before >= acknowledged, "acknowledged readings are missing in the raw log");
    Ok(Turn {
        acknowledged,
        per_second: fleet.acknowledged_per_second,
        payload_bytes: fleet.total.bytes as f64 / fleet.total.sent.max(1) as f64,
        p50_ms: fleet.total.p50_ms,
        p99_ms: fleet.total.p99_ms,
        caught_up_seconds,
        cpu_seconds,
        per_cpu_second: acknowledged as f64 / cpu_seconds,
        threads: by_thread,
        rows: lake["readings"].as_u64().context("no rows in the lake's status")?,
        received,
        drift: lake["drift"].as_i64().context("no drift in the lake's status")?,
        memory_mib,
    })
}

impl Report {
    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { machine, publishers, seconds, turns } = self;
        writeln!(
            out,
            "{machine}; server and load on the same cores; {publishers} connections, QoS 1, mTLS, {seconds} s"
        )?;
        turns.iter().try_for_each(|turn| turn.print(&mut out))
    }
}

impl Turn {
    fn print(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let Self { acknowledged, per_second, payload_bytes, p50_ms, p99_ms, .. } = self;
        let Self { caught_up_seconds, cpu_seconds, per_cpu_second, rows, received, drift, memory_mib, .. } = self;
        writeln!(
            out,
            "  {per_cpu_second:.0} messages of {payload_bytes:.0} bytes for a CPU second (budget {BUDGET:.0}): \
             {acknowledged} acknowledged, {per_second:.0}/s, p50 {p50_ms:.0} ms, p99 {p99_ms:.0} ms"
        )?;
        writeln!(
            out,
            "    the last row {caught_up_seconds:.2} s after the last acknowledgement; {rows} rows of {received}, drift \
             {drift}; {cpu_seconds:.2} s of CPU, at most {memory_mib:.0} MiB"
        )?;
        let micros = |seconds: f64| seconds * 1e6 / (*acknowledged).max(1) as f64;
        for (name, seconds) in self.threads.iter().filter(|(_, seconds)| **seconds >= 0.005) {
            let stage = STAGES.iter().find(|(thread, _)| thread == name).map_or("", |(_, what)| what);
            writeln!(out, "    {name:<16} {seconds:>7.2} s {:>7.2} us a message  {stage}", micros(*seconds))?;
        }
        let rest = cpu_seconds - self.threads.values().sum::<f64>();
        Ok(writeln!(out, "    {:<16} {rest:>7.2} s {:>7.2} us a message", "threads gone", micros(rest))?)
    }
}
