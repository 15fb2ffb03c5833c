//! Promises of `append` and of reading what was appended.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_journal::{Append, Journal, JournalError, Mark};
use andon_model::Offset;

use super::Fixture;
use super::samples::{append_of, at, checkpoint, event, name};

/// J1: offsets count from one, within and across appends.
pub async fn j1_offsets_are_gapless_from_one(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for (numbers, expected) in [(1..=3, 1..=3), (4..=4, 4..=4), (5..=304, 5..=304)] {
        let appended = store.append(append_of(numbers)).await.expect("appended");
        let expected: Vec<_> = expected.map(|offset| (Offset(offset), true)).collect();
        assert_eq!(appended.events, expected);
    }
}

/// J1, J4: sixteen tasks append at once, half of the events twice.
pub async fn j1_concurrent_appends_stay_gapless(fixture: &impl Fixture) {
    let store = Arc::new(fixture.open().await);
    let append = |task: i64| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut places = Vec::new();
            for n in 0..10 {
                let pair = (task / 2) * 1_000 + n;
                places.extend(store.append(append_of(pair..=pair)).await.expect("appended").events);
            }
            places
        })
    };
    let tasks: Vec<_> = (0..16).map(append).collect();
    let mut places = Vec::new();
    for task in tasks {
        places.extend(task.await.expect("no panic"));
    }
    let new: BTreeSet<i64> = places.iter().filter(|(_, new)| *new).map(|(offset, _)| offset.0).collect();
    assert_eq!(new, (1..=80).collect(), "every new event has an offset of its own, none is left out");
    assert_eq!(places.len(), 160);
    let stored = store.events_after(Offset(0), 1_000).await.expect("read");
    assert_eq!(stored.iter().map(|e| e.offset.0).collect::<Vec<_>>(), (1..=80).collect::<Vec<_>>());
}

/// J2: a checkpoint moves forward or stays.
pub async fn j2_checkpoints_never_go_back(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(store.checkpoint("bucket").await.expect("read"), None);
    for position in [5, 5, 9] {
        store.append(checkpoint(position)).await.expect("forward");
    }
    let refused = store.append(checkpoint(8)).await.expect_err("backward");
    assert!(
        matches!(&refused, JournalError::CheckpointWentBack { name, from: 9, to: 8 } if name == "bucket"),
        "{refused}"
    );
    assert_eq!(store.checkpoint("bucket").await.expect("read"), Some((9, "token 9".to_owned())));
}

/// J2: among appends that are written together, only the bad one fails.
pub async fn j2_one_bad_append_leaves_its_neighbours_alone(fixture: &impl Fixture) {
    let store = Arc::new(fixture.open().await);
    store.append(checkpoint(5)).await.expect("forward");
    let append = |n: i64| {
        let store = Arc::clone(&store);
        let bad = if n % 4 == 0 { checkpoint(1) } else { Append::default() };
        let append = Append { events: vec![event(&n.to_string())], ..bad };
        tokio::spawn(async move { (n, store.append(append).await) })
    };
    let tasks: Vec<_> = (0..32).map(append).collect();
    for task in tasks {
        let (n, result) = task.await.expect("no panic");
        assert_eq!(result.is_err(), n % 4 == 0, "append {n}: {result:?}");
    }
    let stored = store.events_after(Offset(0), 100).await.expect("read");
    assert_eq!(stored.iter().map(|e| e.offset.0).collect::<Vec<_>>(), (1..=24).collect::<Vec<_>>());
}

/// J3: what was answered is there after the process is gone.
pub async fn j3_acknowledged_survives_a_kill(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let append = Append { events: append_of(1..=100).events, ..checkpoint(7) };
    store.append(append).await.expect("acknowledged");
    fixture.kill(store).await;
    let store = fixture.open().await;
    assert_eq!(store.events_after(Offset(0), 1_000).await.expect("read").len(), 100);
    assert_eq!(store.checkpoint("bucket").await.expect("read"), Some((7, "token 7".to_owned())));
    let next = store.append(append_of(100..=101)).await.expect("appended");
    assert_eq!(next.events, [(Offset(100), false), (Offset(101), true)]);
}

/// J4: the second report of an event answers with the offset of the first and changes nothing (J1).
pub async fn j4_a_known_event_keeps_its_offset(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_of(1..=2)).await.expect("appended");
    let mut again = append_of(2..=3);
    again.events[0].kind.push_str(".changed");
    let appended = store.append(again).await.expect("appended");
    assert_eq!(appended.events, [(Offset(2), false), (Offset(3), true)]);
    let kept = store.event(Offset(2)).await.expect("read").expect("there");
    assert_eq!((kept.event, kept.received_at), (event("2"), at(1)));
    assert_eq!(store.find_event(&event("3").key()).await.expect("read"), Some(Offset(3)));
    assert_eq!(store.find_event(&event("4").key()).await.expect("read"), None);
}

/// J4: the first report is read back with its sender, by the offset that answers whoever uses its source and id next.
pub async fn j4_a_known_event_names_its_first_sender(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let by = |device: &str| {
        let mut event = event("1");
        event.extensions.insert("andondevice".to_owned(), device.into());
        event
    };
    for (device, is_new) in [("pump-01", true), ("pump-02", false), ("pump-01", false)] {
        let append = Append { events: vec![by(device)], ..Append::default() };
        assert_eq!(store.append(append).await.expect("appended").events, [(Offset(1), is_new)]);
        assert_eq!(store.event(Offset(1)).await.expect("read").expect("there").event, by("pump-01"));
    }
}

/// J4: also within one append; the same id of another source is another event.
pub async fn j4_twins_in_one_append_are_one_event(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut elsewhere = event("1");
    elsewhere.source.push_str("/hall/2");
    let events = vec![event("1"), event("1"), elsewhere, event("1")];
    let appended = store.append(Append { events, ..Append::default() }).await.expect("appended");
    let expected = [(1, true), (1, false), (2, true), (1, false)].map(|(offset, new)| (Offset(offset), new));
    assert_eq!(appended.events, expected);
}

/// An append is stored as a whole or not at all.
pub async fn a_refused_append_stores_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(checkpoint(5)).await.expect("forward");
    let marks = vec![Mark { key: "a".to_owned(), version: "1".to_owned() }];
    let source = Some(name("bucket"));
    let refused = Append { events: vec![event("1")], marks: marks.clone(), source, ..checkpoint(4) };
    store.append(refused).await.expect_err("refused");
    assert_eq!(store.events_after(Offset(0), 10).await.expect("read"), []);
    assert_eq!(store.find_event(&event("1").key()).await.expect("read"), None);
    assert_eq!(store.unmarked(&name("bucket"), marks.clone()).await.expect("read"), marks);
    let appended = store.append(append_of(1..=1)).await.expect("appended");
    assert_eq!(appended.events, [(Offset(1), true)]);
}

/// Reading goes on after any offset, in order, up to the limit.
pub async fn events_are_read_in_order(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_of(1..=50)).await.expect("appended");
    for (after, limit, expected) in [(0, 3, 1..=3), (48, 10, 49..=50), (20, 1, 21..=21)] {
        let read = store.events_after(Offset(after), limit).await.expect("read");
        let expected: Vec<_> = expected.map(|n: i64| (Offset(n), event(&n.to_string()))).collect();
        assert_eq!(read.into_iter().map(|e| (e.offset, e.event)).collect::<Vec<_>>(), expected);
    }
    assert_eq!(store.events_after(Offset(50), 10).await.expect("read"), []);
    assert_eq!(store.event(Offset(51)).await.expect("read"), None);
}

/// A mark is a member of its source's set: key and version together.
pub async fn marks_are_a_set_per_source(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mark = |key: &str, version: &str| Mark { key: key.to_owned(), version: version.to_owned() };
    let stored: Vec<Mark> = (0..100).map(|n| mark(&format!("in/{n}"), "1")).collect();
    for _ in 0..2 {
        let append = Append { source: Some(name("bucket")), marks: stored.clone(), ..Append::default() };
        store.append(append).await.expect("marking twice is fine");
    }
    let asked = vec![mark("in/7", "1"), mark("in/7", "2"), mark("in/100", "1"), mark("in/99", "1")];
    let unmarked = store.unmarked(&name("bucket"), asked.clone()).await.expect("read");
    assert_eq!(unmarked, [mark("in/7", "2"), mark("in/100", "1")]);
    assert_eq!(store.unmarked(&name("other"), asked.clone()).await.expect("read"), asked);
}
