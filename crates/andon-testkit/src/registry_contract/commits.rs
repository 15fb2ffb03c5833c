//! Promises of commits, revisions and the change feed.

use andon_devices::registry::{Changes, Expected, Kind, MAX_ENTRIES, Registry, RegistryError, Write};

use super::Fixture;
use super::samples::{device, only, put, put_device};

use Expected::{Absent, Anything, Revision};

/// One write that is refused takes the others with it.
pub async fn a_commit_is_all_or_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let good = [put_device(&device("a", 1), Absent), put(Kind::Profile, "p", "{}", Some("s"), Absent)];
    let bad = [
        put(Kind::Group, "g", "{}", None, Revision(7)),
        Write::Remove { kind: Kind::Group, key: "g".to_owned(), expected: Revision(1) },
        put_device(&device("other", 1), Absent),
    ];
    for bad in bad {
        let writes = good.iter().cloned().chain([bad]).collect();
        store.commit(Changes { writes, revoked: Vec::new() }).await.expect_err("refused");
        assert_eq!(store.revision().await.expect("read"), 0);
        assert_eq!(store.entry(Kind::Device, "a").await.expect("read"), None);
        assert_eq!(store.entry(Kind::Profile, "p").await.expect("read"), None);
        assert!(store.secret(Kind::Profile, "p").await.expect("read").is_none());
        assert_eq!(store.changes(0, 10).await.expect("read"), []);
    }
}

/// Absent, this revision, or anything; a removed entry is absent.
pub async fn expectations_are_checked(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let put = |expected| only(put(Kind::Group, "g", "{}", None, expected));
    let remove = |expected| only(Write::Remove { kind: Kind::Group, key: "g".to_owned(), expected });
    let refused = RegistryError::Changed { kind: Kind::Group, key: "g".to_owned() };
    assert_eq!(store.commit(put(Revision(1))).await, Err(refused.clone()));
    assert_eq!(store.commit(put(Absent)).await, Ok(1));
    assert_eq!(store.commit(put(Absent)).await, Err(refused.clone()));
    assert_eq!(store.commit(put(Revision(1))).await, Ok(2));
    assert_eq!(store.commit(put(Revision(1))).await, Err(refused.clone()));
    assert_eq!(store.commit(put(Anything)).await, Ok(3));
    assert_eq!(store.commit(remove(Revision(2))).await, Err(refused.clone()));
    assert_eq!(store.commit(remove(Revision(3))).await, Ok(4));
    assert_eq!(store.commit(remove(Anything)).await, Ok(4));
    assert_eq!(store.commit(put(Revision(4))).await, Err(refused));
    assert_eq!(store.commit(put(Absent)).await, Ok(5));
}

/// Also across removals and restarts.
pub async fn revisions_only_grow(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(store.revision().await.expect("read"), 0);
    for round in 0..3 {
        store.commit(only(put(Kind::Group, "g", "{}", None, Anything))).await.expect("stored");
        let gone = Write::Remove { kind: Kind::Group, key: "g".to_owned(), expected: Anything };
        assert_eq!(store.commit(only(gone)).await, Ok(2 * round + 2));
    }
    assert_eq!(fixture.open().await.revision().await, Ok(6));
}

/// What was answered is there for the next process, text and all.
pub async fn committed_survives_a_restart(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let body = "{\"text\": \"n\0w ß \u{1a}\"}";
    let changes =
        only(put(Kind::Policy, "p@1", body, Some("s\0cret"), Absent)).and(put_device(&device("a", 1), Absent));
    store.commit(changes).await.expect("stored");
    drop(store);
    let store = fixture.open().await;
    let entry = store.entry(Kind::Policy, "p@1").await.expect("read").expect("there");
    assert_eq!((entry.key.as_str(), entry.revision, entry.body.as_str()), ("p@1", 1, body));
    let secret = store.secret(Kind::Policy, "p@1").await.expect("read").expect("there");
    assert_eq!(secret.expose(), "s\0cret");
    assert!(store.entry(Kind::Device, "a").await.expect("read").is_some());
}

/// Everybody adds one to the same number, through two processes, until it is done.
pub async fn racing_writers_lose_nothing(fixture: &impl Fixture) {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 5;
    let stores = [std::sync::Arc::new(fixture.open().await), std::sync::Arc::new(fixture.open().await)];
    let writers = (0..WRITERS).map(|writer| {
        let store = stores[writer % 2].clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                while !add_one(store.as_ref()).await {}
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    let entry = stores[0].entry(Kind::Import, "count").await.expect("read").expect("there");
    assert_eq!(entry.body, (WRITERS * ROUNDS).to_string());
}

async fn add_one(store: &dyn Registry) -> bool {
    let stored = store.entry(Kind::Import, "count").await.expect("read");
    let count = stored.as_ref().map_or(0, |entry| entry.body.parse().expect("a number"));
    let expected = stored.map_or(Absent, |entry| Revision(entry.revision));
    let next: usize = count + 1;
    match store.commit(only(put(Kind::Import, "count", &next.to_string(), None, expected))).await {
        Ok(_) => true,
        Err(RegistryError::Changed { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

/// A new text keeps the secret, a new secret replaces it, and it goes with its entry.
pub async fn secrets_stay_beside_their_entries(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let read = async || store.secret(Kind::Authority, "root-1").await.expect("read");
    let put = |secret| only(put(Kind::Authority, "root-1", "{}", secret, Anything));
    store.commit(put(Some("one"))).await.expect("stored");
    store.commit(put(None)).await.expect("stored");
    assert_eq!(read().await.expect("kept").expose(), "one");
    store.commit(put(Some("two"))).await.expect("stored");
    assert_eq!(read().await.expect("there").expose(), "two");
    let gone = Write::Remove { kind: Kind::Authority, key: "root-1".to_owned(), expected: Anything };
    store.commit(only(gone)).await.expect("removed");
    assert!(read().await.is_none());
    store.commit(put(None)).await.expect("stored");
    assert!(read().await.is_none(), "a secret came back from a removed entry");
}

/// The limit is told.
pub async fn too_many_at_once_are_refused(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let write = |number: usize| put(Kind::Group, &number.to_string(), "{}", None, Absent);
    let changes = |count: usize| Changes { writes: (0..count).map(write).collect(), revoked: Vec::new() };
    let refused = RegistryError::TooMany { count: MAX_ENTRIES + 1, limit: MAX_ENTRIES };
    assert_eq!(store.commit(changes(MAX_ENTRIES + 1)).await, Err(refused));
    assert_eq!(store.commit(changes(MAX_ENTRIES)).await, Ok(i64::try_from(MAX_ENTRIES).expect("small")));
}

/// One name may be used for each kind, and lists are in the order of bytes.
pub async fn every_kind_is_kept_apart(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Device) {
        let keys = ["b", "Z", "a", "_"];
        let writes = keys.iter().map(|key| put(kind, key, kind.word(), None, Absent)).collect();
        store.commit(Changes { writes, revoked: Vec::new() }).await.expect("stored");
    }
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Device) {
        let entries = store.entries(kind, "", 3).await.expect("read");
        let found: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.body.as_str())).collect();
        assert_eq!(found, [("Z", kind.word()), ("_", kind.word()), ("a", kind.word())]);
        assert_eq!(store.entries(kind, "a", 3).await.expect("read").len(), 1);
    }
}

/// What was removed may be forgotten for good, up to a revision and a little at a time; what is there stays.
pub async fn what_was_removed_is_forgotten(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for key in ["a", "b", "c", "kept"] {
        store.commit(only(put(Kind::Group, key, "{}", None, Absent))).await.expect("stored");
    }
    for key in ["a", "b", "c"] {
        let gone = Write::Remove { kind: Kind::Group, key: key.to_owned(), expected: Anything };
        store.commit(only(gone)).await.expect("removed");
    }
    let forget = async |up_to, limit| store.forget_removed(up_to, limit).await.expect("forgotten");
    assert_eq!((forget(4, 10).await, forget(6, 1).await, forget(6, 10).await), (0, 1, 1));
    let told: Vec<_> = store.changes(0, 10).await.expect("read").into_iter().map(|change| change.key).collect();
    assert_eq!(told, ["kept", "c"]);
    assert_eq!(store.commit(only(put(Kind::Group, "a", "{}", None, Absent))).await, Ok(8), "revisions go on");
}

/// Oldest first, with its last change, removals too.
pub async fn the_feed_names_each_entry_once(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for key in ["a", "b", "a"] {
        store.commit(only(put(Kind::Group, key, "{}", None, Anything))).await.expect("stored");
    }
    store.commit(only(put_device(&device("d", 1), Absent))).await.expect("stored");
    let gone = Write::Remove { kind: Kind::Group, key: "b".to_owned(), expected: Anything };
    store.commit(only(gone)).await.expect("removed");
    let feed = async |after, limit| {
        let changes = store.changes(after, limit).await.expect("read");
        changes.into_iter().map(|c| (c.revision, c.kind, c.key, c.removed)).collect::<Vec<_>>()
    };
    let expected = [(3, Kind::Group, "a"), (4, Kind::Device, "d"), (5, Kind::Group, "b")];
    let expected = expected.map(|(revision, kind, key)| (revision, kind, key.to_owned(), revision == 5));
    assert_eq!(feed(0, 10).await, expected);
    assert_eq!(feed(3, 1).await, expected[1..2]);
    assert_eq!(feed(5, 10).await, []);
}
