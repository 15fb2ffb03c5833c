//! One simulated world: engine, journal, destination and senders on one seed.

mod judge;
mod people;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use andon_act::DestinationLimits;
use andon_engine::{Engine, EngineParts, EngineSettings, Handle, Violation};
use andon_journal::{Configurations, Delivery, Journal, RunFilter, Views};
use andon_model::{Clock, Event, Name, RunStatus};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{
    BookEntry, DestinationFaults, Dice, FaultyJournal, JournalFaults, RuntimeClock, SimulatedDestination,
};
use serde_json::json;

use crate::common::{SOURCE, SimulatedAdapters};
use crate::planted::{ForgetfulJournal, FreeingJournal, HastyJournal, PlantedTarget};
use crate::scenario;
use people::Closing;

/// A bug to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    None,
    SkipTheProbe,
    AcknowledgeBeforeWrite,
    ResendAfterLost,
    ForgetEpisodes,
    BelieveItIsOpen,
    FreeTheParked,
}

/// Time after which every world must have come to rest.
const PATIENCE: Duration = Duration::from_hours(4);

/// Runs one schedule. `Ok` holds the books; `Err` names the seed and what is broken.
pub(crate) fn run_schedule(seed: u64, plant: Plant) -> Result<Vec<BookEntry>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let world = World::new(seed, plant);
        let broken = world.play().await;
        if broken.is_empty() {
            return Ok(world.destination.books());
        }
        let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
        Err(format!("ANDON_SEED={seed}: {}", lines.join("; ")))
    })
}

/// Senders and the killer meet here: the engine of the moment.
type Door = tokio::sync::watch::Sender<Option<Handle>>;

struct World {
    dice: Dice,
    plant: Plant,
    /// The journal as the living process sees it.
    memory: Mutex<MemoryJournal>,
    destination: SimulatedDestination,
    clock: RuntimeClock,
    acknowledged: Mutex<BTreeSet<String>>,
    /// What people closed, in order.
    closings: Mutex<Vec<Closing>>,
}

impl World {
    fn new(seed: u64, plant: Plant) -> Self {
        let dice = Dice::new(seed);
        let level = [0.0, 0.1, 0.3][usize::try_from(dice.number(0, 2)).unwrap_or(0)];
        let faults = DestinationFaults {
            unreachable: level,
            busy: level / 2.0,
            lost_before: level / 2.0,
            lost_after: level,
            late: level / 2.0,
            probe_fails: level,
        };
        let limits = DestinationLimits {
            max_concurrency: usize::try_from(dice.number(1, 4)).unwrap_or(1),
            open_after: u32::try_from(dice.number(2, 8)).unwrap_or(2),
            open_for: Duration::from_secs(3),
        };
        Self {
            destination: SimulatedDestination::new(dice.clone(), faults, limits),
            dice,
            plant,
            memory: Mutex::default(),
            clock: RuntimeClock::start(),
            acknowledged: Mutex::default(),
            closings: Mutex::default(),
        }
    }

    /// Plays the schedule to its end and returns what is broken.
    async fn play(&self) -> Vec<Violation> {
        self.configure().await;
        let (door, _) = tokio::sync::watch::channel(None);
        let events = self.roll_events();
        let senders = futures_util::future::join_all(events.iter().map(|event| self.send(event, &door)));
        let machines = async {
            let (_, engine) = tokio::join!(senders, self.live_and_die(&door));
            self.come_to_rest(engine).await;
        };
        let played = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                biased;
                () = machines => {}
                () = self.people(&door) => {}
            }
        });
        if played.await.is_err() {
            return vec![judge::broken("A3", format!("the world did not come to rest: {}", self.describe().await))];
        }
        self.judge(&events).await
    }

    fn memory(&self) -> MemoryJournal {
        self.memory.lock().expect("not poisoned").clone()
    }

    /// Kills the process that holds the journal; what it wrote stays.
    fn next_process(&self) -> MemoryJournal {
        let mut memory = self.memory.lock().expect("not poisoned");
        *memory = memory.crash();
        memory.clone()
    }

    async fn configure(&self) {
        self.memory().put(scenario::documents(), "test", self.clock.now()).await.expect("configuration is stored");
    }

    fn roll_events(&self) -> Vec<Event> {
        (0..self.dice.number(2, 8))
            .map(|n| {
                let severity = 1 + u32::from(self.dice.chance(0.6));
                let severity = severity + if self.dice.chance(0.6) { 2 } else { 0 };
                let equipment = format!("p{}", self.dice.number(1, 2));
                let data = json!({ "severity": severity, "equipment": equipment });
                let mut event = Event::new("/pump", n.to_string(), "anomaly", data);
                event.subject = self.dice.chance(0.7).then(|| format!("pump-{}", self.dice.number(1, 2)));
                event
            })
            .collect()
    }

    /// A sender: repeats until it is told yes, and sometimes once more after that.
    async fn send(&self, event: &Event, door: &Door) {
        let mut engine = door.subscribe();
        tokio::time::sleep(self.dice.span(Duration::from_secs(3))).await;
        let mut deliveries = 1 + u32::from(self.dice.chance(0.3));
        while deliveries > 0 {
            let handle = loop {
                if let Some(handle) = engine.borrow_and_update().clone() {
                    break handle;
                }
                if engine.changed().await.is_err() {
                    return;
                }
            };
            let body = serde_json::to_vec(event).expect("serialises").into();
            let name = Name::new(SOURCE).expect("a name");
            let delivery = Delivery { body, ..Delivery::default() };
            if handle.deliver(&name, delivery).await.is_ok() {
                self.acknowledged.lock().expect("not poisoned").insert(event.id.clone());
                deliveries -= 1;
            }
            tokio::time::sleep(self.dice.span(Duration::from_millis(500))).await;
        }
    }

    /// Starts the engine and kills it up to three times; returns the last one.
    async fn live_and_die(&self, door: &Door) -> Engine {
        for _ in 0..self.dice.number(0, 3) {
            let engine = self.start_engine().await;
            door.send_replace(Some(engine.handle().clone()));
            tokio::time::sleep(self.dice.span(Duration::from_secs(4))).await;
            door.send_replace(None);
            engine.kill();
            tokio::time::sleep(self.dice.span(Duration::from_millis(300))).await;
        }
        let engine = self.start_engine().await;
        door.send_replace(Some(engine.handle().clone()));
        engine
    }

    /// Waits until nothing is pending any more, and nothing waits for a person.
    async fn come_to_rest(&self, engine: Engine) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let counts = self.memory().counts().await.expect("counts");
            let pending = counts.runs.iter().any(|(status, count)| !status.is_settled() && *count > 0);
            let parked = counts.runs.iter().any(|(status, count)| *status == RunStatus::Parked && *count > 0);
            if counts.undecided == 0 && !pending && !parked {
                engine.kill();
                return;
            }
        }
    }

    async fn start_engine(&self) -> Engine {
        let memory = Arc::new(self.next_process());
        let inner: Arc<dyn Journal> = match self.plant {
            Plant::AcknowledgeBeforeWrite => Arc::new(HastyJournal::new(memory.clone())),
            Plant::ForgetEpisodes => Arc::new(ForgetfulJournal { inner: memory.clone() }),
            Plant::FreeTheParked => Arc::new(FreeingJournal { inner: memory.clone() }),
            _ => memory.clone(),
        };
        let failures = if self.dice.chance(0.5) { 0.05 } else { 0.0 };
        let faults = JournalFaults { pause: Duration::from_millis(20), failures };
        let target = PlantedTarget { inner: Arc::new(self.destination.clone()), plant: self.plant };
        let parts = EngineParts {
            journal: Arc::new(FaultyJournal::new(inner, self.dice.clone(), faults)),
            configurations: memory.clone(),
            views: memory,
            adapters: Arc::new(SimulatedAdapters { target: Arc::new(target) }),
            clock: Arc::new(self.clock),
            settings: EngineSettings { max_loaded_runs: 2, decide_batch: 2, ..EngineSettings::default() },
            owner: "simulation".into(),
        };
        Engine::start(parts).await.expect("the engine starts")
    }

    /// What is pending, for a failure's text.
    async fn describe(&self) -> String {
        let counts = self.memory().counts().await.expect("counts");
        let page = self.memory().runs(RunFilter { limit: 100, ..RunFilter::default() }).await.expect("runs");
        let pending = page.rows.iter().filter(|row| !row.status.is_settled());
        let pending: Vec<_> = pending.map(|row| format!("{} {} {}", row.event, row.status, row.summary)).collect();
        let acknowledged = self.acknowledged.lock().expect("not poisoned").clone();
        format!("undecided {}, pending {pending:?}, acknowledged {acknowledged:?}", counts.undecided)
    }
}
