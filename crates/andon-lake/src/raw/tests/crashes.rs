//! The log on a disk that refuses, tears and forgets, with a process that dies at any time.
//!
//! One schedule is a seed. After each death the log is opened again on what the disk has left, and must hold:
//! every acknowledged reading, once, under its id; what a consumer has read before, unchanged; nothing twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use andon_journal::NewReading;
use andon_model::{IngestId, Reading};
use andon_testkit::Dice;
use proptest::prelude::*;

use super::super::appender::{Appender, SegmentLimits};
use super::super::disk::Disk;
use super::super::disk::simulated::{DiskFaults, SimulatedDisk};
use super::super::index::{Index, Lies};
use super::super::read::{Cursor, Position, ReadLimit, Step};
use super::super::recover::recover;
use super::{reading, seconds};

const LIMITS: SegmentLimits = SegmentLimits { bytes: 2_000, age: Duration::from_mins(15) };

/// A process that has the log open.
struct Process {
    disk: SimulatedDisk,
    index: Arc<Index>,
    appender: Appender,
}

impl Process {
    fn start(disk: SimulatedDisk) -> Self {
        let found = recover(&disk, IngestId::FIRST).expect("a disk without faults");
        let index = Arc::new(Index::default());
        found.segments.iter().for_each(|(place, bytes)| index.set(*place, Lies::Here { bytes: *bytes }));
        let last = found.segments.last().map(|(place, _)| place.id);
        let appender = Appender::new(Arc::new(disk.clone()), Arc::clone(&index), LIMITS, found.next, last);
        Self { disk, index, appender }
    }

    fn read_from(&self, position: Position, limit: usize) -> (Vec<Reading>, Position) {
        let mut cursor = Cursor::new(position);
        let mut readings = Vec::new();
        while let Step::Read(batch) = cursor.step(&self.index, &self.disk, limit_of(limit)).expect("readable") {
            assert_eq!(batch.to.next.0 - batch.from.next.0, batch.readings.len() as u64 + batch.missing, "R1");
            readings.extend(batch.readings);
        }
        (readings, cursor.position())
    }
}

fn limit_of(readings: usize) -> ReadLimit {
    ReadLimit { readings, bytes: 100 }
}

/// What must hold, kept outside the process.
#[derive(Default)]
struct Books {
    acknowledged: BTreeMap<IngestId, NewReading>,
    consumed: BTreeMap<IngestId, Reading>,
    sent: u64,
}

impl Books {
    fn check(&mut self, process: &Process) -> Position {
        let (readings, end) = process.read_from(Position::BEGIN, 7);
        let by_id: BTreeMap<IngestId, Reading> = readings.iter().map(|r| (r.id, r.clone())).collect();
        assert_eq!(by_id.len(), readings.len(), "an id occurs twice");
        assert!(readings.is_sorted_by_key(|r| r.id));
        for (id, sent) in &self.acknowledged {
            let kept = by_id.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is missing"));
            assert_eq!((&kept.payload, &kept.device), (&sent.payload, &sent.device), "{id}");
        }
        for (id, before) in &self.consumed {
            assert_eq!(by_id.get(id), Some(before), "{id} was read before");
        }
        self.consumed = by_id;
        end
    }

    fn group(&mut self, dice: &Dice) -> Vec<NewReading> {
        let count = dice.number(1, 5);
        self.sent += count;
        let one = |n: u64| {
            let payload = format!(
                "{{\"n\":{n},\"pad\":\"{}\"}}",
                "x".repeat(usize::try_from(dice.number(0, 200)).expect("small"))
            );
            reading(&format!("d{}", n % 3), seconds(i64::try_from(self.sent * 60).expect("small")), payload)
        };
        (self.sent - count..self.sent).map(one).collect()
    }
}

fn faults(dice: &Dice) -> DiskFaults {
    let often = |dice: &Dice| if dice.chance(0.5) { 0.0 } else { 0.3 };
    DiskFaults { write: often(dice), sync: often(dice), take_back: often(dice), create: often(dice) }
}

fn append(process: &mut Process, books: &mut Books, dice: &Dice) {
    let group = books.group(dice);
    let now = group.last().expect("not empty").received;
    // As the writer does: again, a few times, then the callers are told.
    for _ in 0..3 {
        if let Ok(first) = process.appender.append(group.iter(), now) {
            let ids = (first.0..).map(IngestId);
            books.acknowledged.extend(ids.zip(group));
            return;
        }
    }
}

fn play(seed: u64) {
    let dice = Dice::new(seed);
    let mut books = Books::default();
    let mut process = Process::start(SimulatedDisk::new(dice.clone()));
    let mut consumer = Position::BEGIN;
    for _ in 0..dice.number(2, 6) {
        process.disk.set_faults(faults(&dice));
        for _ in 0..dice.number(1, 25) {
            match dice.number(0, 9) {
                0 => process.disk.set_free(usize::try_from(dice.number(0, 600)).expect("small")),
                1 => process.disk.set_free(usize::MAX),
                2 => {
                    let (readings, position) = process.read_from(consumer, 3);
                    assert!(position >= consumer);
                    consumer = position;
                    books.consumed.extend(readings.into_iter().map(|r| (r.id, r)));
                }
                _ => append(&mut process, &mut books, &dice),
            }
        }
        books.check(&process);
        let disk = if dice.chance(0.7) { process.disk.after_power_loss() } else { process.disk.after_kill() };
        process = Process::start(disk);
        let end = books.check(&process);
        let (rest, same_end) = process.read_from(consumer, 3);
        assert_eq!(same_end, end, "a consumer goes on where it was");
        assert!(rest.first().is_none_or(|next| next.id >= consumer.next));
    }
}

#[test]
fn a_thousand_schedules() {
    (0..1_000).for_each(play);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_schedule(seed in any::<u64>()) {
        play(seed);
    }
}

#[test]
fn a_torn_tail_is_cut_and_kept() {
    let disk = SimulatedDisk::new(Dice::new(3));
    let mut process = Process::start(disk.clone());
    process.appender.append([reading("a", seconds(0), *b"1")].iter(), seconds(0)).expect("kept");
    let path = "raw/2026/03/05/14/00000000000000000001-0000.ndjson";
    let whole = disk.read(path, 0, 1_000).expect("there");
    disk.replace(path, &[whole.as_slice(), br#"{"v":1,"id":2,"ts":"#].concat()).expect("as a crash leaves it");
    let found = recover(&disk, IngestId(2)).expect("recovered");
    let torn = found.torn.expect("a tail");
    assert_eq!((torn.offset, torn.bytes, found.next), (whole.len() as u64, 19, IngestId(2)));
    assert_eq!(disk.read(&torn.kept_in, 0, 100).expect("kept"), br#"{"v":1,"id":2,"ts":"#);
    assert_eq!(disk.read(path, 0, 1_000).expect("there"), whole);
    assert_eq!(recover(&disk, IngestId(2)).expect("again").torn, None);
}

/// A line that was given up with its segment is not read, even where the line before it is damaged.
#[test]
fn what_was_given_up_is_read_from_the_next_segment() {
    let disk = SimulatedDisk::new(Dice::new(3));
    let mut process = Process::start(disk.clone());
    process.appender.append([reading("a", seconds(0), *b"1")].iter(), seconds(0)).expect("kept");
    disk.set_faults(DiskFaults { sync: 1.0, ..DiskFaults::default() });
    process.appender.append([reading("a", seconds(0), *b"\"given up\"")].iter(), seconds(0)).expect_err("not durable");
    disk.set_faults(DiskFaults::default());
    process.appender.append([reading("a", seconds(0), *b"2")].iter(), seconds(0)).expect("kept");
    let path = "raw/2026/03/05/14/00000000000000000001-0000.ndjson";
    let mut bytes = disk.read(path, 0, 1_000).expect("there");
    bytes[10] ^= 1;
    disk.replace(path, &bytes).expect("damaged");
    let (readings, _) = Process::start(disk).read_from(Position::BEGIN, 10);
    assert_eq!(readings.iter().map(|r| (r.id.0, r.payload.as_slice())).collect::<Vec<_>>(), [(2, b"2".as_slice())]);
}

#[test]
fn damage_in_the_middle_loses_its_own_line_only() {
    let disk = SimulatedDisk::new(Dice::new(3));
    let mut process = Process::start(disk.clone());
    let group: Vec<_> = (0..5).map(|n| reading("a", seconds(n), n.to_string())).collect();
    process.appender.append(group.iter(), seconds(0)).expect("kept");
    let path = "raw/2026/03/05/14/00000000000000000001-0000.ndjson";
    let mut bytes = disk.read(path, 0, 10_000).expect("there");
    let third = bytes.windows(6).position(|w| w == b"\"id\":3").expect("there");
    bytes[third + 5] = b'9';
    disk.replace(path, &bytes).expect("damaged");
    let process = Process::start(disk);
    assert!(process.disk.read(path, 0, 1).is_err(), "its next generation has taken its place");
    let mut cursor = Cursor::new(Position::BEGIN);
    let Step::Read(batch) = cursor.step(&process.index, &process.disk, limit_of(100)).expect("read") else {
        panic!("something was there")
    };
    assert_eq!(batch.readings.iter().map(|r| r.id.0).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!((batch.missing, batch.damage.len()), (1, 1));
    assert!(batch.damage[0].bytes.starts_with(br#"{"v":1,"id":9"#));
}
