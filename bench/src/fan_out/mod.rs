//! Live values on their way to many readers at once: from posting a reading to each of the readers having its value.
//!
//! **Constraints.** Every reader has a stream of Server-Sent Events of its own and watches everything. Readings come at a fixed
//! rate over HTTP, some in each request; each is durable in the raw log before it is a value. Load and readers share the
//! machine's cores with the server. It fails when a reader misses a value, or is told that it did.
//!
//! **Life of a value.** Its number is its value. The time before its request is noted; a [`reader`] notes when it comes.

mod reader;

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::process::machine;
use crate::stand::Stand;
use reader::Seen;

/// Devices that report in turn: more than readings in a request, so that none has two values of the same moment.
const DEVICES: u64 = 50;

/// Requests a second.
const REQUESTS: u64 = 20;

/// How many readers, and how much they get
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Readers
    #[arg(long, default_value_t = 100)]
    readers: usize,
    /// Readings a second, up to 1,000
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(20..=1_000))]
    rate: u64,
    /// Seconds
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// When each value was posted, in microseconds since the beginning.
struct Posted {
    begun: Instant,
    at: Vec<AtomicU64>,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    readers: usize,
    rate: u64,
    values: u64,
    /// Over all readers.
    delivered: u64,
    lost: u64,
    /// Values that a reader was told it had missed, or got twice.
    told_missed: u64,
    twice: u64,
    p50_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    /// Of Andon, while readings came.
    cpu_seconds: f64,
    /// CPU for each value that a reader got.
    cpu_micros: f64,
    memory_mib: f64,
}

/// Measures and prints; says whether every reader got every value.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    let stand = Stand::start(program, folder).await?;
    let Options { readers, rate, seconds } = *options;
    // Makes the assets, so that nothing but values is told later.
    stand.post_file("/api/v1/readings", "application/x-ndjson", lines(0..DEVICES)).await?;
    let (first, values) = (DEVICES, rate / REQUESTS * REQUESTS * seconds);
    let at = (0..first + values).map(|_| AtomicU64::new(0)).collect();
    let posted = Arc::new(Posted { begun: Instant::now(), at });
    let mut reading = JoinSet::new();
    for _ in 0..readers {
        let stream = stand.stream("/api/v1/values/stream?property=temperature").await?;
        reading.spawn(reader::read(stream, Arc::clone(&posted), first));
    }
    let cpu = stand.process().cpu_seconds()?;
    post(&stand, &posted, first, rate, seconds).await?;
    let mut seen = Seen::default();
    while let Some(ended) = reading.join_next().await {
        seen.add(ended??);
    }
    let cpu_seconds = stand.process().cpu_seconds()? - cpu;
    let memory_mib = stand.process().memory()?.peak_mib;
    let report = Report::new((readers, rate, values), seen, cpu_seconds, memory_mib);
    report.print(json)?;
    Ok(report.lost == 0 && report.told_missed == 0)
}

/// Readings of these numbers, one on each line.
fn lines(numbers: std::ops::Range<u64>) -> String {
    let mut lines = String::new();
    for number in numbers {
        let device = number % DEVICES;
        // Writing into a text cannot fail.
        let _ = writeln!(
            lines,
            r#"{{"device":"press-{device:03}","topic":"plant/hall-1/press-{device:03}","payload":{{"measurements":{{"temperature":{number}}}}}}}"#
        );
    }
    lines
}

async fn post(stand: &Stand, posted: &Posted, first: u64, rate: u64, seconds: u64) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(REQUESTS)?);
    let each = rate / REQUESTS;
    for request in 0..REQUESTS * seconds {
        ticks.tick().await;
        let numbers = first + request * each..first + (request + 1) * each;
        let now = u64::try_from(posted.begun.elapsed().as_micros())?;
        for number in numbers.clone() {
            if let Some(at) = posted.at.get(usize::try_from(number)?) {
                at.store(now, Ordering::Release);
            }
        }
        stand.post_file("/api/v1/readings", "application/x-ndjson", lines(numbers)).await?;
    }
    Ok(())
}

impl Report {
    fn new((readers, rate, values): (usize, u64, u64), mut seen: Seen, cpu_seconds: f64, memory_mib: f64) -> Self {
        seen.micros.sort_unstable();
        let micros = &seen.micros;
        let at = |share: usize| micros.get((micros.len().max(1) - 1) * share / 100).map_or(0.0, |us| *us as f64 / 1e3);
        let delivered = micros.len() as u64;
        Self {
            machine: machine(),
            readers,
            rate,
            values,
            delivered,
            lost: values * readers as u64 - delivered,
            told_missed: seen.told_missed,
            twice: seen.twice,
            p50_ms: at(50),
            p99_ms: at(99),
            longest_ms: at(100),
            cpu_seconds,
            cpu_micros: cpu_seconds * 1e6 / delivered.max(1) as f64,
            memory_mib,
        }
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { machine, readers, rate, values, delivered, lost, told_missed, twice, .. } = self;
        let Self { p50_ms, p99_ms, longest_ms, cpu_seconds, cpu_micros, memory_mib, .. } = self;
        writeln!(out, "{machine}; {readers} readers of everything, {values} values, {rate} a second")?;
        writeln!(out, "  {delivered} delivered, {lost} lost, {told_missed} told to be missed, {twice} twice")?;
        writeln!(out, "  posted to read, p50 / p99 / longest: {p50_ms:.1} / {p99_ms:.1} / {longest_ms:.1} ms")?;
        writeln!(
            out,
            "  CPU of andon {cpu_seconds:.2} s, {cpu_micros:.1} us for each value delivered; at most {memory_mib:.0} MiB"
        )?;
        Ok(())
    }
}
