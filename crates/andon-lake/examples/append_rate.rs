//! Measures how fast the raw log takes readings, for numbers of callers and sizes of batches, beside the bare rate of
//! `fdatasync` on the same disk in the same run.
//!
//! ```text
//! cargo run --release -p andon-lake --example append_rate -- <folder> [seconds]
//! ```

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use andon_journal::{NewReading, ReadingLog as _};
use andon_lake::raw::{LocalDisk, RawLog, RawLogSettings};
use andon_model::{Clock as _, SpeaksFor, SystemClock};

/// As a gateway of the plant sends it: about 190 bytes.
const PAYLOAD: &str = r#"{"device":{"gatewayId":"gw-07","deviceId":"s1-00042","capabilityModelId":"urn:s1:sensor:1","dtmi":"dtmi:s1;1"},"measurements":{"temperature":21.53,"humidity":48.2,"occupied":true}}"#;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or_else(|| io::Error::other("name a folder"))?;
    let seconds = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(3);
    let span = Duration::from_secs(seconds);
    std::fs::create_dir_all(&folder)?;
    println!("fdatasync of 4 KiB appended: {:.0}/s", bare_rate(Path::new(&folder), span)?);
    println!("callers  batch  readings/s  MB/s  CPU us per reading");
    for (callers, batch) in [(1, 1), (10, 1), (100, 1), (1_000, 1), (10, 100), (100, 100), (4, 1_000)] {
        measure(Path::new(&folder), callers, batch, span).await?;
    }
    Ok(())
}

fn bare_rate(folder: &Path, span: Duration) -> io::Result<f64> {
    let path = folder.join("bare");
    let mut file = File::create(&path)?;
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < span {
        file.write_all(&[b'x'; 4_096])?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

async fn measure(folder: &Path, callers: usize, batch: usize, span: Duration) -> io::Result<()> {
    let folder = folder.join(format!("{callers}x{batch}"));
    let disk = Arc::new(LocalDisk::open(&folder)?);
    let log = Arc::new(RawLog::open(disk, Arc::new(SystemClock), RawLogSettings::default()).map_err(io::Error::other)?);
    let (stop, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (begun, cpu) = (Instant::now(), cpu_micros());
    let tasks: Vec<_> = (0..callers)
        .map(|n| tokio::spawn(append(Arc::clone(&log), Arc::clone(&stop), Arc::clone(&kept), n, batch)))
        .collect();
    tokio::time::sleep(span).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await?;
    }
    let (kept, elapsed) = (kept.load(Ordering::Relaxed), begun.elapsed().as_secs_f64());
    let bytes: u64 =
        log.segments().iter().map(|s| if let andon_lake::raw::Lies::Here { bytes } = s.lies { bytes } else { 0 }).sum();
    let (rate, megabytes) = (kept as f64 / elapsed, bytes as f64 / elapsed / 1e6);
    println!("{callers:7}  {batch:5}  {rate:10.0}  {megabytes:4.1}  {:.2}", (cpu_micros() - cpu) / kept as f64);
    drop(log);
    std::fs::remove_dir_all(folder)
}

async fn append(log: Arc<RawLog>, stop: Arc<AtomicBool>, kept: Arc<AtomicU64>, n: usize, batch: usize) {
    let (device, topic): (Arc<str>, Arc<str>) = (format!("s1-{n:05}").into(), format!("data/s1-{n:05}").into());
    while !stop.load(Ordering::Relaxed) {
        let one = |_| NewReading {
            received: SystemClock.now(),
            device: Arc::clone(&device),
            topic: Arc::clone(&topic),
            speaks_for: SpeaksFor::Only(Vec::new()),
            payload: PAYLOAD.into(),
        };
        match log.append((0..batch).map(one).collect()).await {
            Ok(done) => kept.fetch_add(done.count as u64, Ordering::Relaxed),
            Err(fault) => return println!("{fault}"),
        };
    }
}

/// Processor time of this process so far, from Linux's `/proc`: ticks of a hundredth of a second.
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok());
    ticks.sum::<f64>() * 10_000.0
}
