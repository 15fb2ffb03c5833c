//! Small values that the promises are checked with.

use andon_journal::{Append, CheckpointMove, Commit, Journal, Lease, RunChange};
use andon_model::{
    Decision, Event, Name, Offset, RowHit, RunId, RunStatus, TableVersion, TimelineEntry, TimelineKind, Timestamp,
};
use serde_json::json;

/// `seconds` after the epoch.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

pub(super) fn event(id: &str) -> Event {
    Event::new("/plant/1010", id, "com.example.alarm", json!({ "id": id }))
}

/// Events `first..=last`, named by their numbers, received at that many seconds.
pub(super) fn append_of(numbers: std::ops::RangeInclusive<i64>) -> Append {
    let received = at(*numbers.start());
    Append { events: numbers.map(|n| event(&n.to_string())).collect(), at: received, ..Append::default() }
}

pub(super) fn checkpoint(position: i64) -> Append {
    let step = CheckpointMove { name: "bucket".to_owned(), position, note: format!("token {position}") };
    Append { checkpoint: Some(step), ..Append::default() }
}

/// A change of a run that is named after its event and action.
pub(super) fn run_of(event: i64, action: &str, status: RunStatus) -> RunChange {
    RunChange {
        id: RunId::new(format!("RUN-{event:06}-{action}")),
        event: Offset(event),
        action: name(action),
        revision: 1,
        subject: format!("pump-{event}"),
        status,
        due: None,
        state: json!({ "step": status.as_str() }).to_string(),
        documents: String::new(),
        summary: status.to_string(),
        at: at(1_000 + event),
        timeline_from: 0,
        timeline: vec![entry(TimelineKind::Planned, 1_000 + event)],
        episode: None,
    }
}

pub(super) fn entry(kind: TimelineKind, seconds: i64) -> TimelineEntry {
    TimelineEntry { at: at(seconds), kind, step: "main".to_owned(), attempt: 1, detail: json!({ "status": 201 }) }
}

pub(super) fn decision(table: &str) -> Decision {
    let row = RowHit {
        row: 2,
        id: "r2".to_owned(),
        note: String::new(),
        saw: json!({ "score": 0.93 }),
        output: json!({ "action": "notify" }),
    };
    Decision {
        table: TableVersion { name: name(table), version: 3 },
        revision: 1,
        at: at(5),
        rows: vec![row],
        actions: vec![name("notify")],
    }
}

pub(super) fn commit_of(runs: Vec<RunChange>) -> Commit {
    Commit { runs, ..Commit::default() }
}

pub(super) async fn lease(store: &impl Journal) -> Lease {
    store.take_lease("contract", at(1)).await.expect("a lease")
}

/// Stores runs under a fresh lease.
pub(super) async fn write_runs(store: &impl Journal, runs: Vec<RunChange>) {
    let lease = lease(store).await;
    store.commit(lease, commit_of(runs)).await.expect("committed");
}
