//! What every memory of a door promises, as tests that each adapter passes.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a promise that does not hold fails its test by a panic"
)]

use std::sync::Arc;

use andon_journal::{DoorMemory, MemoryChange, MemoryEntry, MemoryKind};
use async_trait::async_trait;

/// How the contract gets at an adapter.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// The adapter.
    type Store: DoorMemory + 'static;

    /// An empty memory of its own, gone when dropped.
    async fn new() -> Self;

    /// Opens it, as a starting process does.
    async fn open(&self) -> Self::Store;
}

/// Generates a test per promise for a [`Fixture`].
#[macro_export]
macro_rules! door_memory_contract {
    ($fixture:ty) => {
        $crate::door_memory_contract!(@tests $fixture,
            kept_survives_a_restart,
            an_entry_is_replaced_by_its_key,
            a_client_is_forgotten_alone,
            callers_at_the_same_time_lose_nothing,
        );
    };
    (@tests $fixture:ty, $($promise:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let fixture = <$fixture as $crate::door_memory_contract::Fixture>::new().await;
                $crate::door_memory_contract::$promise(&fixture).await;
            }
        )*
    };
}

/// An entry.
fn entry(kind: MemoryKind, owner: &str, name: &str, value: &str) -> MemoryEntry {
    MemoryEntry { kind, owner: owner.to_owned(), name: name.to_owned(), value: value.to_owned() }
}

fn keep(kind: MemoryKind, owner: &str, name: &str, value: &str) -> MemoryChange {
    MemoryChange::Keep(entry(kind, owner, name, value))
}

async fn check(memory: &impl DoorMemory, mut expect: Vec<MemoryEntry>) {
    let mut found = memory.load().await.expect("loaded");
    let key = |entry: &MemoryEntry| (entry.kind, entry.owner.clone(), entry.name.clone());
    found.sort_by_key(key);
    expect.sort_by_key(key);
    assert_eq!(found, expect);
}

/// What was changed before a restart is there behind it.
pub async fn kept_survives_a_restart(fixture: &impl Fixture) {
    let all: Vec<_> = MemoryKind::ALL.iter().map(|kind| entry(*kind, "pümp 1", "a/+/#'\"", "{\"v\":1}")).collect();
    let memory = fixture.open().await;
    memory.change(all.iter().cloned().map(MemoryChange::Keep).collect()).await.expect("changed");
    memory.change(Vec::new()).await.expect("nothing to change");
    drop(memory);
    check(&fixture.open().await, all).await;
}

/// Kind, owner and name are the key.
pub async fn an_entry_is_replaced_by_its_key(fixture: &impl Fixture) {
    use MemoryKind::{Session, Subscription};
    let memory = fixture.open().await;
    let changes = vec![
        keep(Session, "a", "", "1"),
        keep(Subscription, "a", "x", "1"),
        keep(Subscription, "a", "x", "2"),
        keep(Subscription, "a", "y", "3"),
        MemoryChange::Forget { kind: Subscription, owner: "a".to_owned(), name: "y".to_owned() },
        MemoryChange::Forget { kind: Subscription, owner: "b".to_owned(), name: "x".to_owned() },
    ];
    memory.change(changes).await.expect("changed");
    check(&memory, vec![entry(Session, "a", "", "1"), entry(Subscription, "a", "x", "2")]).await;
}

/// Other clients and what is retained stay.
pub async fn a_client_is_forgotten_alone(fixture: &impl Fixture) {
    use MemoryKind::{Retained, Session, Subscription};
    let memory = fixture.open().await;
    let changes = vec![
        keep(Session, "a", "", "1"),
        keep(Subscription, "a", "x", "1"),
        keep(Session, "ab", "", "1"),
        keep(Retained, "", "a", "1"),
        MemoryChange::ForgetClient("a".to_owned()),
        MemoryChange::ForgetClient(String::new()),
    ];
    memory.change(changes).await.expect("changed");
    check(&memory, vec![entry(Session, "ab", "", "1"), entry(Retained, "", "a", "1")]).await;
}

/// Each call is answered when its own changes are durable.
pub async fn callers_at_the_same_time_lose_nothing(fixture: &impl Fixture) {
    let memory = Arc::new(fixture.open().await);
    let change = |n: usize| {
        let memory = Arc::clone(&memory);
        tokio::spawn(async move {
            memory.change(vec![keep(MemoryKind::Session, &n.to_string(), "", "1")]).await.expect("changed");
        })
    };
    let callers: Vec<_> = (0..200).map(change).collect();
    for caller in callers {
        caller.await.expect("no panic");
    }
    let expect = (0..200).map(|n| entry(MemoryKind::Session, &n.to_string(), "", "1")).collect();
    check(memory.as_ref(), expect).await;
}
