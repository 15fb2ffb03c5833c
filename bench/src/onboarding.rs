//! Onboarding devices: by the API on kept connections, and in bulk, beside the bare cost of keys and signatures.
//!
//! Every certificate is issued and stored durably before it is answered. The load shares the cores with Andon; signing
//! requests are made before the clock starts. [`bare`] is what the same libraries do on one core without anything around.

mod bare;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::process::machine;
use crate::stand::Stand;

/// How many devices are onboarded, and by how many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Devices for each of the two ways by the API.
    pub(crate) devices: usize,
    /// Devices for each of the two files.
    pub(crate) bulk: usize,
    /// Connections that are kept.
    pub(crate) connections: usize,
}

/// Where the keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// With the device, which sends a signing request.
    Requested,
    /// In Andon.
    Generated,
}

/// What one way came to.
#[derive(Debug, Serialize)]
struct Row {
    way: &'static str,
    devices: usize,
    per_second: f64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// CPU of Andon for each device.
    cpu_ms: Option<f64>,
}

/// Measures, and prints a table, or JSON.
pub(crate) async fn measure(program: &Path, folder: Option<&Path>, load: Load, as_json: bool) -> anyhow::Result<()> {
    let stand = Arc::new(Stand::start(program, folder).await?);
    // Makes the authority, and opens the connections.
    by_api(&stand, Keys::Generated, "warm", load.connections.max(64), load.connections).await?;
    let mut rows = bare::rows()?;
    let named = |way, row: Row| Row { way, ..row };
    let row = by_api(&stand, Keys::Requested, "csr", load.devices, load.connections).await?;
    rows.push(named("API, signing request", row));
    let row = by_api(&stand, Keys::Generated, "key", load.devices, load.connections).await?;
    rows.push(named("API, key made by Andon", row));
    rows.push(named("file, signing requests", in_bulk(&stand, Keys::Requested, "file-csr", load.bulk).await?));
    rows.push(named("file, keys made by Andon", in_bulk(&stand, Keys::Generated, "file-key", load.bulk).await?));
    print(&rows, as_json)
}

fn wanted(keys: Keys, prefix: &str, number: usize) -> anyhow::Result<Value> {
    let device = format!("{prefix}-{number}");
    Ok(match keys {
        Keys::Generated => json!({ "device": device }),
        Keys::Requested => json!({ "device": device, "csr": bare::signing_request()? }),
    })
}

async fn by_api(stand: &Arc<Stand>, keys: Keys, prefix: &str, count: usize, at_once: usize) -> anyhow::Result<Row> {
    let bodies: Result<Vec<Value>, _> = (0..count).map(|number| wanted(keys, prefix, number)).collect();
    let (bodies, next) = (Arc::new(bodies?), Arc::new(AtomicUsize::new(0)));
    let cpu = stand.process().cpu_seconds()?;
    let begun = Instant::now();
    let workers = (0..at_once).map(|_| tokio::spawn(work(Arc::clone(stand), Arc::clone(&bodies), Arc::clone(&next))));
    let mut millis = Vec::with_capacity(count);
    for worker in workers.collect::<Vec<_>>() {
        millis.extend(worker.await??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    millis.sort_by(f64::total_cmp);
    let at = |percent: usize| millis.get((millis.len().saturating_sub(1)) * percent / 100).copied();
    let cpu_ms = Some((stand.process().cpu_seconds()? - cpu) * 1_000.0 / count as f64);
    let per_second = count as f64 / seconds;
    Ok(Row { way: "", devices: count, per_second, p50_ms: at(50), p99_ms: at(99), cpu_ms })
}

/// Onboards one after the other what nobody else has taken; returns how long each took.
async fn work(stand: Arc<Stand>, bodies: Arc<Vec<Value>>, next: Arc<AtomicUsize>) -> anyhow::Result<Vec<f64>> {
    let mut millis = Vec::new();
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let begun = Instant::now();
        let answer = stand.post_json("/api/v1/devices", body).await?;
        millis.push(begun.elapsed().as_secs_f64() * 1_000.0);
        ensure!(answer.contains("BEGIN CERTIFICATE"), "no certificate in {answer}");
    }
    Ok(millis)
}

async fn in_bulk(stand: &Arc<Stand>, keys: Keys, prefix: &str, count: usize) -> anyhow::Result<Row> {
    let lines: Result<Vec<String>, _> =
        (0..count).map(|n| wanted(keys, prefix, n).map(|line| line.to_string())).collect();
    let file = lines?.join("\n");
    let cpu = stand.process().cpu_seconds()?;
    let begun = Instant::now();
    let answer = stand.post_file("/api/v1/device-imports", "application/x-ndjson", file).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let onboarded = answer.lines().filter(|line| line.contains("BEGIN CERTIFICATE")).count();
    ensure!(onboarded == count, "{onboarded} of {count} were onboarded: {:.200}", answer.lines().last().context("-")?);
    let cpu_ms = Some((stand.process().cpu_seconds()? - cpu) * 1_000.0 / count as f64);
    Ok(Row { way: "", devices: count, per_second: count as f64 / seconds, p50_ms: None, p99_ms: None, cpu_ms })
}

fn print(rows: &[Row], as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", json!({ "machine": machine(), "rows": rows }))?;
        return Ok(());
    }
    writeln!(out, "onboarding, durable, on {}", machine())?;
    let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for row in rows {
        let (p50, p99, cpu) = (text(row.p50_ms), text(row.p99_ms), text(row.cpu_ms));
        let Row { way, devices, per_second, .. } = row;
        writeln!(out, "  {way:<34} {per_second:>9.0} /s  ({devices}; p50 {p50} ms, p99 {p99} ms, CPU {cpu} ms)")?;
    }
    Ok(())
}
