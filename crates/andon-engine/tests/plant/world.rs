//! A press with a sensor, and everything that survives when the engine is killed.

use std::sync::Arc;
use std::time::Duration;

use andon_act::DestinationLimits;
use andon_engine::plant::{PlantParts, PlantSettings};
use andon_engine::{Engine, EngineParts, EngineSettings};
use andon_journal::{
    Change, Configurations, Document, DocumentKind, Journal, NewReading, ReadingLog as _, ValueContent,
};
use andon_model::{Clock, Name, Offset, SpeaksFor};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{
    DestinationFaults, Dice, MemoryReadings, MemorySnapshot, MemoryValues, RuntimeClock, SimulatedDestination,
};
use serde_json::json;

use crate::common::SimulatedAdapters;
use crate::fuse::{Fuse, Fused};

/// Goes off above 70, is over below 65 after fifteen seconds, and is silent after five minutes.
pub(crate) const PRESS: &str = r#"
[[properties]]
name = "temperature"
data_type = "DOUBLE"
type.measurement = {}
[[properties]]
name = "average"
data_type = "DOUBLE"
type.metric = { expression = "avg(temperature)", window = { tumbling = { interval = "1m" } } }
[[alarms]]
name = "hot"
property = "temperature"
threshold = { operator = ">", value = 70.0, hysteresis = 5.0 }
normal_after = "15s"
[[alarms]]
name = "silent"
property = "temperature"
silence = { after = "5m" }
"#;

const ASSET: &str = "model = \"press\"\ndevice = \"d1\"\n";

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// What is durable, and the time.
pub(crate) struct World {
    pub(crate) clock: RuntimeClock,
    pub(crate) journal: MemoryJournal,
    pub(crate) readings: MemoryReadings,
    pub(crate) snapshot: MemorySnapshot,
    pub(crate) values: MemoryValues,
}

fn put(kind: DocumentKind, title: &str, text: &str) -> Change {
    Change::Put(Document { kind, name: name(title), text: text.to_owned() })
}

impl World {
    /// With one press.
    pub(crate) async fn new() -> Self {
        let clock = RuntimeClock::start();
        let journal = MemoryJournal::new();
        let changes = vec![put(DocumentKind::Model, "press", PRESS), put(DocumentKind::Asset, "press-1", ASSET)];
        journal.put(changes, "test", clock.now()).await.expect("configuration is stored");
        let (readings, snapshot, values) = Default::default();
        Self { clock, journal, readings, snapshot, values }
    }

    /// Starts an engine that lives until the fuse burns through.
    pub(crate) async fn start(&self, fuse: &Fuse) -> Engine {
        let limits = DestinationLimits { max_concurrency: 1, open_after: 1, open_for: Duration::from_secs(1) };
        let target = SimulatedDestination::new(Dice::new(1), DestinationFaults::default(), limits);
        let stored = Arc::new(self.journal.clone());
        let inner: Arc<dyn Journal> = stored.clone();
        let plant = PlantSettings {
            snapshot_interval: Duration::from_secs(3),
            reconnect: Duration::ZERO,
            gather: Duration::from_secs(1),
            refill_values: 3,
            live_entries: 256,
            ..PlantSettings::default()
        };
        let parts = EngineParts {
            journal: Arc::new(Fused(inner, fuse.clone())),
            configurations: stored.clone(),
            views: stored,
            adapters: Arc::new(SimulatedAdapters { target: Arc::new(target) }),
            clock: Arc::new(self.clock),
            settings: EngineSettings { plant, ..EngineSettings::default() },
            owner: "test".into(),
        };
        let mut engine = Engine::start(parts).await.expect("the engine starts");
        let parts = PlantParts {
            feeds: Arc::new(Fused(self.readings.clone(), fuse.clone())),
            memory: Arc::new(Fused(self.snapshot.clone(), fuse.clone())),
            values: Some(Arc::new(Fused(self.values.clone(), fuse.clone()))),
        };
        engine.follow_readings(parts).await.expect("the readings are followed");
        engine
    }

    /// One that is not killed.
    pub(crate) async fn start_safe(&self) -> Engine {
        self.start(&Fuse::new(usize::MAX)).await
    }

    /// The sensor reports.
    pub(crate) async fn report(&self, temperature: f64) {
        let payload = json!({ "measurements": { "temperature": temperature } }).to_string().into_bytes();
        self.keep("d1", SpeaksFor::Anyone, payload).await;
    }

    /// A payload comes from `device`.
    pub(crate) async fn keep(&self, device: &str, speaks_for: SpeaksFor, payload: Vec<u8>) {
        let topic = format!("data/{device}").into();
        let reading = NewReading { received: self.clock.now(), device: device.into(), topic, speaks_for, payload };
        self.readings.append(vec![reading]).await.expect("kept");
    }

    /// `id state` of every event, in order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let events = self.journal.events_after(Offset(0), 1_000).await.expect("read");
        let text = |stored: andon_journal::StoredEvent| {
            format!("{} {}", stored.event.id, stored.event.data["state"].as_str().unwrap_or_default())
        };
        events.into_iter().map(text).collect()
    }

    /// `property value` of every value in the table, in order.
    pub(crate) fn written(&self) -> Vec<String> {
        let number = |value: &ValueContent| if let ValueContent::Double(number) = value { *number } else { f64::NAN };
        self.values.values().iter().map(|value| format!("{} {}", value.property, number(&value.value))).collect()
    }
}

pub(crate) async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

/// Waits until everything was read, saved and written.
pub(crate) async fn until_kept(world: &World, engine: &Engine) {
    loop {
        let status = engine.handle().plant().status();
        let is_saved = status.saved == world.readings.next() && status.next == status.saved;
        if is_saved && status.waiting_values == 0 {
            return;
        }
        seconds(1).await;
    }
}
