//! Promises about attachments: an event never names one that is not there.

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{
    Append, AttachedFile, Attachments, Commit, Journal, NewAttachment, Retention, StoredAttachment, Views, attach,
};
use andon_model::{Event, Offset, RunStatus};
use bytes::Bytes;

use super::samples::{at, checkpoint, commit_of, event, lease, run_of};
use super::{Fixture, Ports};
use crate::{Dice, FaultyJournal, JournalFaults};

/// An event with one picture of so many equal bytes.
fn pictured(id: &str, name: &str, bytes: &[u8]) -> (Event, NewAttachment) {
    let mut event = event(id);
    let bytes = Bytes::copy_from_slice(bytes);
    let file = AttachedFile { name: name.to_owned(), content_type: "image/jpeg".to_owned(), bytes };
    let attachment = attach(&mut event, "image", file).expect("attached");
    (event, attachment)
}

fn append_with(pictured: impl IntoIterator<Item = (Event, NewAttachment)>) -> Append {
    let (events, attachments) = pictured.into_iter().unzip();
    Append { events, attachments, ..Append::default() }
}

async fn digests_of(store: &impl Attachments, event: i64) -> Vec<String> {
    let infos = store.attachments_of(Offset(event)).await.expect("read");
    infos.into_iter().map(|info| info.digest).collect()
}

async fn is_kept(store: &impl Attachments, attachment: &NewAttachment) -> bool {
    store.attachment(&attachment.digest).await.expect("read").is_some()
}

/// Bytes, name and media type, by digest, by event and in the event's detail; nothing else is there.
pub async fn bytes_come_back_with_the_event_that_names_them(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (event, attachment) = pictured("1", "a ü\u{1a}.jpg", b"\0\xffpicture");
    let info = attachment.info();
    store.append(append_with([(event, attachment.clone())])).await.expect("appended");
    let stored = store.attachment(&attachment.digest).await.expect("read");
    let NewAttachment { content_type, name, bytes, .. } = attachment;
    assert_eq!(stored, Some(StoredAttachment { content_type, name, bytes }));
    assert_eq!(store.attachments_of(Offset(1)).await.expect("read"), std::slice::from_ref(&info));
    let detail = store.event_detail(Offset(1)).await.expect("read").expect("there");
    assert_eq!(detail.attachments, [info]);
    assert_eq!(store.attachment(&"0".repeat(64)).await.expect("read"), None);
    assert_eq!(store.attachment("'; --").await.expect("read"), None);
    assert_eq!(store.attachments_of(Offset(2)).await.expect("read"), []);
}

/// Two events, within one append and across two, name the same bytes by names of their own.
pub async fn the_same_bytes_are_kept_once(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(append_with([pictured("1", "a", b"same"), pictured("2", "b", b"same")])).await.expect("appended");
    store.append(append_with([pictured("3", "c", b"same")])).await.expect("appended");
    let mut names = Vec::new();
    for offset in 1..=3 {
        let infos = store.attachments_of(Offset(offset)).await.expect("read");
        names.extend(infos.into_iter().map(|info| (info.name, info.bytes)));
    }
    assert_eq!(names, [("a".to_owned(), 4), ("b".to_owned(), 4), ("c".to_owned(), 4)]);
    let stored = store.attachment(&pictured("1", "a", b"same").1.digest).await.expect("read").expect("there");
    assert_eq!((stored.name.as_str(), stored.bytes.as_ref()), ("a", b"same".as_slice()));
    let gone = store.retain(everything()).await.expect("retained");
    assert_eq!((gone.events, gone.attachments), (0, 0), "undecided events stay");
}

/// J4: a duplicate changes nothing, so its picture is not kept; nor is one of an event that is not there.
pub async fn a_known_event_keeps_what_it_came_with(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let first = pictured("1", "a.jpg", b"first");
    store.append(append_with([first.clone()])).await.expect("appended");
    let second = pictured("1", "b.jpg", b"second");
    let stray = pictured("9", "c.jpg", b"stray").1;
    let mut again = append_with([second.clone(), pictured("2", "d.jpg", b"third")]);
    again.attachments.push(stray.clone());
    store.append(again).await.expect("appended");
    assert_eq!(digests_of(&store, 1).await, [first.1.digest]);
    assert_eq!(digests_of(&store, 2).await.len(), 1);
    assert!(!is_kept(&store, &second.1).await && !is_kept(&store, &stray).await);
}

/// An append that is refused leaves no bytes behind.
pub async fn a_refused_append_attaches_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(checkpoint(5)).await.expect("forward");
    let (event, attachment) = pictured("1", "a.jpg", b"refused");
    let refused = Append { events: vec![event], attachments: vec![attachment.clone()], ..checkpoint(4) };
    store.append(refused).await.expect_err("refused");
    assert!(!is_kept(&store, &attachment).await);
    assert_eq!(digests_of(&store, 1).await, Vec::<String>::new());
}

/// J3: two attachments of the largest size in one append.
pub async fn large_attachments_survive_a_kill(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let largest = |n: u8| pictured(&n.to_string(), "a.jpg", &vec![n; andon_journal::MAX_ATTACHMENT_BYTES]);
    let pair = [largest(1), largest(2)];
    store.append(append_with(pair.clone())).await.expect("acknowledged");
    fixture.kill(store).await;
    let store = fixture.open().await;
    for (_, attachment) in pair {
        let stored = store.attachment(&attachment.digest).await.expect("read").expect("there");
        assert!(stored.bytes == attachment.bytes, "the bytes came back changed");
    }
}

fn everything() -> Retention {
    let later = at(1_000_000);
    Retention { events_before: later, keys_before: later, quarantine_before: later, marks_before: None, limit: 10_000 }
}

/// Decides all events up to `last`, with runs for some.
async fn decide(store: &impl Journal, last: i64, runs: &[(i64, RunStatus)]) {
    let runs = runs.iter().map(|(event, status)| run_of(*event, "notify", *status)).collect();
    let commit = Commit { decided_up_to: Some(Offset(last)), ..commit_of(runs) };
    store.commit(lease(store).await, commit).await.expect("committed");
}

/// Bytes that two events have outlive the first of them, and go with the second.
pub async fn they_go_with_the_last_event_that_names_them(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (early, late) = (pictured("1", "a", b"shared"), pictured("2", "b", b"shared"));
    let alone = pictured("3", "c", b"alone");
    store.append(append_with([early.clone(), alone.clone()])).await.expect("appended");
    store.append(Append { at: at(100), ..append_with([late]) }).await.expect("appended");
    decide(&store, 3, &[]).await;
    let gone = store.retain(Retention { events_before: at(50), ..everything() }).await.expect("retained");
    assert_eq!((gone.events, gone.attachments), (2, 1));
    assert!(is_kept(&store, &early.1).await && !is_kept(&store, &alone.1).await);
    let gone = store.retain(everything()).await.expect("retained");
    assert_eq!((gone.events, gone.attachments), (1, 1));
    assert!(!is_kept(&store, &early.1).await);
}

/// What a waiting run may still have to send is there, however old.
pub async fn they_stay_while_a_run_is_unsettled(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (waiting, done) = (pictured("1", "a", b"needed"), pictured("2", "b", b"sent"));
    store.append(append_with([waiting.clone(), done.clone()])).await.expect("appended");
    decide(&store, 2, &[(1, RunStatus::Waiting), (2, RunStatus::Done)]).await;
    store.retain(everything()).await.expect("retained");
    assert!(is_kept(&store, &waiting.1).await && !is_kept(&store, &done.1).await);
    decide(&store, 2, &[(1, RunStatus::Done)]).await;
    store.retain(everything()).await.expect("retained");
    assert!(!is_kept(&store, &waiting.1).await);
}

/// Appends that fail before or after they took effect, duplicates with other pictures, retention and kills,
/// by chance: afterwards every event that is kept has the bytes that it names.
pub async fn whatever_is_appended_every_name_leads_to_bytes(fixture: &impl Fixture) {
    for seed in 0..4 {
        let dice = Dice::new(seed);
        for _ in 0..3 {
            let store = Arc::new(fixture.open().await);
            live(&store, &dice).await;
            fixture.kill(Arc::into_inner(store).expect("nobody else has it")).await;
            check_names(&fixture.open().await).await;
        }
    }
}

/// One life of a process: thirty appends of up to four events, some of them known, and now and then retention.
async fn live(store: &Arc<impl Ports + 'static>, dice: &Dice) {
    let faults = JournalFaults { pause: Duration::ZERO, failures: 0.3 };
    let journal = FaultyJournal::new(Arc::clone(store) as Arc<dyn Journal>, dice.clone(), faults);
    for _ in 0..30 {
        let events = (0..=dice.number(0, 3)).map(|_| {
            let (id, picture) = (dice.number(0, 59).to_string(), dice.number(0, 19).to_string());
            pictured(&id, &picture, picture.as_bytes())
        });
        drop(journal.append(append_with(events.collect::<Vec<_>>())).await);
        if dice.chance(0.1) {
            let newest = store.events_after(Offset(0), 1_000).await.expect("read").last().map_or(0, |e| e.offset.0);
            let decided = store.decided_up_to().await.expect("read").0;
            decide(&**store, newest.max(decided), &[]).await;
            store.retain(Retention { limit: 5, ..everything() }).await.expect("retained");
        }
    }
}

async fn check_names(store: &impl Ports) {
    let events = store.events_after(Offset(0), 1_000).await.expect("read");
    assert!(!events.is_empty());
    for stored in events {
        let named = stored.event.data["image"]["digest"].as_str().expect("a digest");
        assert!(digests_of(store, stored.offset.0).await.contains(&named.to_owned()), "event {}", stored.offset);
        let kept = store.attachment(named).await.expect("read").expect("named, so there");
        assert_eq!(stored.event.data["image"]["bytes"], kept.bytes.len());
    }
}
