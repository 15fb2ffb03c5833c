//! Whatever the order of appends, duplicates and restarts: J1 and J4 hold, and every event has what it names.

use std::collections::BTreeMap;

use crate::common::{Database, Postgres, Sqlite};
use andon_journal::{Append, AttachedFile, Attachments, Journal, NewAttachment, attach};
use andon_model::{Event, Offset};
use andon_store::SqlStore;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

#[derive(Debug, Clone)]
enum Step {
    /// Appends events by number, at once; few numbers, so that many are duplicates.
    Append(Vec<u8>),
    /// Hands over appends and drops the caller before the answer; then the process ends.
    Kill(Vec<u8>),
    /// Ends the process in good order.
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let numbers = || vec(0..24_u8, 0..7);
    let step = prop_oneof![
        6 => numbers().prop_map(Step::Append),
        1 => numbers().prop_map(Step::Kill),
        1 => Just(Step::Close),
    ];
    vec(step, 1..12)
}

/// An event with a picture, the same as that of some others.
fn pictured(n: u8) -> (Event, NewAttachment) {
    let mut event = Event::new("/plant", n.to_string(), "t", Value::Null);
    let bytes = Bytes::from(vec![n % 5; 100]);
    let file = AttachedFile { name: format!("{n}.jpg"), content_type: "image/jpeg".to_owned(), bytes };
    let attachment = attach(&mut event, "image", file).expect("attached");
    (event, attachment)
}

fn append_of(numbers: &[u8]) -> Append {
    let (events, attachments) = numbers.iter().copied().map(pictured).unzip();
    Append { events, attachments, ..Append::default() }
}

/// What was acknowledged: number → offset.
type Acknowledged = BTreeMap<u8, Offset>;

/// An append's answer agrees with all answers before.
async fn append(store: &SqlStore, acknowledged: &mut Acknowledged, numbers: &[u8]) {
    let answer = store.append(append_of(numbers)).await.expect("appended");
    for (n, (offset, is_new)) in numbers.iter().zip(answer.events) {
        let known = acknowledged.insert(*n, offset);
        assert!(known.is_none_or(|known| known == offset && !is_new), "J4: event {n} moved from {known:?} to {offset}");
    }
}

/// Starts an append, looks away, and ends the process.
async fn kill_while_appending(database: &impl Database, store: SqlStore, numbers: &[u8]) -> SqlStore {
    {
        let mut lost = std::pin::pin!(store.append(append_of(numbers)));
        let started = std::future::poll_fn(|context| std::task::Poll::Ready(lost.as_mut().poll(context))).await;
        drop(started);
    }
    database.kill(store).await;
    database.open().await
}

async fn close(database: &impl Database, store: SqlStore) -> SqlStore {
    store.close().await;
    database.open().await
}

/// Every stored offset follows the one before, and every acknowledged event is where it was said to be.
async fn check_invariants(store: &SqlStore, acknowledged: &Acknowledged) {
    let stored = store.events_after(Offset(0), 1_000).await.expect("read");
    assert!(stored.iter().map(|event| event.offset.0).eq((1..).take(stored.len())), "J1: {stored:?}");
    let places: BTreeMap<&str, Offset> = stored.iter().map(|event| (event.event.id.as_str(), event.offset)).collect();
    assert_eq!(places.len(), stored.len(), "J4: an event is stored twice");
    for (n, offset) in acknowledged {
        assert_eq!(places.get(n.to_string().as_str()), Some(offset), "J3: event {n}");
    }
}

/// What an event's data names is there.
async fn check_attachments(store: &SqlStore) {
    for stored in store.events_after(Offset(0), 1_000).await.expect("read") {
        let named = stored.event.data["image"]["digest"].as_str().expect("a digest");
        let infos = store.attachments_of(stored.offset).await.expect("read");
        assert!(infos.iter().any(|info| info.digest == named), "event {} lacks {named}", stored.offset);
        assert!(store.attachment(named).await.expect("read").is_some(), "the bytes of {named} are gone");
    }
}

async fn check<D: Database>(steps: Vec<Step>) {
    let database = D::new().await;
    let mut store = database.open().await;
    let mut acknowledged = Acknowledged::new();
    for step in steps {
        match step {
            Step::Append(numbers) => append(&store, &mut acknowledged, &numbers).await,
            Step::Kill(numbers) => store = kill_while_appending(&database, store, &numbers).await,
            Step::Close => store = close(&database, store).await,
        }
    }
    // One more append waits for whatever a killed process had still under way.
    append(&store, &mut acknowledged, &[0]).await;
    check_invariants(&store, &acknowledged).await;
    check_attachments(&store).await;
}

fn check_many<D: Database>(cases: u32) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let tested = runner.run(&steps(), |steps| {
        runtime.block_on(check::<D>(steps));
        Ok(())
    });
    tested.expect("J1, J3 and J4 hold");
}

#[test]
fn invariants_hold_on_sqlite() {
    check_many::<Sqlite>(48);
}

#[test]
fn invariants_hold_on_postgres() {
    let _server = andon_testkit::postgres::database().expect("keeps the cluster for all cases");
    check_many::<Postgres>(16);
}
