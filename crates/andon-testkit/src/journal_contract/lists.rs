//! Promises of `Views` about events and runs.

use andon_journal::{Append, Commit, Decided, EventFilter, Journal, RunFilter, Views};
use andon_model::{Code, Event, Offset, Problem, RunStatus, TimelineKind};
use serde_json::json;

use super::Fixture;
use super::samples::{append_of, at, commit_of, decision, entry, event, lease, name, run_of, write_runs};

/// A row shows what was decided and which runs came of it; details have the event itself.
pub async fn events_show_decisions_and_runs(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_of(1..=3)).await.expect("appended");
    let problem = Problem::new(Code::DecisionFailed, "no such field").at("$.data.score");
    let decided = |event, decisions, failure| Decided { event: Offset(event), at: at(9), decisions, failure };
    let commit = Commit {
        decided: vec![decided(1, vec![decision("a"), decision("b")], None), decided(2, vec![], Some(problem.clone()))],
        runs: vec![run_of(1, "notify", RunStatus::Queued), run_of(1, "mail", RunStatus::Queued)],
        decided_up_to: Some(Offset(2)),
        ..Commit::default()
    };
    store.commit(lease(&store).await, commit).await.expect("committed");
    let rows = store.events(EventFilter { limit: 10, ..EventFilter::default() }).await.expect("listed").rows;
    assert_eq!(rows.iter().map(|row| row.offset.0).collect::<Vec<_>>(), [3, 2, 1]);
    let shown: Vec<_> = rows.iter().map(|row| (row.decisions.clone(), row.failure.clone())).collect();
    let expected = [(None, None), (Some(vec![]), Some(problem)), (Some(vec![decision("a"), decision("b")]), None)];
    assert_eq!(shown, expected);
    let runs: Vec<_> = rows[2].runs.iter().map(|run| run.action.as_str()).collect();
    assert_eq!(runs, ["notify", "mail"]);
    assert!(rows.iter().all(|row| row.event.is_none()));
    let detail = store.event_detail(Offset(1)).await.expect("read").expect("there");
    assert_eq!((detail.event, detail.runs.len()), (Some(event("1")), 2));
    assert_eq!(store.event_detail(Offset(4)).await.expect("read"), None);
}

/// Walking the pages shows every wanted event once, newest first.
pub async fn events_are_filtered_and_paged(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let labelled = |n: i64| {
        let mut event = Event::new("s", n.to_string(), if n % 2 == 0 { "even" } else { "odd" }, json!(n));
        event.subject = (n % 3 == 0).then(|| "third".to_owned());
        event
    };
    store.append(Append { events: (1..=60).map(labelled).collect(), ..Append::default() }).await.expect("appended");
    let some = |text: &str| Some(text.to_owned());
    for (kind, subject, limit, divisor) in [
        (None, None, 7, 1),
        (some("even"), None, 4, 2),
        (None, some("third"), 20, 3),
        (some("even"), some("third"), 3, 6),
    ] {
        let filter = EventFilter { before: None, limit, kind, subject };
        let expected: Vec<i64> = (1..=60).rev().filter(|n| n % divisor == 0).collect();
        assert_eq!(walk_events(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn walk_events(store: &impl Views, mut filter: EventFilter) -> Vec<i64> {
    let mut seen = Vec::new();
    loop {
        let page = store.events(filter.clone()).await.expect("listed");
        assert!(page.rows.len() <= filter.limit);
        seen.extend(page.rows.iter().map(|row| row.offset.0));
        filter.before = page.next;
        if page.next.is_none() {
            return seen;
        }
    }
}

/// The same for runs; the newest run comes first, whenever it last moved.
pub async fn runs_are_filtered_and_paged(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let status = |n: i64| if n % 2 == 0 { RunStatus::Done } else { RunStatus::Queued };
    let action = |n: i64| if n % 3 == 0 { "mail" } else { "notify" };
    write_runs(&store, (1..=60).map(|n| run_of(n, action(n), RunStatus::Queued)).collect()).await;
    write_runs(&store, (1..=60).rev().map(|n| run_of(n, action(n), status(n))).collect()).await;
    for (status, action, limit, divisor) in [
        (None, None, 7, 1),
        (Some(RunStatus::Done), None, 4, 2),
        (None, Some(name("mail")), 20, 3),
        (Some(RunStatus::Done), Some(name("mail")), 3, 6),
    ] {
        let filter = RunFilter { limit, status, action, ..RunFilter::default() };
        let expected: Vec<i64> = (1..=60).rev().filter(|n| n % divisor == 0).collect();
        assert_eq!(walk_runs(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn walk_runs(store: &impl Views, mut filter: RunFilter) -> Vec<i64> {
    let mut seen = Vec::new();
    loop {
        let page = store.runs(filter.clone()).await.expect("listed");
        assert!(page.rows.len() <= filter.limit);
        seen.extend(page.rows.iter().map(|row| row.event.0));
        filter.before = page.next;
        if page.next.is_none() {
            return seen;
        }
    }
}

/// A timeline grows at its end, whatever the times say, and the documents of the state are listed.
pub async fn a_run_shows_its_timeline_in_order(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let document = json!({"step": "main", "number": "10000023", "found_by_probe": true});
    let steps = [(9, TimelineKind::Planned), (5, TimelineKind::Sending), (7, TimelineKind::Settled)];
    for (n, (second, kind)) in (0..).zip(steps) {
        let mut run = run_of(1, "notify", RunStatus::Done);
        run.state = json!({ "documents": [document.clone()] }).to_string();
        run.timeline_from = 2 * n;
        run.timeline = vec![entry(kind, second), entry(TimelineKind::Waiting, second)];
        write_runs(&store, vec![run, run_of(2, "notify", RunStatus::Queued)]).await;
    }
    let id = run_of(1, "notify", RunStatus::Done).id;
    let detail = store.run_detail(&id).await.expect("read").expect("there");
    let seen: Vec<_> = detail.timeline.iter().map(|entry| (entry.at, entry.kind)).collect();
    let expected = [
        (at(9), TimelineKind::Planned),
        (at(9), TimelineKind::Waiting),
        (at(5), TimelineKind::Sending),
        (at(5), TimelineKind::Waiting),
        (at(7), TimelineKind::Settled),
        (at(7), TimelineKind::Waiting),
    ];
    assert_eq!(seen, expected);
    assert_eq!(serde_json::to_value(&detail.document_refs).expect("JSON"), json!([document]));
    assert_eq!(store.run_detail(&run_of(9, "x", RunStatus::Done).id).await.expect("read"), None);
}

/// The numbers for the first page.
pub async fn counts_add_up(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(store.counts().await.expect("counted").events, 0);
    store.append(append_of(1..=20)).await.expect("appended");
    let failure = Some(Problem::new(Code::DecisionFailed, ""));
    let commit = Commit {
        decided: vec![Decided { event: Offset(1), at: at(1), decisions: vec![], failure }],
        decided_up_to: Some(Offset(14)),
        ..commit_of((1..).zip(RunStatus::ALL).map(|(n, status)| run_of(n, "notify", status)).collect())
    };
    let lease = lease(&store).await;
    store.commit(lease, commit).await.expect("committed");
    store.commit(lease, commit_of(vec![run_of(1, "notify", RunStatus::Done)])).await.expect("committed");
    let counts = store.counts().await.expect("counted");
    assert_eq!((counts.events, counts.undecided, counts.failed_decisions, counts.quarantined), (20, 6, 1, 0));
    let of = |status| counts.runs.iter().find(|(found, _)| *found == status).map_or(0, |(_, count)| *count);
    assert_eq!(RunStatus::ALL.map(of), [0, 1, 1, 2, 1, 1, 1]);
}
