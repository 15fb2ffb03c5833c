//! Promises of `retain`: what is too old goes, what is needed stays.

use andon_journal::{Append, Commit, Decided, Journal, Mark, NewQuarantine, Retained, Retention, Views};
use andon_model::{Code, Offset, Problem, RunStatus};
use bytes::Bytes;

use super::Fixture;
use super::samples::{append_of, at, commit_of, event, lease, name, run_of};

fn older_than(events: i64, keys: i64) -> Retention {
    Retention {
        events_before: at(events),
        keys_before: at(keys),
        quarantine_before: at(0),
        marks_before: None,
        limit: 10_000,
    }
}

/// Appends events that are received at the second of their number; decides up to `decided`.
async fn fill(store: &impl Journal, last: i64, decided: i64, runs: &[(i64, RunStatus)]) {
    for n in 1..=last {
        store.append(append_of(n..=n)).await.expect("appended");
    }
    let decision = |event| Decided { event: Offset(event), at: at(event), decisions: vec![], failure: None };
    let commit = Commit {
        decided: (1..=decided).map(decision).collect(),
        decided_up_to: Some(Offset(decided)),
        ..commit_of(runs.iter().map(|(event, status)| run_of(*event, "notify", *status)).collect())
    };
    store.commit(lease(store).await, commit).await.expect("committed");
}

async fn kept(store: &impl Journal) -> Vec<i64> {
    store.events_after(Offset(0), 1_000).await.expect("read").iter().map(|event| event.offset.0).collect()
}

/// Events 2 (pending) and 9 to 10 (undecided, young) stay, with everything that belongs to them.
pub async fn only_old_settled_and_decided_events_go(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let runs = [(1, RunStatus::Done), (2, RunStatus::Waiting), (3, RunStatus::Refused), (7, RunStatus::Parked)];
    fill(&store, 10, 8, &runs).await;
    assert_eq!(store.retain(older_than(8, 0)).await.expect("retained").events, 6);
    assert_eq!(kept(&store).await, [2, 8, 9, 10]);
    assert_eq!(store.retain(older_than(100, 0)).await.expect("retained").events, 1);
    assert_eq!(kept(&store).await, [2, 9, 10]);
    assert!(store.run(&run_of(2, "notify", RunStatus::Done).id).await.expect("read").is_some());
    assert!(store.run_detail(&run_of(1, "notify", RunStatus::Done).id).await.expect("read").is_none());
    assert!(store.event_detail(Offset(1)).await.expect("read").is_none());
    let counts = store.counts().await.expect("counted");
    assert_eq!((counts.events, counts.undecided), (3, 2));
    assert_eq!(counts.runs.values().sum::<i64>(), 1);
}

/// A late duplicate is known as long as the key is kept; the key of a kept event never goes.
pub async fn j4_a_key_outlives_its_event_until_it_is_too_old(fixture: &impl Fixture) {
    let store = fixture.open().await;
    fill(&store, 6, 6, &[(2, RunStatus::Queued)]).await;
    store.retain(older_than(5, 0)).await.expect("retained");
    let again = store.append(append_of(1..=6)).await.expect("appended");
    assert!(again.events.iter().map(|(offset, new)| (offset.0, *new)).eq((1..=6).map(|n| (n, false))));
    store.retain(older_than(5, 4)).await.expect("retained");
    for (n, known) in [(1, false), (2, true), (3, false), (4, true), (5, true), (6, true)] {
        let found = store.find_event(&event(&n.to_string()).key()).await.expect("read");
        assert_eq!(found.is_some(), known, "event {n}");
    }
}

/// A call does a bounded amount of work, and says how much.
pub async fn at_most_the_limit_goes(fixture: &impl Fixture) {
    let store = fixture.open().await;
    fill(&store, 9, 9, &[]).await;
    for (gone, left) in [(4, 5), (4, 1), (1, 0), (0, 0)] {
        let retention = Retention { limit: 4, ..older_than(100, 100) };
        assert_eq!(store.retain(retention).await.expect("retained").events, gone);
        assert_eq!(kept(&store).await.len(), left);
    }
    let nothing = store.retain(Retention { limit: 0, ..older_than(100, 100) }).await.expect("retained");
    assert_eq!(nothing, Retained::default());
}

/// J1: counting goes on where it was, even when everything is gone.
pub async fn j1_offsets_are_never_used_again(fixture: &impl Fixture) {
    let store = fixture.open().await;
    fill(&store, 3, 3, &[(3, RunStatus::Done)]).await;
    store.retain(older_than(100, 100)).await.expect("retained");
    fixture.kill(store).await;
    let store = fixture.open().await;
    let appended = store.append(append_of(3..=4)).await.expect("appended");
    assert_eq!(appended.events, [(Offset(4), true), (Offset(5), true)]);
}

fn quarantine_at(second: i64) -> Append {
    let entry = NewQuarantine {
        source: name("bucket"),
        problem: Problem::new(Code::Undecodable, "no"),
        content_type: None,
        headers: Vec::new(),
        path: String::new(),
        raw: Bytes::from_static(b"raw"),
    };
    Append { quarantine: vec![entry], at: at(second), ..Append::default() }
}

/// What was replayed goes with the events of its time; what was not has a limit of its own. Numbers are
/// never used again.
pub async fn quarantine_goes_by_what_became_of_it(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut ids = Vec::new();
    for second in 1..=6 {
        ids.extend(store.append(quarantine_at(second)).await.expect("appended").quarantine);
    }
    for replayed in [1, 3, 5] {
        store.mark_replayed(ids[replayed]).await.expect("marked");
    }
    let kept = async || {
        let page = store.quarantine(None, 100).await.expect("listed");
        page.rows.iter().rev().map(|row| row.received_at.as_micros() / 1_000_000).collect::<Vec<_>>()
    };
    let gone = store.retain(older_than(5, 5)).await.expect("retained");
    assert_eq!((gone.replayed, gone.quarantine, kept().await), (2, 0, vec![1, 3, 5, 6]));
    let retention = Retention { quarantine_before: at(4), limit: 1, ..older_than(5, 5) };
    for left in [vec![3, 5, 6], vec![5, 6]] {
        let gone = store.retain(retention).await.expect("retained");
        assert_eq!((gone.replayed, gone.quarantine, kept().await), (0, 1, left));
    }
    assert_eq!(store.retain(retention).await.expect("retained"), Retained::default());
    assert_eq!(store.counts().await.expect("counted").quarantined, 1);
    store.retain(Retention { quarantine_before: at(100), ..older_than(100, 100) }).await.expect("retained");
    assert_eq!(store.append(quarantine_at(7)).await.expect("appended").quarantine, [ids[5] + 1]);
}

/// An object whose mark went is unread again, so marks stay unless a limit is set; the first time counts.
pub async fn marks_go_only_when_asked(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (bucket, mark) = (name("bucket"), |n: i64| Mark { key: format!("in/{n}"), version: "v".to_owned() });
    for second in 1..=4 {
        let marks = vec![mark(1), mark(second)];
        let append = Append { source: Some(bucket.clone()), marks, at: at(second), ..Append::default() };
        store.append(append).await.expect("appended");
    }
    let unread = async || {
        let unmarked = store.unmarked(&bucket, (1..=4).map(mark).collect()).await.expect("read");
        unmarked.into_iter().map(|mark| mark.key).collect::<Vec<_>>()
    };
    assert_eq!(store.retain(older_than(100, 100)).await.expect("retained").marks, 0);
    assert_eq!(unread().await, Vec::<String>::new());
    let retention = Retention { marks_before: Some(at(4)), limit: 2, ..older_than(0, 0) };
    for (gone, left) in [(2, 2), (1, 3), (0, 3)] {
        assert_eq!(store.retain(retention).await.expect("retained").marks, gone);
        assert_eq!(unread().await.len(), left);
    }
    assert_eq!(unread().await, ["in/1", "in/2", "in/3"]);
}
