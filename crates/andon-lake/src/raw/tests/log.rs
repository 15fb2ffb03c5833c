//! The log with its thread: callers, limits, a disk that is full for a while, consumers, counts.

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{MAX_PAYLOAD_BYTES, NewReading, ReadingFilter, ReadingLog as _, ReadingLogError, ReadingViews};
use andon_model::{Clock, Code, IngestId, Name, Timestamp};
use andon_testkit::Dice;

use super::super::disk::Disk as _;
use super::super::disk::simulated::SimulatedDisk;
use super::super::{CheckpointError, LocalDisk, Position, RawLog, RawLogSettings, ReadLimit};
use super::{reading, seconds};

/// Always the same moment.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(super) fn open(disk: &SimulatedDisk, settings: RawLogSettings) -> RawLog {
    RawLog::open(Arc::new(disk.clone()), Arc::new(Still(seconds(0))), settings).expect("opened")
}

pub(super) fn settings() -> RawLogSettings {
    RawLogSettings { attempts: 1, pause: Duration::ZERO, ..RawLogSettings::default() }
}

fn one(n: u64) -> Vec<NewReading> {
    vec![reading(&format!("d{}", n % 2), seconds(0), n.to_string())]
}

#[tokio::test]
async fn callers_get_places_without_gaps() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(LocalDisk::open(folder.path()).expect("opened"));
    let log = Arc::new(RawLog::open(disk, Arc::new(Still(seconds(0))), settings()).expect("opened"));
    let callers = (0..50_u64).map(|n| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.append(one(n)).await.expect("kept").first })
    });
    let mut places = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        places.push(caller.await.expect("answered").0);
    }
    places.sort_unstable();
    assert_eq!(places, (1..=50).collect::<Vec<_>>());
    let mut reader = log.reader(log.oldest(), None);
    let batch = reader.next(ReadLimit::default()).await.expect("read").expect("something");
    assert_eq!((batch.readings.len(), batch.missing, batch.to.next), (50, 0, IngestId(51)));
    assert_eq!(reader.next(ReadLimit::default()).await.expect("read"), None);
    assert_eq!(log.received().devices.values().copied().collect::<Vec<_>>(), [25, 25]);
}

#[tokio::test]
async fn a_full_disk_is_told_and_forgotten_when_there_is_room() {
    let disk = SimulatedDisk::new(Dice::new(1));
    let log = open(&disk, settings());
    log.append(one(1)).await.expect("kept");
    disk.set_free(10);
    let Err(ReadingLogError::Unwritable(problem)) = log.append(one(2)).await else { panic!("no room") };
    assert_eq!(problem.code, Code::RawLog);
    assert_eq!(log.failing(), Some(problem));
    disk.set_free(usize::MAX);
    assert_eq!(log.append(one(3)).await.expect("room again").first, IngestId(2));
    assert_eq!(log.failing(), None);
    assert_eq!(log.received().total(), 2);
}

/// After a crash the last segment is copied; without room for that the log is not opened, and nothing is lost.
#[tokio::test]
async fn a_start_needs_room() {
    let disk = SimulatedDisk::new(Dice::new(1));
    open(&disk, settings()).append(one(1)).await.expect("kept");
    let disk = disk.after_kill();
    disk.remove("counts.json").expect("as if it had been killed");
    disk.set_free(10);
    let start = || RawLog::open(Arc::new(disk.clone()), Arc::new(Still(seconds(0))), settings());
    assert_eq!(start().err().map(|problem| problem.code), Some(Code::RawLog));
    disk.set_free(usize::MAX);
    assert_eq!(start().expect("room again").received().total(), 1);
}

#[tokio::test]
async fn a_full_disk_is_waited_for() {
    let disk = SimulatedDisk::new(Dice::new(1));
    disk.set_free(0);
    let log = Arc::new(open(&disk, RawLogSettings { attempts: u32::MAX, ..settings() }));
    let waiting = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.append(one(1)).await }
    });
    while log.failing().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    disk.set_free(usize::MAX);
    assert_eq!(waiting.await.expect("answered").expect("kept").first, IngestId(1));
}

#[tokio::test]
async fn what_waits_is_limited() {
    let disk = SimulatedDisk::new(Dice::new(1));
    disk.set_free(0);
    let few = RawLogSettings { attempts: u32::MAX, waiting_batches: 2, ..settings() };
    let log = Arc::new(open(&disk, few));
    let spawn = |n: u64| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.append(one(n)).await })
    };
    let callers: Vec<_> = (0..5).map(spawn).collect();
    while log.failing().is_none() {
        tokio::task::yield_now().await;
    }
    log.close();
    for caller in callers {
        let refused = caller.await.expect("answered").expect_err("nothing was kept");
        assert!(matches!(refused, ReadingLogError::Unwritable(_) | ReadingLogError::Closed), "{refused}");
    }
    assert_eq!(log.append(one(6)).await, Err(ReadingLogError::Closed));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let log = open(&SimulatedDisk::new(Dice::new(1)), RawLogSettings { waiting_bytes: 4 << 20, ..settings() });
    let check = async |batch: Vec<NewReading>, expect: &str| {
        assert_eq!(log.append(batch).await.expect_err("refused").to_string(), expect);
    };
    let large = |bytes: usize| reading("a", seconds(0), vec![b'1'; bytes]);
    let text = "reading 1 of the batch: the payload has 1048577 bytes, at most 1048576 are kept";
    check(vec![large(1), large(MAX_PAYLOAD_BYTES + 1)], text).await;
    let text = "reading 3 of the batch: the batch up to here has 4195356 bytes, at most 4194304 are kept";
    check(vec![large(MAX_PAYLOAD_BYTES); 5], text).await;
    log.append(vec![large(MAX_PAYLOAD_BYTES)]).await.expect("kept");
    assert_eq!(log.append(Vec::new()).await.expect("nothing to do").count, 0);
}

#[tokio::test]
async fn a_consumer_follows_and_goes_on_after_a_restart() {
    let disk = SimulatedDisk::new(Dice::new(1));
    let name = Name::new("lake").expect("a name");
    let log = open(&disk, RawLogSettings { segment_bytes: 200, ..settings() });
    assert_eq!(log.checkpoint(&name).expect("readable"), None);
    let mut reader = log.reader(Position::BEGIN, None);
    let following = tokio::spawn(async move { reader.follow(ReadLimit::default()).await });
    log.append(one(1)).await.expect("kept");
    let batch = following.await.expect("no panic").expect("read").expect("something");
    assert_eq!(batch.readings.len(), 1);
    log.set_checkpoint(&name, batch.to).expect("kept");
    for n in 2..8 {
        log.append(one(n)).await.expect("kept");
    }
    log.close();
    assert!(log.segments().len() > 2, "{:?}", log.segments());

    let log = open(&disk, settings());
    let position = log.checkpoint(&name).expect("readable").expect("kept");
    let mut reader = log.reader(position, None);
    let mut ids = Vec::new();
    while let Some(batch) = reader.next(ReadLimit::default()).await.expect("read") {
        ids.extend(batch.readings.iter().map(|r| r.id.0));
    }
    assert_eq!(ids, [2, 3, 4, 5, 6, 7]);
    log.set_checkpoint(&name, reader.position()).expect("forward");
    let back = log.set_checkpoint(&name, position).expect_err("J2");
    assert!(matches!(back, CheckpointError::WentBack { .. }), "{back}");
    assert_eq!(log.received().total(), 7);
    assert_eq!(log.position_of(IngestId(5)).next, IngestId(5));
}

/// The counts are the same whether they were saved or counted again.
#[tokio::test]
async fn counts_survive_kills() {
    let mut disk = SimulatedDisk::new(Dice::new(1));
    for round in 1..=5_u64 {
        let log = open(&disk, RawLogSettings { segment_bytes: 300, ..settings() });
        for n in 0..10 {
            log.append(one(n)).await.expect("kept");
        }
        let expect: Vec<_> = [("d0", round * 5), ("d1", round * 5)].map(|(d, n)| (Arc::from(d), n)).into();
        assert_eq!(log.received().devices.into_iter().collect::<Vec<(Arc<str>, u64)>>(), expect);
        disk = disk.after_power_loss();
    }
}

#[tokio::test]
async fn people_see_pages_of_readings() {
    let log = open(&SimulatedDisk::new(Dice::new(1)), settings());
    for n in 1..=500 {
        log.append(one(n)).await.expect("kept");
    }
    let check = async |from: Option<u64>, device: Option<&str>, limit: usize, ids: Vec<u64>, next: u64| {
        let filter = ReadingFilter { from: from.map(IngestId), device: device.map(str::to_owned), limit };
        let page = log.readings(filter).await.expect("read");
        let found: Vec<u64> = page.readings.iter().map(|reading| reading.id.0).collect();
        assert_eq!((found, page.next.0), (ids, next), "from {from:?} of {device:?}, {limit}");
    };
    check(None, None, 3, vec![498, 499, 500], 501).await;
    check(None, Some("d0"), 2, vec![498, 500], 501).await;
    check(None, Some("nobody"), 2, vec![], 501).await;
    check(Some(1), None, 2, vec![1, 2], 3).await;
    check(Some(3), Some("d1"), 2, vec![3, 5], 7).await;
    check(Some(499), None, 100, vec![499, 500], 501).await;
    check(Some(501), None, 100, vec![], 501).await;
    let status = log.status();
    assert_eq!((status.received, status.devices, status.missing, status.next), (500, 2, 0, IngestId(501)));
    let names = |after: &str, limit| -> Vec<_> {
        let counts = ReadingViews::received(&log, after, limit).into_iter();
        counts.map(|count| (count.device.to_string(), count.received)).collect()
    };
    assert_eq!(names("", 9), [("d0".to_owned(), 250), ("d1".to_owned(), 250)]);
    assert_eq!(names("d0", 1), [("d1".to_owned(), 250)]);
}
