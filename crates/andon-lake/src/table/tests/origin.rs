//! A lake is of one raw log: others, and one that has less than the lake, are refused; so is a rebuild that would lose rows.

use std::sync::Arc;

use andon_model::{Code, Problem};
use andon_testkit::Dice;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde_json::Value;

use super::{append, dump, fill, log_on, memory, open, segments, try_open};
use crate::raw::{Archive, Packing, RawLog, RawLogSettings, simulated_disk};
use crate::table::DeltaLake;

const STATE: &str = "_andon/state.json";

/// A log with this id and one reading for each number.
async fn log(drawn_id: u128, readings: usize) -> Arc<RawLog> {
    let log = log_on(&simulated_disk(Dice::new(7)), RawLogSettings { drawn_id, ..RawLogSettings::default() });
    append(&log, &vec!["1"; readings]).await;
    log
}

async fn state(store: &Arc<dyn ObjectStore>) -> Value {
    let bytes = store.get(&Path::from(STATE)).await.expect("there").bytes().await.expect("read");
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn rows(lake: &DeltaLake) -> usize {
    dump(lake).await.get("readings").map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_is_of_one_log() {
    let refused = async |store: &Arc<dyn ObjectStore>, log: &Arc<RawLog>| -> Problem {
        try_open(store, log).await.err().expect("refused")
    };
    // Whose a place is, is known before a row is there.
    let store = memory();
    drop(open(&store, &log(1, 0).await).await);
    assert_eq!(refused(&store, &log(2, 3).await).await.code, Code::Lake);

    let store = memory();
    let whole = log(1, 3).await;
    let lake = open(&store, &whole).await;
    fill(&lake, 10).await;
    let before = state(&store).await;
    for (other, what) in [(log(2, 3).await, "is of the raw log"), (log(1, 2).await, "only those before 3")] {
        let problem = refused(&store, &other).await;
        assert!(problem.code == Code::Lake && problem.detail.contains(what), "{problem}");
        assert_eq!(state(&store).await, before);
    }
    assert_eq!(rows(&open(&store, &whole).await).await, 3);
}

/// As a build before logs had ids has left it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_that_names_no_log_is_of_the_one_that_it_is_opened_with() {
    let store = memory();
    let log_of_lake = log(1, 3).await;
    fill(&open(&store, &log_of_lake).await, 10).await;
    let mut old = state(&store).await;
    old.as_object_mut().expect("an object").remove("log").expect("there");
    store.put(&Path::from(STATE), old.to_string().into_bytes().into()).await.expect("written");
    assert!(try_open(&store, &log(2, 2).await).await.is_err(), "it has fewer readings");
    let lake = open(&store, &log_of_lake).await;
    append(&log_of_lake, &["1"]).await;
    fill(&lake, 10).await;
    assert_eq!((rows(&lake).await, state(&store).await["log"].as_str().map(str::len)), (4, Some(32)));
    assert!(try_open(&store, &log(2, 9).await).await.is_err());
}

async fn rebuild_is_refused(lake: &DeltaLake, lacking: &str) {
    let problem = lake.rebuild().await.expect_err("refused");
    assert!(problem.code == Code::Conflict && problem.detail.contains(lacking), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_would_lose_rows_is_refused() {
    let (disk, log) = segments(20).await;
    let lake = open(&memory(), &log).await;
    fill(&lake, 100).await;
    let files = disk.list("raw").expect("listed");
    assert!(files.len() > 4, "{files:?}");
    let infos = log.segments();
    let lies_in = |n: usize| {
        let end = infos[n].end.expect("closed").0;
        (infos[n].place.id.first.0, end - 1)
    };
    // One in the middle, and the end of another.
    let bytes = disk.read(&files[2].path, 0, 1 << 20).expect("read");
    disk.remove(&files[2].path).expect("removed");
    let (first, last) = lies_in(2);
    rebuild_is_refused(&lake, &format!("those from {first} to {last} first")).await;
    disk.replace(&files[2].path, &bytes[..bytes.len() - 1]).expect("cut");
    rebuild_is_refused(&lake, &format!("those from {first} to {last} first")).await;
    disk.replace(&files[2].path, &bytes).expect("brought back");
    assert_eq!(rows(&lake).await, 20);
    lake.rebuild().await.expect("all is there");
    fill(&lake, 100).await;
    assert_eq!(rows(&lake).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_counts_on_the_archive() {
    let (_disk, log) = segments(20).await;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let archive = Archive::new(Arc::clone(&store), "", Packing::Zstd);
    log.add_archive(&archive).await.expect("listed");
    log.move_closed(&archive).await.expect("moved");
    let lake = open(&memory(), &log).await;
    let mut writer = lake.writer(Some(archive.clone()));
    while writer.step().await.expect("a step").is_some() {}
    let (place, packing) = archive.list().await.expect("listed")[1];
    let lines = archive.fetch(place, packing).await.expect("there").lines;
    archive.remove(place, packing).await.expect("removed");
    rebuild_is_refused(&lake, &format!("those from {} to", place.id.first)).await;
    archive.put(place, &lines).await.expect("brought back");
    lake.rebuild().await.expect("all is there");
    while writer.step().await.expect("a step").is_some() {}
    assert_eq!(rows(&lake).await, 20);
}

async fn write_state(store: &Arc<dyn ObjectStore>, bytes: Option<Vec<u8>>) {
    let done = match bytes {
        Some(bytes) => store.put(&Path::from(STATE), bytes.into()).await.map(|_| ()),
        None => store.delete(&Path::from(STATE)).await,
    };
    done.expect("changed");
}

/// Removed, cut off, or empty: in each case the tables are made anew, with their children, however often they were before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_whose_state_is_lost_is_made_anew() {
    for rebuilds in [0, 3] {
        let (store, log) = (memory(), log(1, 2).await);
        append(&log, &[r#"{"t":1,"tags":["a","b"]}"#, "not JSON"]).await;
        let lake = open(&store, &log).await;
        fill(&lake, 3).await;
        for _ in 0..rebuilds {
            lake.rebuild().await.expect("begun");
            fill(&lake, 3).await;
        }
        let before = dump(&lake).await;
        assert_eq!((before["readings"].len(), before["readings_tags"].len(), before["quarantine"].len()), (3, 2, 1));
        let whole = serde_json::to_vec(&state(&store).await).expect("JSON");
        for lost in [None, Some(whole[..whole.len() / 2].to_vec()), Some(Vec::new())] {
            write_state(&store, lost).await;
            let lake = open(&store, &log).await;
            fill(&lake, 2).await;
            assert_eq!(dump(&lake).await, before);
            assert_eq!(dump(&open(&store, &log).await).await, before);
            assert!(lake.shared.state().adds_up());
        }
    }
}

/// What cannot be made anew stays, and so does what another version has written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_whose_state_is_lost_loses_no_row() {
    let (disk, log_of_lake) = segments(20).await;
    let store = memory();
    fill(&open(&store, &log_of_lake).await, 100).await;
    let mut kept = state(&store).await;
    write_state(&store, None).await;
    let refused = async |log: &Arc<RawLog>| try_open(&store, log).await.err().expect("refused").detail;
    assert!(refused(&log(1, 3).await).await.contains("readings from 1 to 20, and the raw log only those from 1 to 3"));
    drop(log_of_lake);
    disk.remove(&disk.list("raw").expect("listed")[0].path).expect("removed");
    let rest = log_on(&disk, RawLogSettings::default());
    assert!(refused(&rest).await.contains("bring the file back"));
    kept["v"] = 2.into();
    write_state(&store, Some(kept.to_string().into_bytes())).await;
    assert!(refused(&rest).await.contains("version"));
}
