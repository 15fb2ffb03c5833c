//! Databases of other versions: version 1 opens with all that is in it, a future one is refused.

use crate::common::{Database, Postgres, Sqlite, append_of, key};
use andon_journal::{Configurations, EventFilter, Journal, RunFilter, RunPlace, Secrets, Tokens, Views};
use andon_model::{Event, EventKey, Name, Offset, RunStatus};
use andon_store::{OpenError, SqlStore};
use andon_testkit::journal_contract::Fixture;
use serde_json::json;

/// What version 1 wrote: the schema with one row in each table. Never change it.
const GOLDEN_V1: &str = include_str!("golden/v1.sql");

/// What measurements multiply a journal with; it names what the tables of the present schema hold.
const FILL: &str = include_str!("../../../../bench/src/restart/fill.sql");

/// Bytes are written differently: `X'00'` and `'\x00'`.
fn for_postgres(sql: &str) -> String {
    let typed = sql.replace("INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY").replace("BLOB", "BYTEA");
    typed.replace(" WITHOUT ROWID", "").replace("X'", "'\\x")
}

async fn check_golden(database: &impl Database) {
    let store = database.open().await;
    let stored = store.event(Offset(1)).await.expect("read").expect("there");
    assert_eq!(stored.event, Event::new("/plant/1010", "e-1", "com.example.alarm", json!({"score": 0.93})));
    check_lists(&store).await;
    check_checkpoints(&store).await;
    check_configuration(&store).await;
    let appended = store.append(append_of("new", "t")).await.expect("appended");
    assert_eq!(appended.events, [(Offset(2), true)]);
}

async fn check_lists(store: &SqlStore) {
    let events = store.events(EventFilter { limit: 5, ..EventFilter::default() }).await.expect("listed").rows;
    assert_eq!(events[0].decisions.as_ref().map(|all| all[0].table.name.as_str()), Some("severity"));
    let runs = store.runs(RunFilter { limit: 5, ..RunFilter::default() }).await.expect("listed").rows;
    assert_eq!((runs[0].documents.as_str(), runs[0].status), ("10000023", RunStatus::Waiting));
    let detail = store.run_detail(&runs[0].id).await.expect("read").expect("there");
    assert_eq!((detail.timeline.len(), detail.document_refs.len(), detail.episode), (1, 1, None));
    assert_eq!(store.episode_holders(RunPlace::default(), 10).await.expect("read"), []);
    let quarantined = store.quarantine_detail(1).await.expect("read").expect("there");
    assert_eq!(quarantined.raw.as_deref(), Some([0, 255, 123].as_slice()));
    assert_eq!(quarantined.headers, []);
    let counts = store.counts().await.expect("counted");
    assert_eq!((counts.events, counts.undecided, counts.quarantined), (1, 0, 1));
    assert_eq!(store.unsettled_runs(RunPlace::default(), 10).await.expect("read").len(), 1);
}

async fn check_checkpoints(store: &SqlStore) {
    assert_eq!(store.checkpoint("bucket").await.expect("read"), Some((7, "token\0".to_owned())));
    let key = EventKey { source: "/plant/1010".to_owned(), id: "e-1".to_owned() };
    assert_eq!(store.find_event(&key).await.expect("read"), Some(Offset(1)));
    let mark = andon_journal::Mark { key: "in/a.json".to_owned(), version: "etag".to_owned() };
    assert_eq!(store.unmarked(&Name::new("bucket").expect("a name"), vec![mark]).await.expect("read"), []);
}

async fn check_configuration(store: &SqlStore) {
    let documents = store.documents_at(1).await.expect("read");
    assert_eq!(
        (documents[0].document.path().as_str(), documents[0].document.text.as_str()),
        ("actions/notify.toml", "a = 1\n")
    );
    assert_eq!(store.tokens().await.expect("read")[0].1, "ab");
    let secret = store.secret(&Name::new("sap").expect("a name")).await.expect("read").expect("there");
    assert_eq!(secret.expose(), "golden");
}

#[tokio::test]
async fn version_1_opens_on_sqlite() {
    let database = Sqlite::new().await;
    database.execute(GOLDEN_V1).await;
    check_golden(&database).await;
}

#[tokio::test]
async fn version_1_opens_on_postgres() {
    let database = Postgres::new().await;
    database.execute(&for_postgres(GOLDEN_V1)).await;
    check_golden(&database).await;
}

#[tokio::test]
async fn a_journal_is_multiplied_for_measurements() {
    let database = Sqlite::new().await;
    drop(database.open().await.append(append_of("one", "t")).await.expect("appended"));
    // How it is written to disk is a matter of the measurement.
    let fill: String = FILL.lines().filter(|line| !line.starts_with("PRAGMA")).flat_map(|line| [line, "\n"]).collect();
    database.execute(&fill.replace("COPIES", "2")).await;
    let store = database.open().await;
    let events = store.events(EventFilter { limit: 5, ..EventFilter::default() }).await.expect("listed").rows;
    assert_eq!(events.len(), 3);
    assert_eq!(store.append(append_of("two", "t")).await.expect("appended").events, [(Offset(4), true)]);
}

/// A newer database is refused by name and version, and left alone.
async fn check_newer(database: &impl Database) {
    drop(database.open().await);
    database.execute("UPDATE andon_schema SET version = 1000").await;
    let error = SqlStore::open(&database.location(), key()).await.err().expect("refused");
    assert!(matches!(error, OpenError::NewerSchema { found: 1000, known: 8, .. }), "{error}");
    assert!(error.to_string().contains("use a newer Andon"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_on_sqlite() {
    check_newer(&Sqlite::new().await).await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_on_postgres() {
    check_newer(&Postgres::new().await).await;
}

/// Many processes that start at once on an empty database migrate it once.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_agree_on_the_schema_of_postgres() {
    let database = std::sync::Arc::new(Postgres::new().await);
    let open = |_| {
        let database = std::sync::Arc::clone(&database);
        tokio::spawn(async move { database.open().await.newest_revision().await })
    };
    let tasks: Vec<_> = (0..6).map(open).collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic").expect("read"), 0);
    }
}
