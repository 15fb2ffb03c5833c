//! A pending run whose stored state another program wrote.

use andon_engine::{HandleError, check_run};
use andon_journal::{Append, Commit, Journal, RunChange, Views};
use andon_model::{Event, Offset, Release, RunId, RunStatus, TimelineEntry, TimelineKind, Timestamp};
use andon_testkit::RuntimeClock;
use andon_testkit::memory_journal::MemoryJournal;
use serde_json::json;

use crate::{configured_journal, destination, name, start, until_pending};

const RUN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Stores a run that was sending when the other program was stopped.
async fn plant(journal: &MemoryJournal) {
    let event = Event::new("/pump", "1", "anomaly", json!({}));
    journal.append(Append { events: vec![event], ..Append::default() }).await.expect("appended");
    let at = Timestamp::default();
    let entry = |kind, step: &str, detail| TimelineEntry { at, kind, step: step.into(), attempt: 1, detail };
    let run = RunChange {
        id: RunId::new(RUN),
        event: Offset(1),
        action: name("notify"),
        revision: 1,
        subject: String::new(),
        status: RunStatus::Sending,
        due: None,
        state: json!({ "v": 200 }).to_string(),
        documents: String::new(),
        summary: String::new(),
        at,
        timeline_from: 0,
        episode: None,
        timeline: vec![
            entry(TimelineKind::Planned, "", json!({})),
            entry(TimelineKind::Sending, "create", json!({ "key": "KEY-1" })),
        ],
    };
    let lease = journal.take_lease("other", at).await.expect("a lease");
    let commit = Commit { runs: vec![run], decided_up_to: Some(Offset(1)), ..Commit::default() };
    journal.commit(lease, commit).await.expect("committed");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_read_can_be_cancelled_and_nothing_else() {
    use TimelineKind::{Planned, Released, Sending, Settled};

    let clock = RuntimeClock::start();
    let journal = configured_journal(clock).await;
    plant(&journal).await;
    let journal = journal.crash();
    let books = destination(0.0);
    let engine = start(&journal, &books, clock).await;
    let release = async |release| engine.handle().release(&RunId::new(RUN), release, "ada").await;
    let refused = release(Release::Retry { confirmed_absent: true }).await.expect_err("unreadable");
    assert!(matches!(&refused, HandleError::Conflict(why) if why.contains("can only be cancelled")), "{refused}");
    release(Release::Cancel).await.expect("cancelled");
    let refused = release(Release::Cancel).await.expect_err("cancelled already");
    assert!(matches!(&refused, HandleError::Conflict(why) if why == "the run has ended"), "{refused}");

    until_pending(&journal, 0).await;
    let detail = journal.run_detail(&RunId::new(RUN)).await.expect("read").expect("there");
    assert_eq!(detail.row.status, RunStatus::Cancelled);
    let kinds: Vec<_> = detail.timeline.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Planned, Sending, Released, Settled]);
    assert_eq!(detail.timeline[2].detail["by"], "ada");
    assert_eq!(detail.timeline[3].detail["in_doubt"], json!({ "step": "create", "key": "KEY-1" }));
    assert!(detail.row.summary.contains("its state could not be read"), "{}", detail.row.summary);
    assert!(detail.row.summary.contains("look for a document with the key KEY-1"), "{}", detail.row.summary);
    assert_eq!(check_run(&detail), []);
    assert!(books.books().is_empty());
}
