//! A real process on a real file system, killed at random: what it acknowledged is there.
//!
//! The test starts itself again as the process that appends; each line that it prints is an acknowledgement.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use andon_journal::{NewReading, ReadingLog as _};
use andon_lake::raw::{Archive, LocalDisk, Packing, RawLog, RawLogSettings, ReadLimit};
use andon_model::{SpeaksFor, SystemClock};
use andon_testkit::Dice;
use object_store::local::LocalFileSystem;

/// Set in the process that appends: the folder.
const FOLDER: &str = "ANDON_TEST_RAW_LOG_FOLDER";
const ROUNDS: u64 = 8;
const CALLERS: u64 = 8;

#[test]
fn what_was_acknowledged_is_there() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return append_until_killed(Path::new(&folder));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dice = Dice::new(2026);
    let mut acknowledged = BTreeMap::new();
    for _ in 0..ROUNDS {
        let before = acknowledged.len();
        acknowledged.extend(kill_after(dice.number(1, 300), start(folder.path())));
        assert!(acknowledged.len() > before);
        check(folder.path(), &acknowledged);
    }
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["what_was_acknowledged_is_there", "--exact", "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::piped()).spawn().expect("started")
}

/// What the process acknowledged: payload by id. Everything that it printed before it died counts.
fn kill_after(acknowledgements: u64, mut process: Child) -> BTreeMap<u64, String> {
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let parse = |line: String| {
        let (id, payload) = line.strip_prefix("kept ")?.split_once(' ')?;
        Some((id.parse().ok()?, payload.to_owned()))
    };
    let mut kept: BTreeMap<u64, String> = BTreeMap::new();
    while (kept.len() as u64) < acknowledgements {
        kept.extend(parse(lines.next().expect("it goes on until it is killed")));
    }
    process.kill().expect("killed");
    // The last line may be cut off by the kill; it then lacks its end and its payload is shorter.
    kept.extend(lines.filter(|line| line.ends_with('.')).filter_map(parse));
    process.wait().expect("dead");
    kept
}

fn archive(folder: &Path) -> Archive {
    let store = folder.join("archive");
    std::fs::create_dir_all(&store).expect("made");
    Archive::new(Arc::new(LocalFileSystem::new_with_prefix(store).expect("a store")), "", Packing::Zstd)
}

fn open(folder: &Path) -> RawLog {
    let disk = Arc::new(LocalDisk::open(folder.join("log")).expect("nobody else has it"));
    let settings = RawLogSettings { segment_bytes: 10_000, ..RawLogSettings::default() };
    RawLog::open(disk, Arc::new(SystemClock), settings).expect("opened")
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn append_until_killed(folder: &Path) {
    let log = Arc::new(open(folder));
    for caller in 0..CALLERS {
        tokio::spawn(append_for_ever(Arc::clone(&log), caller));
    }
    let archive = archive(folder);
    loop {
        log.move_closed(&archive).await.expect("moved");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn append_for_ever(log: Arc<RawLog>, caller: u64) {
    let device: Arc<str> = format!("d{caller}").into();
    for n in 0_u64.. {
        let payload = format!("{}-{caller}-{n}.", std::process::id());
        let received = andon_model::Clock::now(&SystemClock);
        let (device, topic, speaks_for) = (Arc::clone(&device), "t".into(), SpeaksFor::Anyone);
        let one = NewReading { received, device, topic, speaks_for, payload: payload.clone().into() };
        let kept = log.append(vec![one]).await.expect("kept");
        writeln!(std::io::stdout().lock(), "kept {} {payload}", kept.first).expect("somebody listens");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn check(folder: &Path, acknowledged: &BTreeMap<u64, String>) {
    let (log, archive) = (open(folder), archive(folder));
    log.add_archive(&archive).await.expect("listed");
    let mut reader = log.reader(log.oldest(), Some(archive));
    let mut found = BTreeMap::new();
    while let Some(batch) = reader.next(ReadLimit::default()).await.expect("read") {
        assert_eq!((batch.missing, batch.damage.len()), (0, 0));
        for reading in batch.readings {
            let payload = String::from_utf8(reading.payload).expect("text");
            assert_eq!(found.insert(reading.id.0, payload), None, "{} twice", reading.id);
        }
    }
    let missing: Vec<_> = acknowledged.iter().filter(|(id, payload)| found.get(id) != Some(payload)).collect();
    assert!(missing.is_empty(), "acknowledged and missing: {missing:?}");
    assert_eq!(log.received().total(), found.len() as u64);
}
