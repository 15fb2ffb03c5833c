//! Promises of quarantine: nothing that arrived is lost.

use andon_journal::{Append, Journal, NewQuarantine, QuarantineStatus, Views};
use andon_model::{Code, Problem};
use bytes::Bytes;

use super::Fixture;
use super::samples::{at, name};

fn entry(raw: impl Into<Bytes>) -> NewQuarantine {
    NewQuarantine {
        source: name("bucket"),
        problem: Problem::new(Code::Undecodable, "expected a number\0").at("line 3"),
        content_type: Some("application/json".to_owned()),
        headers: vec![header("ce-id", "1"), header("ce-subject", "p\u{0}\u{fc}"), header("ce-id", "2")],
        path: "in/ü\0.json".to_owned(),
        raw: raw.into(),
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn append_of(quarantine: Vec<NewQuarantine>) -> Append {
    Append { quarantine, at: at(3), ..Append::default() }
}

/// Whatever the bytes are, also none and a mebibyte of them.
pub async fn bytes_are_kept_as_they_came(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let raws: [Bytes; 4] =
        [Bytes::from_static(b"\0\xff\xfe{"), Bytes::new(), vec![0xA5; 1 << 20].into(), Bytes::from_static(b"text")];
    let entries: Vec<_> = raws.iter().map(|raw| entry(raw.clone())).collect();
    let ids = store.append(append_of(entries)).await.expect("appended").quarantine;
    fixture.kill(store).await;
    let store = fixture.open().await;
    for (id, raw) in ids.into_iter().zip(raws) {
        let kept = store.quarantine_detail(id).await.expect("read").expect("there");
        let given = entry(raw.clone());
        assert!(kept.raw == Some(raw.clone()), "entry {id} came back changed");
        assert_eq!(usize::try_from(kept.size), Ok(raw.len()));
        assert_eq!((kept.received_at, kept.status), (at(3), QuarantineStatus::Open));
        assert_eq!((kept.source, kept.problem, kept.path), (given.source, given.problem, given.path));
        assert_eq!((kept.content_type, kept.headers), (given.content_type, given.headers));
    }
    assert!(store.quarantine_detail(99).await.expect("read").is_none());
}

/// Pages without the bytes, newest first; a replayed entry stays visible but is no longer counted.
pub async fn entries_are_paged_and_replayed(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let entries = (0..4).map(|_| entry("x")).collect();
        ids.extend(store.append(append_of(entries)).await.expect("appended").quarantine);
    }
    assert!(ids.is_sorted() && ids.len() == 12);
    store.mark_replayed(ids[5]).await.expect("marked");
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.quarantine(before, 5).await.expect("listed");
        assert!(page.rows.iter().all(|row| row.raw.is_none()));
        seen.extend(page.rows);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert!(seen.iter().map(|row| row.id).eq(ids.iter().rev().copied()));
    let replayed: Vec<_> =
        seen.iter().filter(|row| row.status == QuarantineStatus::Replayed).map(|row| row.id).collect();
    assert_eq!(replayed, [ids[5]]);
    assert_eq!(store.counts().await.expect("counted").quarantined, 11);
}
