//! A source and a journal, and the test in the place of the engine's pump.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use andon_connectors::{MqttParts, MqttSource, SourceSpec};
use andon_journal::{Append, Arrival, Batch, Journal, Keeper, KeeperError, Source, SourceError, Views};
use andon_model::{Name, Offset, Problem, SystemClock, Timestamp};
use andon_testkit::memory_journal::MemoryJournal;
use async_trait::async_trait;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A decoder for payloads such as `{"n":7}`, whose events are known by their number.
pub(crate) const NUMBERED: &str = "decoder = \"json\"\ndecode = { type = \"state\", id = { pointer = \"/n\" } }\n";

pub(crate) fn name() -> Name {
    Name::new("plant").expect("a name")
}

/// The document of a source on a port of this machine.
pub(crate) fn document(port: u16, decoder: &str, options: &str) -> String {
    let id = if options.contains("client_id") { "" } else { "client_id = \"andon\"\n" };
    let topics = if options.contains("topics") { "" } else { "topics = [\"data/#\"]\n" };
    let url = if options.contains("url =") { String::new() } else { format!("url = \"mqtt://127.0.0.1:{port}\"\n") };
    format!("{decoder}\n[mqtt]\n{url}{id}{topics}{options}\n")
}

/// Payloads `{"n":"<first>"}` and so on.
pub(crate) fn numbered(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("{{\"n\":\"{n}\"}}")).collect()
}

/// Readings in memory; says `Busy` as often as asked first.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) arrivals: Mutex<Vec<Arrival>>,
    pub(crate) refusals: Mutex<Vec<KeeperError>>,
}

#[async_trait]
impl Keeper for Kept {
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), KeeperError> {
        if let Some(refusal) = self.refusals.lock().unwrap().pop() {
            return Err(refusal);
        }
        self.arrivals.lock().unwrap().extend(arrivals);
        Ok(())
    }
}

/// One process: its source, and the journal that outlives it.
pub(crate) struct Plant {
    pub(crate) source: MqttSource,
    pub(crate) journal: MemoryJournal,
    pub(crate) kept: Arc<Kept>,
}

impl Plant {
    pub(crate) fn new(document: &str) -> Self {
        Self::on(MemoryJournal::new(), document)
    }

    pub(crate) fn on(journal: MemoryJournal, document: &str) -> Self {
        let kept = Arc::<Kept>::default();
        let source = source(document, &journal, &kept);
        Self { source, journal, kept }
    }

    /// The process dies; another one starts with the same documents.
    pub(crate) fn restart(&mut self, document: &str) {
        self.source = source(document, &self.journal, &self.kept);
    }

    /// The next batch that brings something; failures are told.
    pub(crate) async fn next(&mut self) -> Result<Batch, Problem> {
        let next = tokio::time::timeout(PATIENCE, self.source.next()).await;
        next.expect("something comes").map_err(|SourceError(problem)| problem)
    }

    /// Makes a batch durable.
    pub(crate) async fn append(&self, batch: Batch) {
        let Batch { events, attachments, quarantine, marks, checkpoint, .. } = batch;
        let (source, at) = (Some(name()), Timestamp::default());
        let append = Append { source, events, attachments, quarantine, marks, checkpoint, at };
        self.journal.append(append).await.expect("appended");
    }

    /// One turn of the pump.
    pub(crate) async fn turn(&mut self) -> Result<Batch, Problem> {
        let batch = self.next().await?;
        self.append(batch.clone()).await;
        self.source.acknowledge().await.expect("acknowledged");
        Ok(batch)
    }

    /// Pumps until the journal has so many events; failures are tried again at once.
    pub(crate) async fn until_events(&mut self, count: usize) {
        let pumping = async {
            while self.ids().await.len() < count {
                if self.turn().await.is_err() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        let pumped = tokio::time::timeout(PATIENCE, pumping).await;
        assert!(pumped.is_ok(), "only {:?}", self.ids().await);
    }

    /// Ids in the order of the journal.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let events = self.journal.events_after(Offset(0), 10_000).await.expect("events");
        events.into_iter().map(|stored| stored.event.id).collect()
    }

    pub(crate) async fn quarantined(&self) -> usize {
        self.journal.counts().await.expect("counts").quarantined.try_into().expect("a count")
    }
}

fn source(document: &str, journal: &MemoryJournal, kept: &Arc<Kept>) -> MqttSource {
    let spec = SourceSpec::parse(&name(), document).unwrap_or_else(|problem| panic!("{problem}\n{document}"));
    let (secrets, journal) = (Arc::new(journal.clone()), Arc::new(journal.clone()));
    let parts = MqttParts { secrets, journal, readings: Some(kept.clone()), clock: Arc::new(SystemClock) };
    MqttSource::new(&spec, parts).expect("a broker")
}

/// `0`, `1` and so on.
pub(crate) fn ids(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| n.to_string()).collect()
}

/// The same texts whatever their order, repetitions counted.
pub(crate) fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_by_key(|text| (text.len(), text.clone()));
    texts
}
