//! Starting and stopping: what everything in the engine shares.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use andon_act::Target;
use andon_journal::{Configurations, Decoder, Journal, JournalError, ObjectReader, Retention, Views};
use andon_model::{Clock, Name, Problem};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::append_health::AppendHealth;
use crate::catalog::Catalog;
use crate::lane::{Lane, LaneStatus, Message};
use crate::plant::{Linking, PlantLane, PlantParts, PlantSettings, PlantShared, Refill};
use crate::pump::Pumps;
use crate::what_if::Compiled;
use crate::{Adapters, Handle, SourceInfo, Status, configure, counters, plant, telemetry};

/// Limits and times; every one has a documented default.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Events that may wait to be decided before intakes answer 503. Default 1,000,000.
    pub max_backlog: i64,
    /// Unsettled runs before deciding pauses. Default 200,000.
    pub max_pending_runs: usize,
    /// Runs whose state is held in memory; the others are read again when they are due. Default 20,000.
    pub max_loaded_runs: usize,
    /// Events decided in one turn. Default 256.
    pub decide_batch: usize,
    /// How long a stop waits for requests under way. Default 10 s.
    pub drain: Duration,
    /// How long settled events are kept; `None` keeps them forever. Default 400 days.
    pub keep_events: Option<Duration>,
    /// How long event keys are kept to recognise late repetitions. Default 800 days.
    pub keep_keys: Duration,
    /// How long quarantine entries are kept that nobody replayed. Default 800 days.
    pub keep_quarantine: Duration,
    /// How long marks of read objects are kept; must be longer than any object stays in its bucket. Default
    /// `None`: forever.
    pub keep_marks: Option<Duration>,
    /// Limits and times of the assets.
    pub plant: PlantSettings,
}

impl Default for EngineSettings {
    fn default() -> Self {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        Self {
            max_backlog: 1_000_000,
            max_pending_runs: 200_000,
            max_loaded_runs: 20_000,
            decide_batch: 256,
            drain: Duration::from_secs(10),
            keep_events: Some(days(400)),
            keep_keys: days(800),
            keep_quarantine: days(800),
            keep_marks: None,
            plant: PlantSettings::default(),
        }
    }
}

/// What the engine works with.
pub struct EngineParts {
    /// Storage of the event lane.
    pub journal: Arc<dyn Journal>,
    /// Storage of configuration.
    pub configurations: Arc<dyn Configurations>,
    /// What people read.
    pub views: Arc<dyn Views>,
    /// How documents become sources and destinations.
    pub adapters: Arc<dyn Adapters>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Limits and times.
    pub settings: EngineSettings,
    /// Who holds the journal, for people: host and process.
    pub owner: String,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal failed, or somebody else holds it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The stored configuration cannot be put into force by this program.
    #[error("the stored configuration (revision {revision}) cannot be used: {problem}")]
    Configuration {
        /// Its revision.
        revision: i64,
        /// The first thing that is wrong.
        problem: Problem,
    },
}

/// A source that is in force.
pub(crate) struct RunningSource {
    pub(crate) info: SourceInfo,
    pub(crate) decoder: Arc<dyn Decoder>,
    pub(crate) notifications: Option<(Arc<dyn Decoder>, Arc<dyn ObjectReader>)>,
}

/// What the lane, the intakes and the handle share.
pub(crate) struct Shared {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) configurations: Arc<dyn Configurations>,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) adapters: Arc<dyn Adapters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: EngineSettings,
    pub(crate) sources: RwLock<BTreeMap<Name, Arc<RunningSource>>>,
    pub(crate) catalog: RwLock<Arc<Catalog>>,
    pub(crate) target: RwLock<Arc<dyn Target>>,
    pub(crate) plant: Arc<PlantShared>,
    /// One configuration change at a time.
    pub(crate) applying: tokio::sync::Mutex<()>,
    /// One page of a replay at a time, with what the pages before it have compiled.
    pub(crate) replaying: tokio::sync::Mutex<Compiled>,
    pub(crate) pumps: Mutex<Pumps>,
    /// Whether the journal takes what comes in.
    pub(crate) appends: AppendHealth,
    pub(crate) appended_up_to: AtomicI64,
    pub(crate) decided_up_to: AtomicI64,
    pub(crate) new_events: Notify,
    pub(crate) lane: mpsc::Sender<Message>,
    pub(crate) lane_status: Mutex<LaneStatus>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().clone()
    }

    pub(crate) fn target(&self) -> Arc<dyn Target> {
        self.target.read().clone()
    }

    /// Events appended but not decided.
    pub(crate) fn backlog(&self) -> i64 {
        (self.appended_up_to.load(Ordering::Acquire) - self.decided_up_to.load(Ordering::Acquire)).max(0)
    }

    pub(crate) fn status(&self) -> Status {
        // Backlog first: an event leaves it only after its runs are counted, so that nothing is between.
        let backlog = self.backlog();
        let lane = self.lane_status.lock().clone();
        let problem = lane.problem.or(lane.read_problem).or_else(|| self.appends.problem(self.clock.now()));
        Status {
            ready: lane.running && problem.is_none(),
            problem,
            revision: self.catalog.read().revision,
            backlog,
            pending_runs: lane.pending_runs,
            in_flight: lane.in_flight,
            open_circuits: lane.open_circuits,
            failing_sources: self.pumps.lock().failing(),
        }
    }
}

/// Messages that wait for the lane; senders wait when there are more.
const LANE_QUEUE: usize = 4_096;

/// A running engine.
pub struct Engine {
    handle: Handle,
    lane: JoinHandle<Result<(), JournalError>>,
    housekeeping: JoinHandle<()>,
    /// Follows the readings, once there are any to follow.
    plant: Option<JoinHandle<()>>,
    /// What works beside the lane: makes values again that the table lacks, and asks SAP what assets are called.
    beside_plant: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Takes the journal over and puts the newest configuration into force. What was pending is read and
    /// resumed by the lane, turn by turn, so that a start does not wait for it.
    pub async fn start(parts: EngineParts) -> Result<Self, EngineError> {
        counters::register();
        plant::register_counters();
        let lease = parts.journal.take_lease(&parts.owner, parts.clock.now()).await?;
        let decided_up_to = parts.journal.decided_up_to().await?;
        let (lane, inbox) = mpsc::channel(LANE_QUEUE);
        let shared = Arc::new(share(parts, lane)?);
        shared.decided_up_to.store(decided_up_to.0, Ordering::Release);
        let counts = shared.views.counts().await?;
        shared.appended_up_to.fetch_max(counts.undecided + decided_up_to.0, Ordering::AcqRel);
        configure::put_newest_into_force(&shared).await?;
        let lane = Lane::new(shared.clone(), lease, inbox, decided_up_to, counts.unsettled_runs());
        let handle = Handle { shared: shared.clone() };
        let housekeeping = tokio::spawn(keep_house(shared));
        Ok(Self { handle, lane: tokio::spawn(lane.run()), housekeeping, plant: None, beside_plant: Vec::new() })
    }

    /// Has the assets follow the readings, from where they were saved last. Called once; without it the models that are
    /// configured are checked, and nothing else.
    pub async fn follow_readings(&mut self, parts: PlantParts) -> Result<(), Problem> {
        let refill = Refill::new(&self.handle.shared, &parts);
        let lane = PlantLane::open(self.handle.shared.clone(), parts).await?;
        self.plant = Some(tokio::spawn(lane.run()));
        self.beside_plant.push(tokio::spawn(Linking::new(&self.handle.shared).run()));
        self.beside_plant.extend(refill.map(|refill| tokio::spawn(refill.run())));
        Ok(())
    }

    /// The door for the API.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Whether the lane has ended by itself, which it only does when the journal is lost.
    pub fn has_ended(&self) -> bool {
        self.lane.is_finished()
    }

    /// Stops sources, saves the assets, finishes the turn, waits for requests under way, and ends.
    pub async fn stop(mut self) -> Result<(), JournalError> {
        self.handle.shared.stop.cancel();
        self.handle.shared.pumps.lock().stop();
        self.housekeeping.abort();
        if let Some(plant) = self.plant.take() {
            // It tells itself what goes wrong.
            let _ = plant.await;
        }
        self.beside_plant.iter().for_each(JoinHandle::abort);
        self.wait().await
    }

    /// Ends at once, in the middle of whatever is under way, as a killed process does.
    pub fn kill(self) {
        self.handle.shared.pumps.lock().stop();
        self.plant.iter().chain(&self.beside_plant).for_each(JoinHandle::abort);
        self.lane.abort();
        self.housekeeping.abort();
    }

    /// Waits until the lane ends by itself, which it only does when the journal is lost.
    pub async fn wait(self) -> Result<(), JournalError> {
        let ended = self.lane.await;
        self.housekeeping.abort();
        self.plant.iter().chain(&self.beside_plant).for_each(JoinHandle::abort);
        ended.unwrap_or_else(|e| Err(JournalError::Storage { doing: "running the lane", cause: e.to_string() }))
    }
}

fn share(parts: EngineParts, lane: mpsc::Sender<Message>) -> Result<Shared, EngineError> {
    let target = parts.adapters.target(&[]).map_err(|problem| EngineError::Configuration { revision: 0, problem })?;
    let plant = PlantShared::new(&parts.settings.plant, parts.clock.now());
    let plant = plant.map_err(|error| EngineError::Configuration { revision: 0, problem: error.into() })?;
    Ok(Shared {
        plant: Arc::new(plant),
        journal: parts.journal,
        configurations: parts.configurations,
        views: parts.views,
        adapters: parts.adapters,
        clock: parts.clock,
        settings: parts.settings,
        sources: RwLock::default(),
        catalog: RwLock::new(Arc::new(Catalog::default())),
        target: RwLock::new(target),
        applying: tokio::sync::Mutex::default(),
        replaying: tokio::sync::Mutex::default(),
        appends: AppendHealth::default(),
        pumps: Mutex::default(),
        appended_up_to: AtomicI64::new(0),
        decided_up_to: AtomicI64::new(0),
        new_events: Notify::new(),
        lane,
        lane_status: Mutex::default(),
        stop: CancellationToken::new(),
    })
}

/// Deletes what is older than it must be, a little at a time.
async fn keep_house(shared: Arc<Shared>) {
    const PAUSE: Duration = Duration::from_mins(1);
    const ROWS_AT_ONCE: usize = 1_000;
    while let Some(keep_events) = shared.settings.keep_events {
        tokio::time::sleep(PAUSE).await;
        let (now, settings) = (shared.clock.now(), &shared.settings);
        let retention = Retention {
            events_before: now.before(keep_events),
            keys_before: now.before(settings.keep_keys),
            quarantine_before: now.before(settings.keep_quarantine),
            marks_before: settings.keep_marks.map(|keep| now.before(keep)),
            limit: ROWS_AT_ONCE,
        };
        match shared.views.retain(retention).await {
            Ok(retained) => telemetry::retained(retained),
            Err(error) => telemetry::retention_failed(&error),
        }
    }
}
