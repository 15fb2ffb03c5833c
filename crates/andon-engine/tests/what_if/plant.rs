//! An engine that works events with every kind of answer that a replay needs, and a destination that can be closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use andon_act::{Answer, DestinationLimits, Found, ProbeQuery, Request, Response, StepKind, Target, TestLine};
use andon_engine::{Engine, EngineParts, EngineSettings};
use andon_journal::{
    Applied, Change, Configurations, Delivery, Document, DocumentKind, DocumentVersion, JournalError, RevisionInfo,
    Views,
};
use andon_model::{Clock as _, Code, Event, Name, Problem, Timestamp};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{RuntimeClock, first_hit_table};
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::common::{SOURCE, SimulatedAdapters};

/// A lookup, a read, a summary, the document, and a notice that names it and the configuration's revision.
pub(crate) const ACTION: &str = r#"
[[step]]
name = "place"
stage = "pre"
kind = "lookup"
lookup = "plants"
key = { plant = "1" }
[[step]]
name = "read"
stage = "pre"
kind = "http"
destination = "s4"
method = "GET"
path = "/read/${{event.data.equipment}}"
timeout = "9s"
[[step]]
name = "sum"
stage = "pre"
kind = "summary"
destination = "llm"
api = "openai"
model = "small"
prompt = "Describe ${{stringify(event.data)}}"
fallback = "${{event.data.equipment}} is hot."
timeout = "9s"
[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "POST"
path = "/create"
body = '{"Ref": "${{key}}", "Group": "900", "Place": "${{pre.place.name}}", "Text": "${{pre.sum.text}}", "Read": "${{pre.read.d.Number}}"}'
document = "d.Number"
guard = { kind = "probe", set = "/Set", field = "Ref", settle = "2s" }
timeout = "9s"
[[step]]
name = "tell"
stage = "post"
kind = "http"
destination = "s4"
method = "PUT"
path = "/tell"
body = '{"Number": "${{main.create.d.Number}}", "Revision": ${{run.revision}}}'
timeout = "9s"
"#;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn document(kind: DocumentKind, title: &str, text: &str) -> Change {
    Change::Put(Document { kind, name: name(title), text: text.to_owned() })
}

/// The action with another text.
pub(crate) fn action(text: &str) -> Change {
    document(DocumentKind::Action, "notify", text)
}

/// The decision's table with another text.
pub(crate) fn table(text: &str) -> Change {
    document(DocumentKind::Table, "all", text)
}

/// Notes what is sent. Once closed, any use fails the test.
#[derive(Default)]
pub(crate) struct ClosableTarget {
    sent: Mutex<Vec<Value>>,
    refused: Mutex<Option<&'static str>>,
    is_closed: AtomicBool,
}

impl ClosableTarget {
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Refuses requests to this path from now on.
    pub(crate) fn refuse(&self, path: &'static str) {
        *self.refused.lock() = Some(path);
    }

    pub(crate) fn sent(&self) -> Vec<Value> {
        self.sent.lock().clone()
    }

    fn assert_open(&self) {
        assert!(!self.is_closed.load(Ordering::SeqCst), "a replay reached for a destination");
    }
}

#[async_trait]
impl Target for ClosableTarget {
    async fn send(&self, _: &Name, request: &Request) -> Answer {
        self.assert_open();
        let mut sent = self.sent.lock();
        sent.push(json!(request));
        if *self.refused.lock() == Some(request.path.as_str()) {
            return Answer::Refused { problem: Problem::new(Code::Refused, "no"), status: 400 };
        }
        let text = format!("text {}", sent.len());
        let body = match request.kind {
            // Every other model answer is lost, so that both sources of a summary are replayed.
            StepKind::Summary if sent.len().is_multiple_of(2) => return Answer::Lost(Problem::new(Code::Lost, "late")),
            StepKind::Summary => json!({ "choices": [{ "message": { "content": text } }] }),
            _ => json!({ "d": { "Number": sent.len().to_string() } }),
        };
        Answer::Done(Response { status: 200, body, etag: None, location: None, warnings: Vec::new() })
    }

    async fn probe(&self, _: &Name, _: &ProbeQuery) -> Found {
        self.assert_open();
        Found::Absent
    }

    async fn test(&self, _: &Name) -> Vec<TestLine> {
        self.assert_open();
        Vec::new()
    }

    fn limits(&self, _: &Name) -> Option<DestinationLimits> {
        Some(DestinationLimits::default())
    }
}

/// Counts how often a whole configuration is read.
struct CountingConfigurations {
    journal: MemoryJournal,
    read: AtomicUsize,
}

#[async_trait]
impl Configurations for CountingConfigurations {
    async fn put(&self, changes: Vec<Change>, author: &str, at: Timestamp) -> Result<Applied, JournalError> {
        self.journal.put(changes, author, at).await
    }

    async fn newest_revision(&self) -> Result<i64, JournalError> {
        self.journal.newest_revision().await
    }

    async fn documents_at(&self, revision: i64) -> Result<Vec<DocumentVersion>, JournalError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        self.journal.documents_at(revision).await
    }

    async fn history(&self, kind: DocumentKind, name: &Name) -> Result<Vec<DocumentVersion>, JournalError> {
        self.journal.history(kind, name).await
    }

    async fn revisions(&self, limit: usize) -> Result<Vec<RevisionInfo>, JournalError> {
        self.journal.revisions(limit).await
    }
}

pub(crate) struct Plant {
    pub(crate) engine: Engine,
    pub(crate) target: Arc<ClosableTarget>,
    pub(crate) clock: RuntimeClock,
    journal: MemoryJournal,
    configurations: Arc<CountingConfigurations>,
    delivered: AtomicUsize,
}

impl Plant {
    pub(crate) async fn start() -> Self {
        let (clock, journal) = (RuntimeClock::start(), MemoryJournal::new());
        let changes = vec![
            document(DocumentKind::Destination, "s4", ""),
            document(DocumentKind::Destination, "llm", ""),
            document(DocumentKind::Lookup, "plants", "plant*,name\n1,Walldorf\n"),
            table(&first_hit_table("event.data.equipment", &[("", "notify")])),
            document(DocumentKind::Decision, "all", "table = \"all\"\n"),
            action(ACTION),
        ];
        journal.put(changes, "test", clock.now()).await.expect("configuration is stored");
        let target = Arc::new(ClosableTarget::default());
        let shared = Arc::new(journal.clone());
        let configurations = Arc::new(CountingConfigurations { journal: journal.clone(), read: AtomicUsize::new(0) });
        let parts = EngineParts {
            journal: shared.clone(),
            configurations: configurations.clone(),
            views: shared,
            adapters: Arc::new(SimulatedAdapters { target: target.clone() }),
            clock: Arc::new(clock),
            settings: EngineSettings::default(),
            owner: "test".into(),
        };
        let engine = Engine::start(parts).await.expect("the engine starts");
        Self { engine, target, clock, journal, configurations, delivered: AtomicUsize::new(0) }
    }

    /// Delivers so many events and waits until their runs are settled.
    pub(crate) async fn work(&self, events: usize) {
        self.work_on(events, |number| format!("pump-{number}")).await;
    }

    /// The same with equipment named by the events' numbers.
    pub(crate) async fn work_on(&self, events: usize, equipment: impl Fn(usize) -> String) {
        for _ in 0..events {
            let number = self.delivered.fetch_add(1, Ordering::SeqCst);
            let event = Event::new("/pump", number.to_string(), "hot", json!({ "equipment": equipment(number) }));
            let body = serde_json::to_vec(&event).expect("serialises").into();
            let delivery = Delivery { body, ..Delivery::default() };
            self.engine.handle().deliver(&name(SOURCE), delivery).await.expect("stored");
        }
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let counts = self.journal.counts().await.expect("counts");
            if counts.undecided == 0 && counts.unsettled_runs() == 0 {
                return;
            }
        }
    }

    /// How often a whole configuration was read.
    pub(crate) fn configurations_read(&self) -> usize {
        self.configurations.read.load(Ordering::SeqCst)
    }

    pub(crate) async fn apply(&self, changes: Vec<Change>) {
        self.engine.handle().apply(changes, "test").await.expect("applied");
    }
}
