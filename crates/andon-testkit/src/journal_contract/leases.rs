//! Promises of the lease: one engine at a time.

use andon_journal::{Commit, Journal, JournalError, RunPlace};
use andon_model::{Offset, RunStatus};

use super::Fixture;
use super::samples::{append_of, at, commit_of, lease, run_of};

/// Each lease is younger than all before; only the youngest may commit.
pub async fn an_older_lease_is_fenced(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (old, young) = (lease(&store).await, lease(&store).await);
    assert!(old.epoch < young.epoch);
    let refused = store.commit(old, Commit::default()).await.expect_err("fenced");
    let JournalError::Fenced { ours, theirs } = refused else { panic!("expected to be fenced: {refused}") };
    assert_eq!((ours, theirs), (old.epoch, young.epoch));
    store.commit(young, Commit::default()).await.expect("the youngest may");
}

/// Nothing of a fenced commit is kept; appends need no lease.
pub async fn a_fenced_commit_stores_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_of(1..=3)).await.expect("appended");
    let old = lease(&store).await;
    lease(&store).await;
    let runs = vec![run_of(1, "notify", RunStatus::Queued)];
    let commit = Commit { decided_up_to: Some(Offset(2)), ..commit_of(runs) };
    store.commit(old, commit).await.expect_err("fenced");
    assert_eq!(store.unsettled_runs(RunPlace::default(), 10).await.expect("read"), []);
    assert_eq!(store.decided_up_to().await.expect("read"), Offset(0));
    store.append(append_of(4..=4)).await.expect("appended");
}

/// A second process is told who is there, and the first one is not disturbed.
pub async fn a_live_process_holds_the_lease(fixture: &impl Fixture) {
    let first = fixture.open().await;
    let lease = first.take_lease("the first", at(1)).await.expect("a lease");
    let second = fixture.open().await;
    let refused = second.take_lease("the second", at(2)).await.expect_err("held");
    assert!(matches!(&refused, JournalError::Held { owner } if owner == "the first"), "{refused}");
    first.commit(lease, Commit::default()).await.expect("still the one");
}

/// No waiting after a kill; the old lease is worth nothing any more.
pub async fn a_killed_process_leaves_the_lease_at_once(fixture: &impl Fixture) {
    let first = fixture.open().await;
    let old = lease(&first).await;
    fixture.kill(first).await;
    let second = fixture.open().await;
    let young = lease(&second).await;
    second.commit(old, Commit::default()).await.expect_err("fenced");
    second.commit(young, Commit::default()).await.expect("the youngest may");
}
