//! A real process that writes a lake in a folder, killed at random; then a reader that is not ours counts the rows.
//!
//! The test starts itself again as the process that writes; it prints a line for each step that it has taken.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use andon_journal::{NewReading, ReadingLog as _};
use andon_lake::raw::{LocalDisk, RawLog, RawLogSettings};
use andon_lake::{DeltaLake, LakeSettings, SyncedFolder};
use andon_model::{Clock as _, Name, SpeaksFor, SystemClock};
use andon_testkit::Dice;
use serde_json::{Value, json};

/// Set in the process that writes: the folder.
const FOLDER: &str = "ANDON_TEST_LAKE_FOLDER";
const READINGS: u64 = 2_000;
const KILLS: u64 = 10;

#[test]
fn a_reader_of_others_finds_each_reading_once() {
    if let Some(folder) = env::var_os(FOLDER) {
        return runtime().block_on(write(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(receive(folder.path()));
    let dice = Dice::new(2026);
    for _ in 0..KILLS {
        run(folder.path(), Some(dice.number(0, 3)));
    }
    run(folder.path(), None);
    assert_eq!(read(&folder.path().join("lake")), expected());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Every seventh is no JSON, every fifth has an array.
fn payload(n: u64) -> String {
    match n {
        n if n % 7 == 0 => format!("broken {n}"),
        n if n % 5 == 0 => format!(r#"{{"n":{n},"m":{{"half":{}.5}},"tags":[{n},1]}}"#, n / 2),
        n => format!(r#"{{"n":{n},"m":{{"half":{}.5}}}}"#, n / 2),
    }
}

fn expected() -> Value {
    let good: Vec<u64> = (0..READINGS).filter(|n| n % 7 != 0).collect();
    let tagged = good.iter().filter(|n| *n % 5 == 0);
    let half: f64 = good.iter().map(|n| (n / 2) as f64 + 0.5).sum();
    json!({
        "rows": good.len(),
        "readings": good.len(),
        "n": good.iter().sum::<u64>(),
        "half": half,
        "tags": tagged.map(|n| n + 1).sum::<u64>(),
        "quarantined": READINGS - good.len() as u64,
        "partitions": ["year", "month", "day", "hour"],
        "protocol": [1, 2],
    })
}

async fn receive(folder: &Path) {
    let reading = |n| NewReading {
        received: SystemClock.now(),
        device: format!("d{}", n % 3).into(),
        topic: "data/d".into(),
        speaks_for: SpeaksFor::Anyone,
        payload: payload(n).into_bytes(),
    };
    log(folder).append((0..READINGS).map(reading).collect()).await.expect("kept");
}

fn log(folder: &Path) -> Arc<RawLog> {
    let disk = Arc::new(LocalDisk::open(folder.join("log")).expect("a disk"));
    Arc::new(RawLog::open(disk, Arc::new(SystemClock), RawLogSettings::default()).expect("a log"))
}

/// Moves what is there, 37 readings at once.
async fn write(folder: &Path) {
    let store = Arc::new(SyncedFolder::open(&folder.join("lake")).expect("a folder"));
    let settings =
        LakeSettings { batch_readings: 37, ..LakeSettings::new("readings", Name::new("lake").expect("a name")) };
    let lake = DeltaLake::open(store, log(folder), Arc::new(SystemClock), settings).await.expect("a lake");
    let mut writer = lake.writer(None);
    while writer.step().await.expect("a step").is_some() {
        let mut out = std::io::stdout().lock();
        writeln!(out, "step").expect("a reader");
        out.flush().expect("a reader");
    }
    lake.compact().await.expect("compacted");
}

/// Starts the process that writes, and kills it after some steps: in the middle of the next one.
fn run(folder: &Path, steps: Option<u64>) {
    let mut command = Command::new(env::current_exe().expect("this test"));
    command.args(["a_reader_of_others_finds_each_reading_once", "--exact", "--nocapture"]).env(FOLDER, folder);
    let mut process = command.stdout(Stdio::piped()).spawn().expect("started");
    let lines = BufReader::new(process.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut taken = lines.filter(|line| line.ends_with("step"));
    match steps {
        Some(steps) => {
            taken.by_ref().take(usize::try_from(steps).expect("few")).for_each(drop);
            process.kill().expect("killed");
        }
        None => taken.for_each(drop),
    }
    let ended = process.wait().expect("ended");
    assert!(steps.is_some() || ended.success(), "{ended}");
}

fn read(lake: &Path) -> Value {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delta-reader");
    let python = installed(&own).join("bin/python");
    let out = Command::new(python).arg(own.join("read.py")).arg(lake).output().expect("started");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// Where `make setup` has put the reader.
fn installed(own: &Path) -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let tools = set("ANDON_TOOLS").or_else(|| Some(cache()?.join("andon-tools"))).expect("a folder of tools");
    let folder = tools.join("delta-reader");
    let wanted = fs::read(own.join("requirements.txt")).expect("the lock file of the checkout");
    let found = fs::read(folder.join("installed-from")).unwrap_or_default();
    assert!(found == wanted, "delta-reader is not installed in {}: run make setup", folder.display());
    folder
}
