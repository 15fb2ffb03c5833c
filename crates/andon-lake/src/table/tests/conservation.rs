//! Invariant R1: what is received is in the tables, in the quarantine, or on its way; and what is not is found.

use std::sync::Arc;

use andon_journal::Lake as _;
use deltalake::DeltaTable;
use deltalake::datafusion::prelude::{col, lit};
use object_store::ObjectStore;

use super::{append, fill, log_of, memory, open};
use crate::raw::ReadLimit;
use crate::table::{DeltaLake, DeviceDrift};

/// Received and nowhere, by the place of the lake.
fn drift(lake: &DeltaLake) -> i64 {
    let status = lake.status();
    (status.next.0 - 1).cast_signed() - (status.readings + status.quarantined + status.missing).cast_signed()
}

async fn devices(lake: &DeltaLake) -> Vec<(String, i64)> {
    let found = lake.drifting_devices().await.expect("asked").expect("judged");
    found.iter().map(|DeviceDrift { device, drift, .. }| (device.to_string(), *drift)).collect()
}

/// Somebody else takes a row out of a table.
async fn take_out(lake: &DeltaLake, table: &str, id: i64) {
    let table = lake.shared.tables.get(table).expect("there");
    let mut other = DeltaTable::new(table.log_store());
    other.load().await.expect("loaded");
    let (_, done) = other.delete().with_predicate(col("ingest_id").eq(lit(id))).await.expect("taken out");
    assert_eq!(done.num_deleted_rows, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_on_their_way_are_no_drift() {
    let log = log_of(&[r#"{"t":1}"#, "not JSON", r#"{"t":2}"#]).await;
    let lake = open(&memory(), &log).await;
    let mut writer = lake.writer(None);
    for _ in 0..3 {
        assert_eq!((drift(&lake), devices(&lake).await), (0, vec![]));
        writer.step_within(ReadLimit { readings: 1, ..ReadLimit::default() }).await.expect("a step");
    }
    append(&log, &["{", r#"{"t":3}"#]).await;
    assert_eq!((drift(&lake), devices(&lake).await), (0, vec![]));
    lake.compact().await.expect("compacted");
    assert_eq!(drift(&lake), 0);
    lake.rebuild().await.expect("begun");
    assert_eq!((drift(&lake), devices(&lake).await), (0, vec![]));
    fill(&lake, 10).await;
    assert_eq!((drift(&lake), devices(&lake).await), (0, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_lost_are_found() {
    for (table, id, device) in [("readings", 3, "d1"), ("quarantine", 2, "d0")] {
        let (store, log): (Arc<dyn ObjectStore>, _) = (memory(), log_of(&["1", "not JSON", "3"]).await);
        let lake = open(&store, &log).await;
        fill(&lake, 10).await;
        take_out(&lake, table, id).await;
        // Seen at the latest by who opens the lake, or appends to it.
        let lake = open(&store, &log).await;
        assert_eq!((drift(&lake), devices(&lake).await), (1, vec![(device.to_owned(), 1)]), "{table}");
        append(&log, &["4", "5"]).await;
        fill(&lake, 10).await;
        assert_eq!((drift(&lake), devices(&lake).await), (1, vec![(device.to_owned(), 1)]), "{table}");
        lake.rebuild().await.expect("begun");
        fill(&lake, 10).await;
        assert_eq!((drift(&lake), devices(&lake).await), (0, vec![]), "{table}");
    }
}

/// As many rows as there should be, and of the wrong device.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_another_device_are_found() {
    let log = log_of(&["1", "2", "3", "4"]).await;
    let lake = open(&memory(), &log).await;
    fill(&lake, 10).await;
    let table = lake.shared.tables.get("readings").expect("there");
    let mut other = DeltaTable::new(table.log_store());
    other.load().await.expect("loaded");
    let change = other.update().with_predicate(col("ingest_id").eq(lit(3_i64))).with_update("device", lit("d0"));
    change.await.expect("changed");
    table.refresh(&["andon-1"]).await.expect("seen");
    assert_eq!((drift(&lake), devices(&lake).await), (0, vec![("d0".to_owned(), -1), ("d1".to_owned(), 1)]));
}
