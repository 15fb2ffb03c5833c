//! Compaction, vacuum, versions, rebuild, and the folder.

use std::sync::Arc;

use andon_journal::{Lake as _, SqlAsOf};
use andon_model::Code;
use object_store::ObjectStore;
use serde_json::json;

use super::super::SyncedFolder;
use super::{append, ask, ask_as_of, dump, fill, log_of, memory, open, settings};

fn files(lake: &super::DeltaLake, table: &str) -> usize {
    let tables = lake.status().tables;
    tables.iter().find(|found| found.name == table).map_or(0, |found| found.files)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_changes_files_and_no_rows() {
    let log = log_of(&[r#"{"a.b":1,"c":[1]}"#, r#"{"a.b":2}"#, r#"{"a.b":3,"c":[2,3]}"#, "x", "y"]).await;
    let lake = open(&memory(), &log).await;
    fill(&lake, 1).await;
    let before = dump(&lake).await;
    assert_eq!(files(&lake, "readings"), 3);
    let done = lake.compact().await.expect("compacted");
    let of =
        |table: &str| done.tables.iter().find(|done| done.table == table).map(|d| (d.files_removed, d.files_added));
    assert_eq!(of("readings"), Some((3, 1)));
    assert_eq!(of("quarantine"), Some((2, 1)));
    assert_eq!(files(&lake, "readings"), 1);
    assert_eq!(dump(&lake).await, before);
    append(&log, &[r#"{"a.b":4,"new":"column"}"#]).await;
    fill(&lake, 1).await;
    assert_eq!(
        ask(&lake, "SELECT sum(\"a.b\") AS s, max(new) AS n FROM readings").await,
        [json!({"s": 10, "n": "column"})]
    );
}

/// A writer that was there before the compaction goes on after it, and one that begins anew does too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_do_not_see_compactions() {
    let (store, log) = (memory(), log_of(&["1", "2"]).await);
    let lake = open(&store, &log).await;
    let mut writer = lake.writer(None);
    let limit = crate::raw::ReadLimit { readings: 1, ..crate::raw::ReadLimit::default() };
    while writer.step_within(limit).await.expect("a step").is_some() {}
    // Somebody else's, which this lake has not seen.
    open(&store, &log).await.compact().await.expect("compacted");
    append(&log, &["3", r#"{"more":4}"#]).await;
    while writer.step_within(limit).await.expect("a step").is_some() {}
    assert_eq!(ask(&lake, "SELECT count(*) AS n, sum(value) AS s FROM readings").await, [json!({"n": 4, "s": 6})]);
    assert_eq!(dump(&open(&store, &log).await).await, dump(&lake).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_versions_can_be_asked() {
    let log = log_of(&["1", "2", "3"]).await;
    let lake = open(&memory(), &log).await;
    fill(&lake, 1).await;
    let count = |as_of| ask_as_of(&lake, "SELECT count(*) AS n FROM readings", Some(as_of));
    assert_eq!(count(SqlAsOf::Version(1)).await, [json!({"n": 1})]);
    assert_eq!(count(SqlAsOf::Version(3)).await, [json!({"n": 3})]);
    let far: andon_model::Timestamp = "2999-01-01T00:00:00Z".parse().expect("a time");
    assert_eq!(count(SqlAsOf::Time(far)).await, [json!({"n": 3})]);
    let query = |as_of| andon_journal::SqlQuery { text: "SELECT 1 FROM readings".into(), as_of, ..Default::default() };
    for as_of in [SqlAsOf::Version(99), SqlAsOf::Time("1999-01-01T00:00:00Z".parse().expect("a time"))] {
        assert_eq!(lake.query(query(Some(as_of))).await.err().expect("not there").code, Code::Query);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_makes_the_same_tables() {
    let (store, log) = (memory(), log_of(&[r#"{"t":1,"tags":["a"]}"#, "{", r#"{"t":"x"}"#]).await);
    let lake = open(&store, &log).await;
    fill(&lake, 2).await;
    let before = dump(&lake).await;
    let version = lake.status().tables.iter().find(|table| table.name == "readings").expect("there").version;
    lake.rebuild().await.expect("begun");
    assert_eq!(dump(&lake).await.len(), 0);
    let old = ask_as_of(&lake, "SELECT count(*) AS n FROM readings", Some(SqlAsOf::Version(version))).await;
    assert_eq!(old, [json!({"n": 2})]);
    fill(&lake, 3).await;
    assert_eq!(dump(&lake).await, before);
    assert_eq!(lake.status().generation, 2);
    assert_eq!(dump(&open(&store, &log).await).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vacuum_removes_what_no_kept_version_needs() {
    let (store, log) = (memory(), log_of(&["1", "2", "3"]).await);
    let keep = |keep| super::LakeSettings { keep, ..settings() };
    let clock = || Arc::new(super::Noon);
    let lake = super::DeltaLake::open(store.clone(), log.clone(), clock(), keep(std::time::Duration::ZERO)).await;
    let lake = lake.expect("a lake");
    fill(&lake, 1).await;
    lake.compact().await.expect("compacted");
    let done = lake.vacuum().await.expect("vacuumed");
    let removed = done.tables.iter().find(|done| done.table == "readings").map(|done| done.files_removed);
    assert_eq!(removed, Some(3));
    assert_eq!(ask(&lake, "SELECT sum(value) AS s FROM readings").await, [json!({"s": 6})]);
    append(&log, &["4"]).await;
    fill(&lake, 1).await;
    assert_eq!(ask(&lake, "SELECT sum(value) AS s FROM readings").await, [json!({"s": 10})]);

    let store = memory();
    let lake = super::DeltaLake::open(store, log, clock(), keep(super::KEPT)).await.expect("a lake");
    fill(&lake, 1).await;
    lake.compact().await.expect("compacted");
    assert!(lake.vacuum().await.expect("vacuumed").tables.iter().all(|done| done.files_removed == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_in_a_folder_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log_of(&[r#"{"t":1,"tags":["a"]}"#, "{", r#"{"t":"x"}"#]).await;
    let store = || -> Arc<dyn ObjectStore> { Arc::new(SyncedFolder::open(folder.path()).expect("opened")) };
    let lake = open(&store(), &log).await;
    fill(&lake, 2).await;
    lake.compact().await.expect("compacted");
    let before = dump(&lake).await;
    assert_eq!((before["readings"].len(), before["readings_tags"].len()), (2, 1));
    drop(lake);
    let lake = open(&store(), &log).await;
    assert_eq!(dump(&lake).await, before);
    assert!(folder.path().join("readings/_delta_log/00000000000000000000.json").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("_andon/waiting")).expect("there").count(), 0);
}
