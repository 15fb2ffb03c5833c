//! Promises of `commit` and of reading runs.

use std::sync::Arc;

use andon_journal::{Commit, Journal, JournalError, PendingRun, RunFilter, RunPlace, StoredRun, Views};
use andon_model::{Offset, RunStatus, TimelineKind};

use super::Fixture;
use super::samples::{append_of, at, commit_of, entry, lease, run_of, write_runs};

/// The newest state counts; event, action and sequence number stay.
pub async fn a_run_is_inserted_then_replaced(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let queued = run_of(1, "notify", RunStatus::Queued);
    write_runs(&store, vec![queued.clone(), run_of(2, "notify", RunStatus::Queued)]).await;
    let mut waiting = run_of(1, "notify", RunStatus::Waiting);
    waiting.due = Some(at(77));
    waiting.at = at(50);
    waiting.documents.push_str("10000023, 10000024");
    write_runs(&store, vec![waiting.clone()]).await;
    let expected = StoredRun {
        id: waiting.id.clone(),
        event: Offset(1),
        subject: waiting.subject.clone(),
        status: RunStatus::Waiting,
        due: Some(at(77)),
        state: waiting.state.clone(),
    };
    assert_eq!(store.run(&waiting.id).await.expect("read"), Some(expected));
    let shown = store.run_detail(&waiting.id).await.expect("read").expect("there").row;
    assert_eq!((shown.created_at, shown.updated_at, shown.sequence), (queued.at, at(50), 1));
    assert_eq!(shown.documents, waiting.documents);
    assert_eq!(store.run(&run_of(3, "notify", RunStatus::Done).id).await.expect("read"), None);
}

/// Runs are found by their events, settled or not, oldest first within each event.
pub async fn runs_are_found_by_their_events(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let changes = [
        (2, "b", RunStatus::Done),
        (2, "a", RunStatus::Queued),
        (1, "a", RunStatus::Parked),
        (3, "a", RunStatus::Done),
    ];
    write_runs(&store, changes.map(|(event, action, status)| run_of(event, action, status)).to_vec()).await;
    let found = store.runs_of(&[Offset(1), Offset(2), Offset(9)]).await.expect("read");
    let of = |event: i64| found.iter().filter(move |run| run.event == Offset(event)).map(|run| run.id.as_str());
    assert_eq!(of(1).collect::<Vec<_>>(), ["RUN-000001-a"]);
    assert_eq!(of(2).collect::<Vec<_>>(), ["RUN-000002-b", "RUN-000002-a"]);
    assert_eq!((found.len(), store.runs_of(&[]).await.expect("read").len()), (3, 0));
    let alone = store.run(&found[0].id).await.expect("read").expect("there");
    assert_eq!(found[0], alone, "the same run however it is read");
}

/// What a restarted engine finds: pending runs only, oldest event first, in pages of any size.
pub async fn unsettled_runs_come_in_order_of_event_and_making(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let changes = [
        (11, "b", RunStatus::Queued),
        (2, "a", RunStatus::Waiting),
        (11, "a", RunStatus::Sending),
        (1, "a", RunStatus::Done),
        (3, "a", RunStatus::Parked),
        (4, "a", RunStatus::Refused),
        (5, "a", RunStatus::Cancelled),
    ];
    write_runs(&store, changes.map(|(event, action, status)| run_of(event, action, status)).to_vec()).await;
    for limit in 1..=4 {
        let found = unsettled(&store, limit).await;
        let found: Vec<_> =
            found.iter().map(|run| (run.place.event.0, run.id.as_str(), run.subject.as_str())).collect();
        let expected =
            [(2, "RUN-000002-a", "pump-2"), (11, "RUN-000011-b", "pump-11"), (11, "RUN-000011-a", "pump-11")];
        assert_eq!(found, expected, "in pages of {limit}");
    }
}

/// Every unsettled run, read page by page.
async fn unsettled(store: &impl Journal, limit: usize) -> Vec<PendingRun> {
    let (mut all, mut after) = (Vec::new(), RunPlace::default());
    loop {
        let page = store.unsettled_runs(after, limit).await.expect("read");
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return all };
        after = last.place;
        all.extend(page);
    }
}

/// J2 for the checkpoint of deciding.
pub async fn j2_deciding_never_goes_back(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_of(1..=9)).await.expect("appended");
    let lease = lease(&store).await;
    let decide = |offset: i64| Commit { decided_up_to: Some(Offset(offset)), ..Commit::default() };
    for offset in [3, 3, 7] {
        store.commit(lease, decide(offset)).await.expect("forward");
    }
    let refused = store.commit(lease, decide(6)).await.expect_err("backward");
    assert!(matches!(refused, JournalError::CheckpointWentBack { from: 7, to: 6, .. }), "{refused}");
    assert_eq!(store.decided_up_to().await.expect("read"), Offset(7));
}

/// J3 for commits.
pub async fn j3_runs_survive_a_kill(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_of(1..=2)).await.expect("appended");
    let lease = lease(&store).await;
    let commit = Commit { decided_up_to: Some(Offset(2)), ..commit_of(vec![run_of(1, "notify", RunStatus::Sending)]) };
    store.commit(lease, commit).await.expect("acknowledged");
    fixture.kill(store).await;
    let store = fixture.open().await;
    assert_eq!(store.decided_up_to().await.expect("read"), Offset(2));
    assert_eq!(unsettled(&store, 10).await.len(), 1);
}

/// More than any statement's limit on bound values.
pub async fn many_runs_in_one_commit_arrive(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let runs = (1..=3_001).map(|event| run_of(event, "notify", RunStatus::Queued)).collect();
    write_runs(&store, runs).await;
    assert!(unsettled(&store, 1_000).await.iter().map(|run| run.place.event.0).eq(1..=3_001));
}

/// Two commits that may be written together still count as one after the other.
pub async fn two_commits_for_one_run_in_a_row_keep_both_timelines(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let lease = lease(&store).await;
    let mut sending = run_of(1, "notify", RunStatus::Sending);
    sending.timeline_from = 1;
    sending.timeline = vec![entry(TimelineKind::Sending, 2), entry(TimelineKind::Answered, 3)];
    let first = store.commit(lease, commit_of(vec![run_of(1, "notify", RunStatus::Queued)]));
    let second = store.commit(lease, commit_of(vec![sending.clone()]));
    let (first, second) = tokio::join!(first, second);
    first.and(second).expect("committed");
    let detail = store.run_detail(&sending.id).await.expect("read").expect("there");
    assert_eq!((detail.row.status, detail.row.sequence), (RunStatus::Sending, 1));
    let kinds: Vec<_> = detail.timeline.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [TimelineKind::Planned, TimelineKind::Sending, TimelineKind::Answered]);
}

/// A commit whose answer was lost is written again: each line of the timeline stays one line.
pub async fn a_repeated_commit_repeats_no_timeline(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut run = run_of(1, "notify", RunStatus::Queued);
    run.timeline.push(entry(TimelineKind::Sending, 2));
    write_runs(&store, vec![run.clone()]).await;
    run.timeline.push(entry(TimelineKind::Lost, 3));
    write_runs(&store, vec![run.clone()]).await;
    let detail = store.run_detail(&run.id).await.expect("read").expect("there");
    assert_eq!(detail.timeline, run.timeline);
}

/// Commits and appends at once; each run is counted once.
pub async fn commits_from_many_tasks_arrive(fixture: &impl Fixture) {
    let store = Arc::new(fixture.open().await);
    let lease = lease(&*store).await;
    let work = |task: i64| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for status in [RunStatus::Queued, RunStatus::Sending, RunStatus::Done] {
                store.append(append_of(task..=task)).await.expect("appended");
                store.commit(lease, commit_of(vec![run_of(task, "notify", status)])).await.expect("committed");
            }
        })
    };
    let tasks: Vec<_> = (1..=40).map(work).collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let counts = store.counts().await.expect("counted");
    assert_eq!(counts.events, 40);
    assert_eq!(counts.runs.get(&RunStatus::Done), Some(&40), "{counts:?}");
    let page = store.runs(RunFilter { limit: 100, ..RunFilter::default() }).await.expect("listed");
    assert_eq!(page.rows.len(), 40);
}
