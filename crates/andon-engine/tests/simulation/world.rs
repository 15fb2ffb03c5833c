//! One simulated world: engine, journal, destination and senders on one seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use andon_act::DestinationLimits;
use andon_engine::{Engine, EngineParts, EngineSettings, Handle, Violation, check_books, check_run};
use andon_journal::{
    Append, Appended, Commit, Configurations, Delivery, EpisodeFilter, Journal, JournalError, JournalLayer, Lease,
    RunDetail, RunFilter, Views,
};
use andon_model::{Clock, Event, Name, Offset, RunStatus, TimelineKind};
use andon_testkit::memory_journal::MemoryJournal;
use andon_testkit::{
    BookEntry, DestinationFaults, Dice, FaultyJournal, JournalFaults, RuntimeClock, SimulatedDestination,
};
use async_trait::async_trait;
use serde_json::{Value, json};

use crate::common::{SOURCE, SimulatedAdapters};
use crate::planted::PlantedTarget;
use crate::scenario;

/// A bug to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    None,
    SkipTheProbe,
    AcknowledgeBeforeWrite,
    ResendAfterLost,
    ForgetEpisodes,
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
        }
    }

    /// Plays the schedule to its end and returns what is broken.
    async fn play(&self) -> Vec<Violation> {
        self.configure().await;
        let (door, _) = tokio::sync::watch::channel(None);
        let events = self.roll_events();
        let senders = futures_util::future::join_all(events.iter().map(|event| self.send(event, &door)));
        let played = tokio::time::timeout(PATIENCE, async {
            let (_, engine) = tokio::join!(senders, self.live_and_die(&door));
            self.come_to_rest(engine).await;
        });
        if played.await.is_err() {
            return vec![broken("A3", format!("the world did not come to rest: {}", self.describe().await))];
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
        (0..self.dice.number(2, 7))
            .map(|n| {
                let severity = 1 + u32::from(self.dice.chance(0.5)) + u32::from(self.dice.chance(0.4));
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

    /// Waits until nothing is pending any more.
    async fn come_to_rest(&self, engine: Engine) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let counts = self.memory().counts().await.expect("counts");
            let pending = counts.runs.iter().any(|(status, count)| !status.is_settled() && *count > 0);
            if counts.undecided == 0 && !pending {
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

    async fn judge(&self, events: &[Event]) -> Vec<Violation> {
        let books = self.destination.books();
        let mut found = check_books(books.iter().map(|entry| entry.key.as_str()));
        found.extend(self.judge_acknowledged().await);
        found.extend(self.judge_runs().await);
        found.extend(judge_episodes(&books));
        if found.is_empty() && books.len() != documents_due(events) {
            found.push(broken("A3", format!("{} events gave {} documents", events.len(), books.len())));
        }
        found.extend(self.judge_counts(events).await);
        found.extend(judge_order(events, &books));
        found
    }

    /// Every event of an episode is counted once.
    async fn judge_counts(&self, events: &[Event]) -> Vec<Violation> {
        let episodes =
            self.memory().episodes(EpisodeFilter { limit: 100, ..EpisodeFilter::default() }).await.expect("episodes");
        let joined: i64 = episodes.iter().map(|row| row.episode.count).sum();
        let due = events.iter().filter(|event| is_once(event)).count();
        let is_right = usize::try_from(joined).is_ok_and(|joined| joined == due);
        (!is_right).then(|| broken("A4", format!("{due} events of episodes, counted {joined}"))).into_iter().collect()
    }

    /// J3 and J4: what was acknowledged is in the journal, once.
    async fn judge_acknowledged(&self) -> Vec<Violation> {
        let stored = self.memory().events_after(Offset(0), 1_000).await.expect("events");
        let ids: Vec<&str> = stored.iter().map(|stored| stored.event.id.as_str()).collect();
        let acknowledged = self.acknowledged.lock().expect("not poisoned").clone();
        let lost = acknowledged.iter().filter(|id| !ids.contains(&id.as_str()));
        let mut found: Vec<_> =
            lost.map(|id| broken("J3", format!("event {id} was acknowledged and is gone"))).collect();
        if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
            found.push(broken("J4", format!("an event is stored twice: {ids:?}")));
        }
        let gapless = stored.iter().zip(1..).all(|(stored, n)| stored.offset == Offset(n));
        if !gapless {
            found.push(broken("J1", "offsets have gaps".into()));
        }
        found
    }

    /// A2 and A3: every run is done, and its timeline shows no repetition in doubt.
    async fn judge_runs(&self) -> Vec<Violation> {
        let page = self.memory().runs(RunFilter { limit: 1_000, ..RunFilter::default() }).await.expect("runs");
        let mut found = Vec::new();
        for row in page.rows {
            if row.status != RunStatus::Done {
                found.push(broken("A3", format!("run {} ended as {}: {}", row.id, row.status, row.summary)));
            }
            let detail = self.memory().run_detail(&row.id).await.expect("a run").expect("listed runs exist");
            found.extend(check_run(&detail));
            found.extend(judge_summary(&detail));
        }
        found
    }
}

fn broken(invariant: &'static str, detail: String) -> Violation {
    Violation { invariant, detail }
}

fn is_once(event: &Event) -> bool {
    event.data["severity"] == 3
}

/// One document per event, but one per equipment where it is made once.
fn documents_due(events: &[Event]) -> usize {
    let (once, each): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| is_once(event));
    each.len() + once.iter().map(|event| event.data["equipment"].to_string()).collect::<BTreeSet<_>>().len()
}

/// A4: at most one open document per action and key; in these worlds none is ever closed.
fn judge_episodes(books: &[BookEntry]) -> Vec<Violation> {
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for entry in books.iter().filter(|entry| entry.path == "/Once") {
        let body: Value = serde_json::from_str(&entry.body).expect("a rendered body");
        *keys.entry(body["Once"].to_string()).or_default() += 1;
    }
    let several = keys.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(key, count)| broken("A4", format!("{count} open documents of episode {key}"))).collect()
}

/// A summary holds up its run no longer than its step says, whatever the model does; what the journal
/// itself takes is not its fault, nor is a kill.
fn judge_summary(run: &RunDetail) -> Option<Violation> {
    const JOURNAL: Duration = Duration::from_secs(4);
    let mut lines = run.timeline.iter().filter(|line| line.step == "sum");
    let sent = lines.find(|line| line.kind == TimelineKind::Sending)?;
    let ended = lines.next()?;
    let killed = ended.detail["problem"]["detail"] == "the program ended while the request was on its way";
    let took = ended.at.since(sent.at);
    let late = !killed && took > scenario::SUMMARY_TIMEOUT + JOURNAL;
    late.then(|| broken("A3", format!("the summary of run {} took {took:?}", run.row.id)))
}

/// Documents of one subject were created in the order in which its events were stored.
fn judge_order(events: &[Event], books: &[BookEntry]) -> Vec<Violation> {
    let mut subjects: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in books {
        let body: Value = serde_json::from_str(&entry.body).expect("a rendered body");
        let subject = events.iter().find(|event| body["Event"] == event.id.as_str()).and_then(|e| e.subject.as_deref());
        let offset = body["Offset"].as_u64().expect("an offset");
        subjects.entry(subject.unwrap_or_default()).or_default().push(offset);
    }
    subjects.remove("");
    let disordered = subjects.into_iter().filter(|(_, offsets)| !offsets.is_sorted());
    disordered.map(|(subject, offsets)| broken("order", format!("{subject} was worked on as {offsets:?}"))).collect()
}

/// A journal with the bug *acknowledge before the write*.
struct HastyJournal {
    inner: Arc<MemoryJournal>,
    writes: Mutex<tokio::task::JoinSet<()>>,
}

impl HastyJournal {
    fn new(inner: Arc<MemoryJournal>) -> Self {
        Self { inner, writes: Mutex::default() }
    }
}

#[async_trait]
impl JournalLayer for HastyJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.inner
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        let known = append.events.iter().map(|_| (Offset(1), true)).collect();
        let inner = self.inner.clone();
        self.writes.lock().expect("not poisoned").spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            drop(inner.append(append).await);
        });
        Ok(Appended { events: known, quarantine: Vec::new() })
    }
}

/// A journal with the bug *forget episodes*: what a settled run has opened is not written.
struct ForgetfulJournal {
    inner: Arc<MemoryJournal>,
}

#[async_trait]
impl JournalLayer for ForgetfulJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.inner
    }

    async fn commit(&self, lease: Lease, mut commit: Commit) -> Result<(), JournalError> {
        commit.runs.iter_mut().filter_map(|run| run.episode.as_mut()).for_each(|part| part.put = None);
        self.inner.commit(lease, commit).await
    }
}
