//! More pending runs than one page.

use std::collections::BTreeMap;

use andon_journal::{Append, Delivery, Journal};
use andon_model::Event;
use andon_testkit::RuntimeClock;
use serde_json::{Value, json};

use crate::common::SOURCE;
use crate::{configured_journal, destination, name, start, until_pending};

/// One more than the engine learns of in one turn.
const PENDING: usize = 4_097;
const SUBJECTS: usize = 256;

fn event(number: usize) -> Event {
    let mut event = Event::new("/pump", number.to_string(), "anomaly", json!({ "equipment": "p" }));
    event.subject = Some(format!("pump-{}", number % SUBJECTS));
    event
}

/// A younger event never overtakes the pending ones of its subject, although it is delivered at once.
#[tokio::test(start_paused = true)]
async fn pending_runs_of_many_pages_go_on_in_order() {
    let clock = RuntimeClock::start();
    let journal = configured_journal(clock).await;
    let events = (0..PENDING).map(event).collect();
    journal.append(Append { events, ..Append::default() }).await.expect("appended");
    let engine = start(&journal, &destination(1.0), clock).await;
    until_pending(&journal, PENDING).await;
    engine.kill();

    let (journal, reachable) = (journal.crash(), destination(0.0));
    let engine = start(&journal, &reachable, clock).await;
    assert_eq!(engine.handle().status().pending_runs, PENDING, "known before they are read");
    let body = serde_json::to_vec(&event(PENDING)).expect("serialises").into();
    let delivery = Delivery { body, ..Delivery::default() };
    engine.handle().deliver(&name(SOURCE), delivery).await.expect("stored");
    until_pending(&journal, 0).await;
    assert_eq!(engine.handle().status().pending_runs, 0);

    let mut subjects: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let books = reachable.books();
    for entry in &books {
        let body: Value = serde_json::from_str(&entry.body).expect("a rendered body");
        let offset = body["Offset"].as_u64().expect("an offset");
        subjects.entry((offset - 1) % SUBJECTS as u64).or_default().push(offset);
    }
    assert_eq!((books.len(), subjects.len()), (PENDING + 1, SUBJECTS));
    assert!(subjects.values().all(|offsets| offsets.is_sorted()), "{subjects:?}");
}
