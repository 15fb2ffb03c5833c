//! Segments that move to an object store, and go when their time is over.

use std::sync::Arc;

use andon_journal::ReadingLog as _;
use andon_model::{IngestId, Name};
use andon_testkit::Dice;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::super::disk::Disk as _;
use super::super::disk::simulated::SimulatedDisk;
use super::super::{Archive, ArchiveError, Lies, Packing, RawLog, RawLogSettings, ReadError, ReadLimit, Reader};
use super::log::{open, settings};
use super::{reading, seconds};

const READINGS: u64 = 20;

async fn filled(disk: &SimulatedDisk) -> RawLog {
    let log = open(disk, RawLogSettings { segment_bytes: 400, ..settings() });
    for n in 0..READINGS {
        let hour = i64::try_from(n / 10).expect("small") * 3_600;
        log.append(vec![reading("a", seconds(hour), n.to_string())]).await.expect("kept");
    }
    log.close();
    open(disk, settings())
}

async fn ids(mut reader: Reader) -> Result<Vec<u64>, ReadError> {
    let mut ids = Vec::new();
    while let Some(batch) = reader.next(ReadLimit { readings: 3, bytes: 100 }).await? {
        assert_eq!(batch.missing, 0);
        ids.extend(batch.readings.iter().map(|r| r.id.0));
    }
    Ok(ids)
}

fn archive(store: &Arc<InMemory>, packing: Packing) -> Archive {
    Archive::new(Arc::clone(store) as Arc<dyn ObjectStore>, "plant/7", packing)
}

#[tokio::test]
async fn readers_see_no_difference() {
    for packing in [Packing::Zstd, Packing::Gzip] {
        let (disk, store) = (SimulatedDisk::new(Dice::new(1)), Arc::new(InMemory::new()));
        let log = filled(&disk).await;
        let archive = archive(&store, packing);
        let before = log.segments();
        let moved = log.move_closed(&archive).await.expect("moved");
        assert_eq!(moved.segments, before.len() - 1);
        assert!(moved.packed_bytes > 0 && moved.bytes > 0);
        assert_eq!(log.move_closed(&archive).await.expect("nothing to do").segments, 0);
        let lies: Vec<_> = log.segments().iter().map(|s| s.lies).collect();
        assert!(lies[..lies.len() - 1].iter().all(|lies| *lies == Lies::Archived(packing)), "{lies:?}");
        let all: Vec<_> = (1..=READINGS).collect();
        assert_eq!(ids(log.reader(log.oldest(), Some(archive.clone()))).await.expect("read"), all);
        assert!(matches!(ids(log.reader(log.oldest(), None)).await, Err(ReadError::NoArchive(_))));
        drop(log);

        let log = open(&disk.after_power_loss(), settings());
        assert_eq!(log.add_archive(&archive).await.expect("listed"), before.len() - 1);
        assert_eq!(ids(log.reader(log.oldest(), Some(archive))).await.expect("read"), all);
        assert_eq!((log.next(), log.received().total()), (IngestId(READINGS + 1), READINGS));
    }
}

#[tokio::test]
async fn objects_lie_where_their_hour_says() {
    let (disk, store) = (SimulatedDisk::new(Dice::new(1)), Arc::new(InMemory::new()));
    let log = filled(&disk).await;
    log.move_closed(&archive(&store, Packing::Zstd)).await.expect("moved");
    let first = Path::from("plant/7/raw/2026/03/05/14/00000000000000000001-0000.ndjson.zst");
    let object = store.get(&first).await.expect("there").bytes().await.expect("read");
    let lines = zstd::stream::decode_all(object.as_ref()).expect("zstd");
    assert!(lines.starts_with(br#"{"v":1,"id":1,"ts":"2026-03-05T14:00:00Z","#));
}

#[tokio::test]
async fn what_cannot_be_moved_stays() {
    let disk = SimulatedDisk::new(Dice::new(1));
    let log = filled(&disk).await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).expect("a store");
    std::fs::write(folder.path().join("plant"), b"a file where a folder should be").expect("written");
    let broken = Archive::new(Arc::new(store), "plant", Packing::Zstd);
    let refused = log.move_closed(&broken).await.expect_err("refused");
    assert!(matches!(refused, ArchiveError::Store { .. }), "{refused}");
    assert_eq!(ids(log.reader(log.oldest(), None)).await.expect("read").len() as u64, READINGS);
}

/// Flipped bytes, a cut, and nothing at all: what is read are readings that were written, the rest is missing, the objects
/// behind it are read, and what is wrong is told.
#[tokio::test]
async fn a_damaged_object_costs_its_own_lines_alone() {
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        },
        |bytes| bytes[0] ^= 1,
        |bytes| bytes.truncate(bytes.len() - 6),
        Vec::clear,
    ];
    for (packing, ending) in [(Packing::Zstd, "zst"), (Packing::Gzip, "gz")] {
        for damage in damages {
            let (disk, store) = (SimulatedDisk::new(Dice::new(1)), Arc::new(InMemory::new()));
            let log = filled(&disk).await;
            let archive = archive(&store, packing);
            log.move_closed(&archive).await.expect("moved");
            let object = Path::from(format!("plant/7/raw/2026/03/05/14/00000000000000000001-0000.ndjson.{ending}"));
            let mut bytes = store.get(&object).await.expect("there").bytes().await.expect("read").to_vec();
            damage(&mut bytes);
            store.put(&object, bytes.into()).await.expect("damaged");
            let own = log.segments()[0].end.expect("closed").0 - 1;
            let (mut reader, mut read, mut missing, mut told) = (log.reader(log.oldest(), Some(archive)), vec![], 0, 0);
            while let Some(batch) = reader.next(ReadLimit { readings: 3, bytes: 100 }).await.expect("goes on") {
                read.extend(batch.readings.iter().map(|reading| reading.id.0));
                assert!(batch.readings.iter().all(|r| r.payload == (r.id.0 - 1).to_string().as_bytes()));
                missing += batch.missing;
                told += batch.damage.len();
            }
            assert_eq!(read.len() as u64 + missing, READINGS);
            assert!(missing <= own && read.ends_with(&(own + 1..=READINGS).collect::<Vec<_>>()), "{read:?}");
            assert!(told > 0 || missing == 0, "{missing} missing");
        }
    }
}

#[tokio::test]
async fn only_what_is_old_and_read_is_forgotten() {
    let (disk, store) = (SimulatedDisk::new(Dice::new(1)), Arc::new(InMemory::new()));
    let log = filled(&disk).await;
    let archive = archive(&store, Packing::Zstd);
    let name = Name::new("lake").expect("a name");
    log.set_checkpoint(&name, log.oldest()).expect("kept");
    log.move_closed(&archive).await.expect("moved");
    assert_eq!(log.forget(seconds(7_200), Some(&archive)).await.expect("nothing is read"), 0);
    log.set_checkpoint(&name, log.position_of(log.next())).expect("kept");
    assert_eq!(log.forget(seconds(3_599), Some(&archive)).await.expect("nothing is old"), 0);
    assert!(log.forget(seconds(3_600), Some(&archive)).await.expect("the first hour") > 0);
    assert_eq!(log.oldest().next, IngestId(11));
    assert_eq!(ids(log.reader(log.oldest(), Some(archive.clone()))).await.expect("read").len(), 10);
    assert_eq!(archive.list().await.expect("listed").first().map(|(place, _)| place.id.first), Some(IngestId(11)));
    assert_eq!(log.received().total(), READINGS, "what is forgotten was received all the same");
}

/// Without saved counts, what lies in the archive is counted when that is known, once, however often the log is opened.
#[tokio::test]
async fn counts_that_are_lost_are_counted_again_through_the_archive() {
    let (disk, store) = (SimulatedDisk::new(Dice::new(1)), Arc::new(InMemory::new()));
    let log = filled(&disk).await;
    let archive = archive(&store, Packing::Zstd);
    log.move_closed(&archive).await.expect("moved");
    let here = READINGS - (log.segments().last().expect("one").place.id.first.0 - 1);
    drop(log);
    for damaged in [None, Some(&b"{\"v\":1,"[..]), Some(b"")] {
        match damaged {
            None => disk.remove("counts.json").expect("removed"),
            Some(bytes) => disk.replace("counts.json", bytes).expect("damaged"),
        }
        for _ in 0..2 {
            // The second time with counts that were saved before the archive could be read.
            let log = open(&disk, RawLogSettings { segment_bytes: 1, ..settings() });
            let received = log.received();
            assert_eq!((received.total(), received.missing), (here, READINGS - here));
            log.close();
        }
        let log = open(&disk, settings());
        log.add_archive(&archive).await.expect("listed");
        for expect in [READINGS - here, 0] {
            assert_eq!(log.count_archived(&archive).await.expect("counted"), expect);
            let received = log.received();
            assert_eq!((received.total(), received.missing, received.next), (READINGS, 0, IngestId(READINGS + 1)));
        }
    }
}
