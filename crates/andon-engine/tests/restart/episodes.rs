//! A parked run goes on holding its episode after a restart.

use andon_act::DestinationLimits;
use andon_engine::HandleError;
use andon_journal::{
    Append, Change, Configurations, Document, DocumentKind, EpisodeFilter, EpisodeKey, Journal, RunFilter, RunRow,
    Views,
};
use andon_model::{Clock, Event, Release, RunStatus};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{DestinationFaults, Dice, RuntimeClock, SimulatedDestination};
use serde_json::json;

use crate::{ACTION, configured_journal, destination, name, start, until_pending};

/// The journal with an action that is taken once per equipment, and two events of different subjects.
async fn journal_with_two_events(clock: RuntimeClock) -> MemoryJournal {
    let journal = configured_journal(clock).await;
    let guard = ACTION.find("guard").expect("a guard");
    let steps = format!("{}guard = {{ kind = \"park\" }}\n", &ACTION[..guard]);
    let text = format!("[episode]\nonce_per = \"${{{{event.data.equipment}}}}\"\n{steps}");
    let action = Document { kind: DocumentKind::Action, name: name("notify"), text };
    journal.put(vec![Change::Put(action)], "test", clock.now()).await.expect("configuration is stored");
    let event = |n: u32| {
        let mut event = Event::new("/pump", n.to_string(), "anomaly", json!({ "equipment": "p" }));
        event.subject = Some(format!("camera-{n}"));
        event
    };
    let append = Append { events: vec![event(1), event(2)], ..Append::default() };
    journal.append(append).await.expect("appended");
    journal
}

/// A destination that does what it is asked and never answers.
fn silent() -> SimulatedDestination {
    let limits = DestinationLimits { max_concurrency: 4, open_after: 99, open_for: std::time::Duration::from_secs(1) };
    SimulatedDestination::new(Dice::new(1), DestinationFaults { lost_after: 1.0, ..Default::default() }, limits)
}

/// The runs of the first and of the second event.
async fn runs(journal: &MemoryJournal) -> (RunRow, RunRow) {
    let page = journal.runs(RunFilter { limit: 9, ..RunFilter::default() }).await.expect("listed");
    let mut rows = page.rows;
    rows.sort_by_key(|row| row.event);
    let second = rows.pop().expect("a run");
    (rows.pop().expect("a run"), second)
}

#[tokio::test(start_paused = true)]
async fn others_wait_for_a_parked_run_across_a_restart() {
    let clock = RuntimeClock::start();
    let journal = journal_with_two_events(clock).await;
    let engine = start(&journal, &silent(), clock).await;
    until_pending(&journal, 1).await;
    engine.kill();

    let (journal, books) = (journal.crash(), destination(0.0));
    let engine = start(&journal, &books, clock).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    let (parked, waiting) = runs(&journal).await;
    assert_eq!((parked.status, waiting.status), (RunStatus::Parked, RunStatus::Queued));
    assert_eq!(waiting.summary, format!("waits for run {} of the same episode", parked.id));
    assert!(books.books().is_empty());

    let id = EpisodeKey { action: name("notify"), key: "p".into() };
    let refused = engine.handle().close_episode(id.clone(), "ada").await;
    assert!(matches!(refused, Err(HandleError::Conflict(_))), "{refused:?}");
    let resolve = Release::Resolve { document: Some("4711".into()) };
    engine.handle().release(&parked.id, resolve, "ada").await.expect("resolved");
    until_pending(&journal, 0).await;
    let (first, second) = runs(&journal).await;
    assert_eq!((first.status, first.documents.as_str()), (RunStatus::Done, "4711"));
    assert_eq!((second.status, second.documents.as_str()), (RunStatus::Done, "4711"));
    let episodes = journal.episodes(EpisodeFilter { limit: 10, ..EpisodeFilter::default() }).await.expect("listed");
    assert_eq!(
        episodes.iter().map(|row| (&*row.episode.document, row.episode.count)).collect::<Vec<_>>(),
        [("4711", 2)]
    );
    assert!(books.books().is_empty(), "nothing was sent again");

    engine.handle().close_episode(id.clone(), "ada").await.expect("closed");
    let gone = engine.handle().close_episode(id, "ada").await;
    assert!(matches!(gone, Err(HandleError::NotFound(_))), "{gone:?}");
    let third = Event::new("/pump", "3", "anomaly", json!({ "equipment": "p" }));
    journal.append(Append { events: vec![third], ..Append::default() }).await.expect("appended");
    engine.kill();
    let engine = start(&journal.crash(), &books, clock).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    assert_eq!(books.books().len(), 1, "after the closing a document is made");
    drop(engine);
}
