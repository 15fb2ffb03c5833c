//! Memory while the disk is slow for ten minutes, with devices and gateways that publish as fast as they are answered.
//!
//! **Constraints.** Each sync of a file takes its time, and each write as long as its size takes, one after the other for the
//! whole program: raw log, journal and lake share the disk. Nobody is told to hold back: what a publisher may bring is
//! what the program answers. It fails when resident memory exceeds the bound, or when an acknowledged reading has no row in the
//! end.
//!
//! **Life of a measurement.** Devices are onboarded on a prompt disk; [`disk`] makes it slow; a fleet publishes by MQTT, mTLS
//! and QoS 1, [`gateways`] post batches by HTTP; then the disk is prompt again, the lake catches up, and SQL counts.

mod disk;
mod gateways;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use andon_sim::fleet::{FleetPlan, FleetReport};
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use tokio::time::{sleep, sleep_until};

use crate::fleet::Running;
use crate::mqtt::scene::Scene;
use crate::process::machine;
use disk::{PROMPT, Pace, SlowDisk};
use gateways::Gateways;

/// Parts of the time that are told apart.
const PARTS: u64 = 6;

/// Longest time for devices to be answered, and for the lake to catch up, when the disk is prompt again.
const CATCH_UP: Duration = Duration::from_mins(10);

/// Connects in a row that may fail: nobody is to give up.
const PATIENCE: u32 = 10_000;

/// How slow, how long, how much, and what is too much memory
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Seconds in which the disk is slow
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Milliseconds of each sync of a file
    #[arg(long, default_value_t = 500)]
    sync_ms: u64,
    /// Bytes that are written in a second
    #[arg(long, default_value_t = 1_000_000)]
    bytes_per_second: u64,
    /// Connections that publish as fast as they are answered
    #[arg(long, default_value_t = 100)]
    publishers: usize,
    /// Publishes of a connection that may be unanswered
    #[arg(long, default_value_t = 32)]
    window: u16,
    /// Gateways that post batches of 500 as fast as they are answered
    #[arg(long, default_value_t = 16)]
    gateways: usize,
    /// Resident memory that is too much
    #[arg(long, default_value_t = 400)]
    bound_mib: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    options: String,
    seconds: u64,
    bound_mib: u64,
    idle_mib: f64,
    /// The most in all, catching up included, as the kernel says.
    peak_mib: f64,
    samples: Vec<Sample>,
    devices: Side,
    gateways: Side,
    /// Batches that were not taken at once, and came again.
    not_taken: u64,
    /// Connections of devices that were lost and made again.
    reconnected: u64,
    /// From being prompt again to the last row.
    caught_up_seconds: f64,
    received: u64,
    rows: u64,
    drift: i64,
}

/// What was seen in a part of the time.
#[derive(Debug, Serialize)]
struct Sample {
    most_mib: f64,
    acknowledged_per_second: f64,
    /// Readings that are durable and not in the lake, in the end.
    waiting: u64,
}

/// Readings of those who came by MQTT, or by HTTP.
#[derive(Debug, Serialize)]
struct Side {
    acknowledged: u64,
    /// Different ones that the tables have.
    kept: u64,
    p50_ms: Option<f64>,
    longest_ms: Option<f64>,
}

/// Those who publish.
struct Publishers {
    fleet: Running,
    gateways: Gateways,
}

/// Measures and prints; says whether memory was bounded and everything acknowledged was kept.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    let disk = SlowDisk::build()?;
    let variables = disk.variables();
    let settings: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut scene = Scene::set_with(program, folder, options.publishers, &settings).await?;
    let publishers = Publishers::start(&mut scene, options).await?;
    let idle_mib = scene.andon.process()?.memory()?.now_mib;
    disk.set(Pace { sync_ms: options.sync_ms, bytes_per_second: options.bytes_per_second })?;
    let samples = publishers.watch(&scene, options.seconds).await?;
    disk.set(PROMPT)?;
    let prompt = Instant::now();
    let reconnected = publishers.fleet.progress().reconnected;
    let (fleet, (by_http, not_taken)) = (publishers.fleet.stop().await?, publishers.gateways.finish().await?);
    scene.andon.until_in_lake(CATCH_UP).await?;
    let caught_up_seconds = prompt.elapsed().as_secs_f64();
    let (lake, log) = (scene.andon.get("/api/v1/lake").await?, scene.andon.get("/api/v1/readings/status").await?);
    let report = Report {
        machine: machine(),
        options: format!("{} ms for a sync, {} bytes a second", options.sync_ms, options.bytes_per_second),
        seconds: options.seconds,
        bound_mib: options.bound_mib,
        idle_mib,
        peak_mib: scene.andon.process()?.memory()?.peak_mib,
        samples,
        devices: Side::of_devices(&scene, &fleet).await?,
        gateways: Side {
            acknowledged: by_http,
            kept: different(&scene, "gateway-").await?,
            p50_ms: None,
            longest_ms: None,
        },
        not_taken,
        reconnected,
        caught_up_seconds,
        received: log["received"].as_u64().context("no count of readings")?,
        rows: lake["readings"].as_u64().context("no rows in the lake's status")?,
        drift: lake["drift"].as_i64().context("no drift in the lake's status")?,
    };
    report.print(json)?;
    Ok(report.holds())
}

/// Different readings of devices whose name begins so.
async fn different(scene: &Scene, name: &str) -> anyhow::Result<u64> {
    let sql = format!(
        "SELECT sum(n) AS n FROM (SELECT device, count(DISTINCT \"sequence\") AS n FROM readings \
         WHERE device LIKE '{name}%' GROUP BY device)"
    );
    let answer = scene.andon.post("/api/v1/sql", &json!({ "query": sql })).await?;
    answer["rows"][0]["n"].as_u64().with_context(|| format!("no number in {answer}"))
}

impl Publishers {
    async fn start(scene: &mut Scene, options: &Options) -> anyhow::Result<Self> {
        let broker = scene.andon.start().await?;
        let plan = FleetPlan {
            rate: None,
            in_flight: options.window,
            together: true,
            clean: false,
            patience: PATIENCE,
            drain: CATCH_UP,
            ..broker.plan()?
        };
        let fleet = Running::start(plan, scene.first(options.publishers)).await?;
        fleet.until(|progress| progress.acknowledged > 0).await?;
        let (url, token) = (scene.andon.at("/api/v1/readings"), scene.andon.token()?);
        Ok(Self { fleet, gateways: Gateways::start(url, token, options.gateways)? })
    }

    fn acknowledged(&self) -> u64 {
        self.fleet.progress().acknowledged + self.gateways.acknowledged()
    }

    /// Looks at the memory ten times a second.
    async fn watch(&self, scene: &Scene, seconds: u64) -> anyhow::Result<Vec<Sample>> {
        let process = scene.andon.process()?;
        let part = Duration::from_secs_f64(seconds as f64 / PARTS as f64);
        let mut samples = Vec::new();
        for _ in 0..PARTS {
            let (end, before, mut most_mib) = (Instant::now() + part, self.acknowledged(), 0.0_f64);
            while Instant::now() < end {
                most_mib = most_mib.max(process.memory()?.now_mib);
                sleep(Duration::from_millis(100)).await;
            }
            sleep_until(end.into()).await;
            let acknowledged_per_second = (self.acknowledged() - before) as f64 / part.as_secs_f64();
            samples.push(Sample { most_mib, acknowledged_per_second, waiting: waiting(scene).await? });
        }
        Ok(samples)
    }
}

async fn waiting(scene: &Scene) -> anyhow::Result<u64> {
    let (lake, log) = (scene.andon.get("/api/v1/lake").await?, scene.andon.get("/api/v1/readings/status").await?);
    let next = |value: &serde_json::Value| value["next"].as_u64().context("no place in the status");
    Ok(next(&log)?.saturating_sub(next(&lake)?))
}

impl Side {
    async fn of_devices(scene: &Scene, fleet: &FleetReport) -> anyhow::Result<Self> {
        Ok(Self {
            acknowledged: fleet.total.acknowledged,
            kept: different(scene, "bench-").await?,
            p50_ms: Some(fleet.total.p50_ms),
            longest_ms: Some(fleet.total.longest_ms),
        })
    }

    const fn is_kept(&self) -> bool {
        self.kept >= self.acknowledged && self.acknowledged > 0
    }
}

impl Report {
    fn holds(&self) -> bool {
        let is_bounded = self.peak_mib <= self.bound_mib as f64;
        let is_in_the_lake = self.drift == 0 && self.rows == self.received;
        is_bounded && is_in_the_lake && self.devices.is_kept() && self.gateways.is_kept()
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { machine, options, seconds, bound_mib, idle_mib, peak_mib, .. } = self;
        writeln!(out, "{machine}; {seconds} s of a slow disk: {options}")?;
        writeln!(out, "  before {idle_mib:.0} MiB, at most {peak_mib:.0} MiB, bound {bound_mib}")?;
        for (at, Sample { most_mib, acknowledged_per_second, waiting }) in self.samples.iter().enumerate() {
            let part = at + 1;
            writeln!(
                out,
                "  part {part}: {most_mib:>4.0} MiB; {acknowledged_per_second:>6.0} acknowledged a second; {waiting:>8} wait \
                 for the lake"
            )?;
        }
        let Self { devices, gateways, not_taken, reconnected, .. } = self;
        let times = (devices.p50_ms.unwrap_or_default(), devices.longest_ms.unwrap_or_default());
        writeln!(
            out,
            "  devices: {} acknowledged, {} kept; p50 {:.0} ms, longest {:.0} ms; {reconnected} connected again",
            devices.acknowledged, devices.kept, times.0, times.1
        )?;
        writeln!(
            out,
            "  gateways: {} acknowledged, {} kept; {not_taken} batches not taken at once",
            gateways.acknowledged, gateways.kept
        )?;
        let Self { caught_up_seconds, received, rows, drift, .. } = self;
        Ok(writeln!(out, "  caught up in {caught_up_seconds:.1} s: {rows} rows of {received} readings, drift {drift}")?)
    }
}
