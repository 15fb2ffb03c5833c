//! A restart with much state: how long from starting the program until it is ready.
//!
//! A thousand events are worked on through the front door, one in a hundred for a destination that never
//! answers, so that its run stays pending. Then the journal is multiplied by SQL (`fill.sql`, by the program
//! `sqlite3`) up to the size asked for, and the program is started on it: first with the kernel's cache
//! dropped, where that is allowed, then with a warm one.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::process::machine;
use crate::stand::Stand;

const SETTLED: usize = 990;
const PENDING: usize = 10;

const GIB: u64 = 1 << 30;

/// Fills a journal up to `gib` and prints how restarts on it went.
pub(crate) async fn measure(program: &Path, folder: Option<&Path>, gib: u64) -> anyhow::Result<()> {
    let mut stand = Stand::start(program, folder).await?;
    stand.post("three-steps", 0, SETTLED).await?;
    stand.post("unanswered", 0, PENDING).await?;
    until_pending(&stand, PENDING).await?;
    stand.stop();
    let copies = fill(&stand.journal(), gib)?;
    let size = std::fs::metadata(stand.journal())?.len();
    say(&format!("{}; journal: SQLite", machine()))?;
    say(&format!(
        "  {:.1} GiB, {} events, 1 % of the runs pending",
        size as f64 / GIB as f64,
        (SETTLED + PENDING) * (copies + 1)
    ))?;
    let cold = drop_caches();
    restart(&mut stand, if cold { "nothing cached" } else { "cache as it was" }, 1).await?;
    stand.stop();
    restart(&mut stand, "again, warm", 2).await
}

/// Waits until so few events and runs are not finished.
pub(crate) async fn until_pending(stand: &Stand, pending: usize) -> anyhow::Result<()> {
    while stand.pending().await? > i64::try_from(pending)? {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Multiplies the journal until it has about `gib`; returns how many copies were made.
fn fill(journal: &Path, gib: u64) -> anyhow::Result<usize> {
    sqlite(journal, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM;")?;
    let base = std::fs::metadata(journal)?.len();
    let copies = usize::try_from((gib * GIB / base).max(1))?;
    multiply(journal, copies)?;
    Ok(copies)
}

/// Adds so many copies of everything to a journal that nobody has open.
pub(crate) fn multiply(journal: &Path, copies: usize) -> anyhow::Result<()> {
    sqlite(journal, &include_str!("fill.sql").replace("COPIES", &copies.to_string()))
}

fn sqlite(journal: &Path, sql: &str) -> anyhow::Result<()> {
    let mut shell = Command::new("sqlite3");
    let shell = shell.arg("-bail").arg(journal).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut shell = shell.spawn().context("sqlite3 is needed to fill the journal")?;
    shell.stdin.take().context("no way in")?.write_all(sql.as_bytes())?;
    ensure!(shell.wait()?.success(), "sqlite3 failed");
    Ok(())
}

/// Empties the kernel's cache of files; `false` where that is not allowed.
fn drop_caches() -> bool {
    let synced = Command::new("sync").status().is_ok_and(|status| status.success());
    synced && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

/// Starts the program, and delivers an event as soon as it is ready.
async fn restart(stand: &mut Stand, how: &str, number: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    stand.restart().await?;
    let ready = begun.elapsed().as_secs_f64();
    let pending = stand.pending().await?;
    let before = stand.sap.books().totals.documents;
    stand.post("three-steps", SETTLED + number, SETTLED + number + 1).await?;
    while stand.sap.books().totals.documents == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let acted = begun.elapsed().as_secs_f64();
    let memory = stand.process().memory()?;
    say(&format!(
        "  {how}: ready after {ready:.2} s with {pending} pending runs, first new document after {acted:.2} s, \
         memory {:.0} MiB",
        memory.now_mib
    ))
}

pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
