//! Promises about what may be in an event.

use andon_journal::{Append, EventFilter, Journal, Views};
use andon_model::{Event, Offset, RunStatus};
use serde_json::json;

use super::Fixture;
use super::samples::{event, run_of, write_runs};

async fn check_round_trip(store: &(impl Journal + Views), event: Event) {
    store.append(Append { events: vec![event.clone()], ..Append::default() }).await.expect("appended");
    let offset = store.find_event(&event.key()).await.expect("read").expect("known by its key");
    let stored = store.event(offset).await.expect("read").expect("there");
    assert!(stored.event == event, "event {} came back changed", event.id.chars().take(40).collect::<String>());
    let filter = EventFilter { limit: 10, kind: Some(event.kind), subject: event.subject, ..EventFilter::default() };
    let listed = store.events(filter).await.expect("listed");
    assert!(listed.rows.iter().any(|row| row.offset == offset && row.id == event.id && row.source == event.source));
}

/// All attributes, extensions and kinds of JSON values.
pub async fn every_attribute_comes_back(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let full = json!({
        "id": "1", "source": "s", "type": "t", "subject": "pump-01", "time": "2024-03-05T14:00:00.123456Z",
        "datacontenttype": "application/json", "dataschema": "urn:x", "traceparent": "00-abc",
        "data": {"int": -9_007_199_254_740_993_i64, "big": u64::MAX, "float": 0.1, "null": null, "list": [true, [], {}]},
        "sequence": "0001"
    });
    check_round_trip(&store, serde_json::from_value(full).expect("a valid event")).await;
    let binary = json!({"id": "2", "source": "s", "type": "t", "data_base64": "AAH/"});
    check_round_trip(&store, serde_json::from_value(binary).expect("a valid event")).await;
}

/// Any character that JSON can carry, U+0000 included, in every place that takes text.
pub async fn unicode_and_nul_come_back(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let texts =
        ["a\0b", "\0", "\u{1a}0", "\u{1a}", "ß\u{1f6a8}\u{202e}\u{feff}", "'; DROP TABLE events; --", "\\u0000"];
    for (n, text) in (1..).zip(texts) {
        let mut event = Event::new(text, text, text, json!({ text: [text] }));
        event.subject = Some(text.to_owned());
        check_round_trip(&store, event).await;
        let mut run = run_of(n, "notify", RunStatus::Queued);
        run.subject = text.to_owned();
        run.summary = text.to_owned();
        run.state = json!({ "text": text }).to_string();
        write_runs(&store, vec![run.clone()]).await;
        let stored = store.run(&run.id).await.expect("read").expect("there");
        assert_eq!((stored.subject, stored.state), (run.subject, run.state));
        let shown = store.run_detail(&run.id).await.expect("read").expect("there");
        assert_eq!(shown.row.summary, run.summary);
    }
}

/// One mebibyte, and many of them in one append.
pub async fn very_large_bodies_come_back(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let large = |id: i64| Event { data: json!("ä".repeat(512 * 1024)), ..event(&id.to_string()) };
    let events: Vec<Event> = (1..=9).map(large).collect();
    store.append(Append { events: events.clone(), ..Append::default() }).await.expect("appended");
    let read = store.events_after(Offset(0), 20).await.expect("read");
    assert!(read.into_iter().map(|stored| stored.event).eq(events));
}

/// Attributes far longer than an index entry of any database may be.
pub async fn very_long_attributes_come_back(fixture: &impl Fixture) {
    let store = fixture.open().await;
    // Letters without a pattern, so that no database can compress its way around a limit.
    let chaos = std::iter::successors(Some(7_u32), |n| Some(n.wrapping_mul(1_103_515_245).wrapping_add(12_345)));
    let long: String = chaos.filter_map(|n| char::from_u32(0x61 + (n >> 16) % 26)).take(20_000).collect();
    for end in ["1", "2"] {
        let text = format!("{long}{end}");
        let mut event = Event::new(text.clone(), text.clone(), text.clone(), json!(null));
        event.subject = Some(text);
        check_round_trip(&store, event).await;
    }
    assert_eq!(store.events_after(Offset(0), 10).await.expect("read").len(), 2);
}
