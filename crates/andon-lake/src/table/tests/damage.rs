//! Damage to the raw log: what it has cost is counted and told, and what is behind it gets into the tables.

use std::sync::Arc;

use andon_journal::{Lake as _, ReadingViews};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::{append, dump, log_on, memory, open, segments};
use crate::raw::{Archive, Packing, RawLog, RawLogSettings};

/// The closed segments moved to an archive, and the path of the second object.
async fn archived(log: &RawLog) -> (Arc<dyn ObjectStore>, Archive, Path) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = Archive::new(Arc::clone(&store), "", Packing::Zstd);
    log.add_archive(&archive).await.expect("listed");
    log.move_closed(&archive).await.expect("moved");
    let (place, _) = archive.list().await.expect("listed")[1];
    (store, archive, Path::from(place.path(".ndjson.zst")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_object_stops_nothing() {
    let (_disk, log) = segments(20).await;
    let (store, archive, object) = archived(&log).await;
    let mut bytes = store.get(&object).await.expect("there").bytes().await.expect("read").to_vec();
    bytes[0] ^= 1;
    store.put(&object, bytes.into()).await.expect("damaged");
    let lost = log.segments()[1].end.expect("closed").0 - log.segments()[1].place.id.first.0;
    let lake = open(&memory(), &log).await;
    let mut writer = lake.writer(Some(archive));
    while writer.step().await.expect("a step").is_some() {}
    assert_eq!(dump(&lake).await["readings"].len() as u64, 20 - lost);
    let status = lake.status();
    assert_eq!((status.missing, status.next), (lost, log.next()));
    assert_eq!(lake.drifting_devices().await.expect("asked"), Some(vec![]));
}

/// What was read before an object that cannot be had does not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_a_failure_is_written() {
    let (_disk, log) = segments(20).await;
    let (store, archive, object) = archived(&log).await;
    let bytes = store.get(&object).await.expect("there").bytes().await.expect("read");
    store.delete(&object).await.expect("removed");
    let lake = open(&memory(), &log).await;
    let mut writer = lake.writer(Some(archive));
    let first = writer.step().await.expect("a step").expect("something");
    assert_eq!(Some(first.next), log.segments()[0].end);
    assert_eq!(writer.step().await.expect_err("it cannot be had").code, andon_model::Code::Archive);
    store.put(&object, bytes.into()).await.expect("back");
    while writer.step().await.expect("a step").is_some() {}
    assert_eq!(dump(&lake).await["readings"].len(), 20);
}

/// A byte of a line and a line feed: three readings are gone. The log counts them too, though it has received them, and
/// what is left of them is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_lines_are_told_and_kept() {
    let (disk, log) = segments(20).await;
    drop(log);
    let files = disk.list("raw").expect("listed");
    let flip = |file: usize, find: u8| {
        let mut bytes = disk.read(&files[file].path, 0, 1 << 20).expect("read");
        let at = bytes.iter().position(|b| *b == find).expect("there");
        bytes[at] ^= 1;
        disk.replace(&files[file].path, &bytes).expect("damaged");
    };
    flip(1, b'p');
    flip(2, b'\n');
    for _ in 0..2 {
        let log = log_on(&disk, RawLogSettings::default());
        let lake = open(&memory(), &log).await;
        assert_eq!(ReadingViews::status(&*log).missing, 0, "nobody has read them");
        let mut writer = lake.writer(None);
        while writer.step().await.expect("a step").is_some() {}
        assert_eq!((dump(&lake).await["readings"].len(), lake.status().missing), (17, 3));
        let status = ReadingViews::status(&*log);
        assert_eq!((status.received, status.missing), (20, 3));
        assert_eq!(lake.drifting_devices().await.expect("asked"), Some(vec![]));
        let kept = disk.list("quarantine").expect("listed");
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept[0].path.ends_with(".0.damaged") && kept[0].bytes < kept[1].bytes, "{kept:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_checkpoint_is_written_anew() {
    let (disk, log) = segments(3).await;
    let lake = open(&memory(), &log).await;
    let mut writer = lake.writer(None);
    while writer.step().await.expect("a step").is_some() {}
    let consumer = super::settings().consumer;
    for damaged in [&b"{\"v\":1,\"pos"[..], b"", b"\0\0\0"] {
        disk.replace("checkpoints/lake.json", damaged).expect("damaged");
        assert!(log.checkpoint(&consumer).is_err());
        append(&log, &["1"]).await;
        let stepped = writer.step().await.expect("a step").expect("something");
        assert_eq!(log.checkpoint(&consumer).expect("read").map(|at| at.next), Some(stepped.next));
    }
}
