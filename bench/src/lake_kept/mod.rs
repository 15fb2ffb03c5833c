//! Exactly once in the lake: readings, many of them sent twice, while the program is killed and its disk fills up.
//!
//! **Constraints.** The program itself, killed with SIGKILL at places that a seed draws; the disk is a file system in memory
//! of limited size, in a mount namespace of this measurement (`unshare -rm`: root is not needed), and is filled to its last
//! byte once. A kill leaves the kernel's memory: what a loss of power would take is a matter of the raw log's own tests.
//! The tables are read by programs that are not ours. It fails unless everything is there once, to the row.
//!
//! **Life of a measurement.** [`senders`] post numbered readings in batches until each batch is answered with 202, some of
//! them again on purpose; here the program is killed and started again as often as was asked for, and [`disk`] filled.
//! When the lake has caught up, [`books`] compares what readers find with what must be there.

mod books;
mod disk;
mod senders;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use tokio::time::sleep;

use crate::andon::Andon;
use crate::process::machine;
use crate::python::Python;
use books::{Expected, Found};
use disk::SmallDisk;
use senders::Senders;

/// Set for the process that has a mount namespace of its own.
const INSIDE: &str = "ANDON_BENCH_INSIDE";

/// Little is gathered for a commit, so that kills meet many of them.
const SETTINGS: [(&str, &str); 2] = [("ANDON_LAKE__GATHER", "100ms"), ("ANDON_READINGS__SEGMENT_BYTES", "16777216")];

/// Longest time for the lake to catch up.
const CATCH_UP: Duration = Duration::from_mins(20);

/// Longest time with a full disk.
const FULL_LIMIT: Duration = Duration::from_mins(2);

/// How long nothing is acknowledged before the full disk is given room again.
const STANDSTILL: Duration = Duration::from_secs(3);

/// How much is sent, and what happens meanwhile
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Readings that differ; one batch in ten is sent twice
    #[arg(long, default_value_t = 1_000_000)]
    readings: u64,
    /// How often the program is killed
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// Size of the disk that is filled; 0 is for machines that allow no such disk, where nothing is filled
    #[arg(long, default_value_t = 2_048)]
    disk_mib: u64,
    /// Who reads the tables: deltalake, duckdb
    #[arg(long, value_delimiter = ',', default_value = "deltalake,duckdb")]
    readers: Vec<String>,
    /// Where kills fall
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    python: Python,
}

/// What happened, and what was found.
#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    kills: usize,
    /// Batches that were not taken, by a refusal or a lost connection, and were sent again.
    not_taken: u64,
    /// How long nothing was acknowledged while the disk was full.
    full_seconds: f64,
    /// From the first reading to the last one being in the lake.
    seconds: f64,
    /// Readings in the raw log, those sent again included.
    received: u64,
    /// What the lake says of itself.
    drift: i64,
    expected: Expected,
    /// Of Delta Lake's own reader for Python, and of DuckDB on the files that it names.
    found: Vec<Found>,
}

/// Measures and prints; says whether each reading is in the lake once.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    if options.disk_mib > 0 && std::env::var_os(INSIDE).is_none() {
        return in_a_namespace();
    }
    let disk = SmallDisk::mount(folder, options.disk_mib)?;
    let mut andon = Andon::new(program, &disk.path().join("andon"), &SETTINGS)?;
    andon.serve().await?;
    let begun = Instant::now();
    let senders = Senders::start(andon.at("/api/v1/readings"), andon.token()?, options.readings)?;
    let full_seconds = disturb(&mut andon, &senders, &disk, options).await?;
    let not_taken = senders.finish().await?;
    andon.until_in_lake(CATCH_UP).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = andon.get("/api/v1/readings/status").await?;
    let drift = andon.get("/api/v1/lake").await?["drift"].as_i64().context("no drift in the lake's status")?;
    andon.kill();
    let lake = disk.path().join("andon/lake");
    let report = Report {
        machine: machine(),
        kills: options.kills,
        not_taken,
        full_seconds,
        seconds,
        received: status["received"].as_u64().context("no count of readings")?,
        drift,
        expected: Expected::of(options.readings),
        found: options.python.ask("kept.py", &[lake.as_os_str(), options.readers.join(",").as_ref()])?,
    };
    report.print(json)?;
    Ok(report.holds())
}

/// Runs this program again where it may mount.
fn in_a_namespace() -> anyhow::Result<bool> {
    let mut inside = Command::new("unshare");
    inside.arg("-rm").arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(INSIDE, "1");
    Ok(inside.status().context("unshare is needed to make a small disk")?.success())
}

/// Kills the program at places that the seed draws, and fills the disk half way; returns how long it was full.
async fn disturb(andon: &mut Andon, senders: &Senders, disk: &SmallDisk, options: &Options) -> anyhow::Result<f64> {
    let (mut dice, half) = (Dice(options.seed.max(1)), options.readings / 2);
    let mut kills: Vec<u64> = (0..options.kills).map(|_| dice.below(options.readings)).collect();
    kills.sort_unstable();
    let (before, behind) = kills.split_at(kills.partition_point(|at| *at < half));
    kill(andon, senders, before, &mut dice).await?;
    let full_seconds = fill(senders, disk, half).await?;
    kill(andon, senders, behind, &mut dice).await?;
    Ok(full_seconds)
}

/// Kills the program soon after each of these readings, and starts it again.
async fn kill(andon: &mut Andon, senders: &Senders, kills: &[u64], dice: &mut Dice) -> anyhow::Result<()> {
    for at in kills {
        senders.until(*at).await?;
        sleep(Duration::from_millis(dice.below(300))).await;
        andon.kill();
        andon.serve().await?;
    }
    Ok(())
}

/// Takes the last byte of the disk when all up to `at` are acknowledged, until nothing was for a while.
async fn fill(senders: &Senders, disk: &SmallDisk, at: u64) -> anyhow::Result<f64> {
    senders.until(at).await?;
    if !disk.is_small() {
        senders.go_on();
        return Ok(0.0);
    }
    disk.fill()?;
    let (begun, refused) = (Instant::now(), senders.not_taken());
    senders.go_on();
    let (mut seen, mut since) = (senders.acknowledged(), Instant::now());
    while since.elapsed() < STANDSTILL || senders.not_taken() == refused {
        sleep(Duration::from_millis(20)).await;
        // What is given back by others is taken as well.
        disk.fill()?;
        if senders.acknowledged() != seen {
            (seen, since) = (senders.acknowledged(), Instant::now());
        }
        ensure!(begun.elapsed() < FULL_LIMIT, "a full disk stops nothing");
    }
    disk.empty()?;
    senders.until(seen + 1).await?;
    Ok(begun.elapsed().as_secs_f64())
}

impl Report {
    fn holds(&self) -> bool {
        self.drift == 0 && !self.found.is_empty() && self.found.iter().all(|found| self.is_exact(found))
    }

    fn is_exact(&self, found: &Found) -> bool {
        found.distinct == self.expected && found.is_each_once(self.received)
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { kills, not_taken, full_seconds, seconds, received, drift, expected, .. } = self;
        writeln!(
            out,
            "{}; on a {}",
            self.machine,
            if *full_seconds > 0.0 { "disk in memory" } else { "disk with room" }
        )?;
        writeln!(
            out,
            "  {kills} kills, {not_taken} batches sent again, {full_seconds:.1} s without room; {received} readings \
             received in {seconds:.0} s, drift {drift}"
        )?;
        writeln!(out, "  expected of different readings: {expected}")?;
        for found in &self.found {
            let verdict = if self.is_exact(found) { "each once" } else { "NOT EXACT" };
            writeln!(out, "  {}: {verdict}; {found}", found.reader)?;
        }
        Ok(())
    }
}

/// The same numbers for the same seed: xorshift.
struct Dice(u64);

impl Dice {
    const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % end
    }
}
