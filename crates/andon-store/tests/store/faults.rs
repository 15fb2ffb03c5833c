//! What happens to callers when the database refuses or disappears.

use std::sync::Arc;

use crate::common::{Database, Postgres, Sqlite, append_of};
use andon_devices::registry::{Changes, Expected, Kind, Registry, Write};
use andon_journal::{Journal, JournalError, Secrets, Views};
use andon_model::{Name, Offset, Secret, Timestamp};
use andon_store::{MasterKey, SqlStore};
use andon_testkit::journal_contract::Fixture;

const SQLITE_POISON: &str = "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.kind = 'poison' \
     BEGIN SELECT RAISE(ABORT, 'poisoned row'); END";
const POSTGRES_POISON: &str = "ALTER TABLE events ADD CONSTRAINT poisoned_row CHECK (kind <> 'poison')";

/// A deferred foreign key is checked by COMMIT itself, which then fails.
const FAIL_AT_COMMIT: &str = "CREATE TABLE allowed (kind TEXT PRIMARY KEY); INSERT INTO allowed VALUES ('good'); \
     CREATE TABLE seen (kind TEXT REFERENCES allowed (kind) DEFERRABLE INITIALLY DEFERRED);";
const SQLITE_SEEN: &str = "CREATE TRIGGER see AFTER INSERT ON events BEGIN INSERT INTO seen VALUES (NEW.kind); END";
const POSTGRES_SEEN: &str = "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN INSERT INTO seen VALUES (NEW.kind); RETURN NULL; END $$; \
     CREATE TRIGGER see AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION see()";

/// Appends 32 events at once, each fourth of kind `bad`; returns which of them were refused.
async fn append_some_bad(store: &Arc<SqlStore>, bad: &'static str) -> Vec<i64> {
    let append = |n: i64| {
        let store = Arc::clone(store);
        let kind = if n % 4 == 0 { bad } else { "good" };
        tokio::spawn(async move { store.append(append_of(&n.to_string(), kind)).await.err().map(|error| (n, error)) })
    };
    let tasks: Vec<_> = (1..=32).map(append).collect();
    let mut refused = Vec::new();
    for task in tasks {
        if let Some((n, error)) = task.await.expect("no panic") {
            assert!(matches!(error, JournalError::Storage { .. }), "{error}");
            refused.push(n);
        }
    }
    refused
}

async fn stored(store: &SqlStore) -> Vec<i64> {
    store.events_after(Offset(0), 100).await.expect("read").iter().map(|event| event.offset.0).collect()
}

/// One refused row takes none of its neighbours with it, and offsets stay gapless (J1).
async fn check_one_bad_row(database: &impl Database, poison: &str) {
    let store = Arc::new(database.open().await);
    database.execute(poison).await;
    let refused = append_some_bad(&store, "poison").await;
    assert_eq!(refused, (1..=8).map(|n| n * 4).collect::<Vec<_>>());
    assert_eq!(stored(&store).await, (1..=24).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_fails_alone_on_sqlite() {
    check_one_bad_row(&Sqlite::new().await, SQLITE_POISON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_fails_alone_on_postgres() {
    check_one_bad_row(&Postgres::new().await, POSTGRES_POISON).await;
}

/// When COMMIT fails everyone of the group is told, nothing is half stored, and the next write works.
async fn check_failing_commit(database: &impl Database, see: &str) {
    let store = Arc::new(database.open().await);
    database.execute(FAIL_AT_COMMIT).await;
    database.execute(see).await;
    let refused = append_some_bad(&store, "forbidden").await;
    assert!((1..=8).all(|n| refused.contains(&(n * 4))), "{refused:?}");
    let kept = stored(&store).await;
    assert_eq!(kept.len(), 32 - refused.len(), "exactly what was refused is missing");
    assert!(kept.iter().copied().eq((1..).take(kept.len())));
    let next = store.append(append_of("next", "good")).await.expect("the writer goes on");
    assert_eq!(next.events, [(Offset(kept.last().map_or(1, |last| last + 1)), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_commit_is_told_to_all_on_sqlite() {
    check_failing_commit(&Sqlite::new().await, SQLITE_SEEN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_commit_is_told_to_all_on_postgres() {
    check_failing_commit(&Postgres::new().await, POSTGRES_SEEN).await;
}

/// A cut connection costs the write that meets it, not the store.
#[tokio::test(flavor = "multi_thread")]
async fn the_writer_connects_anew_after_a_cut_from_postgres() {
    let database = Postgres::new().await;
    let store = database.open().await;
    store.append(append_of("1", "good")).await.expect("appended");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.execute(cut).await;
    let error = store.append(append_of("2", "good")).await.expect_err("cut");
    assert!(matches!(error, JournalError::Storage { .. }), "{error}");
    let appended = store.append(append_of("2", "good")).await.expect("connected anew");
    assert_eq!(appended.events, [(Offset(2), true)]);
    assert_eq!(stored(&store).await, [1, 2]);
}

/// A caller that gives up while waiting leaves the writer, and others, in good order.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_callers_disturb_nobody() {
    let database = Sqlite::new().await;
    let store = Arc::new(database.open().await);
    for n in 0..50 {
        let task = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.mark_replayed(n).await })
        };
        tokio::task::yield_now().await;
        task.abort();
        store.append(append_of(&n.to_string(), "good")).await.expect("appended");
    }
    assert!(stored(&store).await.into_iter().eq(1..=50));
}

/// Closing gives everything back: the lease can be taken by the next process, calls fail cleanly.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_holds_nothing() {
    let database = Sqlite::new().await;
    let store = database.open().await;
    store.take_lease("the first", Timestamp::default()).await.expect("a lease");
    store.close().await;
    store.append(append_of("1", "good")).await.expect_err("closed");
    store.events_after(Offset(0), 1).await.expect_err("closed");
    let next = database.open().await;
    next.take_lease("the second", Timestamp::default()).await.expect("a lease");
}

#[tokio::test]
async fn another_master_key_is_told_apart_from_no_secret() {
    let database = Sqlite::new().await;
    let name = Name::new("sap").expect("a name");
    let store = database.open().await;
    store.put_secret(&name, Secret::new("s3cret"), Timestamp::default()).await.expect("stored");
    store.close().await;
    let other_key = MasterKey::from_bytes([1; MasterKey::BYTES]);
    let store = SqlStore::open(&database.location(), other_key).await.expect("opened");
    let error = andon_journal::Secrets::secret(&store, &name).await.expect_err("another key").to_string();
    assert!(error.contains("secret sap") && error.contains("master key") && !error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "not a database, but long enough to be mistaken for the header of one").expect("written");
    for (location, part) in [
        (file.display().to_string(), "notes.txt cannot be opened"),
        ("postgres://ada:hunter2@127.0.0.1:1/andon".to_owned(), "postgres://127.0.0.1:1/andon cannot be opened"),
    ] {
        let error = SqlStore::open(&location, crate::common::key()).await.err().expect("refused").to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
}

const SQLITE_POISONED_ENTRY: &str = "CREATE TRIGGER poison BEFORE INSERT ON registry WHEN NEW.body = 'poison' \
     BEGIN SELECT RAISE(ABORT, 'poisoned row'); END";
const POSTGRES_POISONED_ENTRY: &str = "ALTER TABLE registry ADD CONSTRAINT poisoned_row CHECK (body <> 'poison')";

/// An entry that the database does not take costs its own commit, and no revision.
async fn check_one_bad_entry(database: &impl Database, poison: &str) {
    let store = Arc::new(database.open().await);
    database.execute(poison).await;
    let commit = |n: usize| {
        let store = Arc::clone(&store);
        let body = if n.is_multiple_of(4) { "poison" } else { "{}" };
        let (kind, key, expected) = (Kind::Group, format!("g-{n}"), Expected::Absent);
        let write = Write::Entry { kind, key, body: body.to_owned(), secret: None, expected };
        tokio::spawn(
            async move { Registry::commit(store.as_ref(), Changes::default().and(write)).await.err().map(|_| n) },
        )
    };
    let tasks: Vec<_> = (1..=32).map(commit).collect();
    let mut refused = Vec::new();
    for task in tasks {
        refused.extend(task.await.expect("no panic"));
    }
    assert_eq!(refused, (1..=8).map(|n| n * 4).collect::<Vec<_>>());
    assert_eq!(store.revision().await, Ok(24));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_entry_fails_alone_on_sqlite() {
    check_one_bad_entry(&Sqlite::new().await, SQLITE_POISONED_ENTRY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_entry_fails_alone_on_postgres() {
    check_one_bad_entry(&Postgres::new().await, POSTGRES_POISONED_ENTRY).await;
}
