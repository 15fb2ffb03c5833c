//! The process dies at every write in turn, before it and right after it; then another goes on, with other batches.

use std::sync::Arc;

use object_store::ObjectStore;

use super::dying_store::DyingStore;
use super::{append, dump, fill, log_of, memory, open, try_open};
use crate::raw::{RawLog, ReadLimit};

const FIRST: &[&str] = &[r#"{"t":1,"tags":["a","b"]}"#, "not JSON", r#"{"t":2}"#];
const THEN: &[&str] =
    &[r#"{"t":2.5,"tags":[{"k":1}]}"#, r#"{"t":3,"new":true,"at":"2020-01-01T00:30:00Z"}"#, "{", r#"{"t":4}"#];

/// Moves what is there, two readings at once, until the store dies.
async fn live(store: &Arc<DyingStore>, log: &Arc<RawLog>) {
    let store: Arc<dyn ObjectStore> = store.clone();
    let Ok(lake) = try_open(&store, log).await else { return };
    let mut writer = lake.writer(None);
    let limit = ReadLimit { readings: 2, ..ReadLimit::default() };
    // Three more tries after the first failure: a dead store stays dead.
    for _ in 0..8 {
        let _ = writer.step_within(limit).await;
    }
}

async fn check(rebuild: bool) {
    let log = log_of(FIRST).await;
    append(&log, THEN).await;
    let whole = open(&memory(), &log).await;
    fill(&whole, 1_000).await;
    let expect = dump(&whole).await;
    assert_eq!((expect["readings"].len(), expect["quarantine"].len()), (5, 2));
    for is_made in [false, true] {
        for last in 0.. {
            let inner = memory();
            if rebuild {
                fill(&open(&inner, &log).await, 1_000).await;
            }
            let dying = DyingStore::new(&inner, last, is_made);
            if rebuild {
                let store: Arc<dyn ObjectStore> = dying.clone();
                let _ = open(&store, &log).await.rebuild().await;
            }
            live(&dying, &log).await;
            let after = open(&inner, &log).await;
            fill(&after, 3).await;
            assert_eq!(dump(&after).await, expect, "death at write {last}, made: {is_made}");
            assert!(after.shared.state().adds_up());
            if !dying.is_dead() {
                assert!(last > 10, "the test has seen too few writes: {last}");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_is_lost_and_none_comes_twice() {
    check(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_dies_goes_on() {
    check(true).await;
}

/// The store refuses one write of a rebuild after the other, and is there again at once: whatever the rebuild has answered, the
/// writer that was there before makes the same rows, each once, and so does whoever opens the lake after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_fails_leaves_no_row_twice() {
    let log = log_of(FIRST).await;
    append(&log, THEN).await;
    let whole = open(&memory(), &log).await;
    fill(&whole, 1_000).await;
    let expect = dump(&whole).await;
    for is_made in [false, true] {
        for last in 0.. {
            let inner = memory();
            fill(&open(&inner, &log).await, 1_000).await;
            let failing = DyingStore::new(&inner, last, is_made);
            let store: Arc<dyn ObjectStore> = failing.clone();
            let lake = open(&store, &log).await;
            let mut writer = lake.writer(None);
            let done = lake.rebuild().await;
            let has_failed = failing.revive();
            assert_eq!(done.is_err(), has_failed, "write {last}");
            while writer.step().await.expect("a step").is_some() {}
            assert_eq!(dump(&lake).await, expect, "failure of write {last}, made: {is_made}");
            assert!(lake.shared.state().adds_up() && lake.shared.state().clearing.is_none());
            lake.rebuild().await.expect("begun");
            fill(&lake, 3).await;
            assert_eq!(dump(&open(&inner, &log).await).await, expect, "failure of write {last}, made: {is_made}");
            if !has_failed {
                assert!(last > 4, "the test has seen too few writes: {last}");
                break;
            }
        }
    }
}

/// A writer whose step failed goes on by itself when the store is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_goes_on_after_a_failure() {
    let log = log_of(FIRST).await;
    let inner = memory();
    drop(open(&inner, &log).await);
    let dying = DyingStore::new(&inner, 1, true);
    let store: Arc<dyn ObjectStore> = dying.clone();
    let lake = open(&store, &log).await;
    let mut writer = lake.writer(None);
    let problem = writer.step().await.expect_err("the store is dead");
    assert_eq!(problem.code, andon_model::Code::Lake);
    let after = open(&inner, &log).await;
    fill(&after, 10).await;
    assert_eq!(dump(&after).await["readings"].len(), 2);
}
