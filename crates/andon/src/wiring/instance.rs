//! A running Andon: store, engine, raw log, door and API, started in this order and stopped in the other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use andon_devices::SystemEntropy;
use andon_devices::registry::Registry;
use andon_engine::plant::PlantParts;
use andon_engine::{Engine, EngineError, EngineParts, EngineSettings};
use andon_journal::{Change, Finding, Journal, Keeper, Lake, PlantMemory, ValueTable};
use andon_model::{Clock, Code, Problem, Secret, SystemClock, SystemIds};
use andon_server::{DeviceSettings, OfficeParts, RenderMetrics, ServerParts};
use andon_store::SqlStore;
use anyhow::Context;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::adapters::Wires;
use super::door::{Door, DoorParts};
use super::lake::Tables;
use super::outside::Https;
use super::plant_file::PlantFile;
use super::readings::{LateKeeper, Readings};
use super::{folder, mail, tokens};
use crate::config::Settings;
use crate::output::{FREE_THE_ADDRESS, Failure};

/// How often it is asked whether the engine still works.
const LOOK: Duration = Duration::from_secs(1);

/// Connections that the system keeps until they are accepted.
const WAITING_CONNECTIONS: u32 = 1024;

/// Everything that runs; dropping it does not stop it in good order, [`Instance::stop`] does.
pub(crate) struct Instance {
    engine: Engine,
    store: Arc<SqlStore>,
    readings: Readings,
    tables: Option<Tables>,
    door: Arc<Door>,
    serving: JoinHandle<()>,
    stop_serving: CancellationToken,
    address: SocketAddr,
    first_token: Option<Secret>,
}

impl Instance {
    /// Opens the store and the raw log, starts the engine, then lets devices and callers in.
    pub(crate) async fn start(settings: &Settings, metrics: RenderMetrics) -> anyhow::Result<Self> {
        // Taken before anything is started, and open at the end: who can connect finds the token's file written.
        let wanted = settings.http.listen;
        let socket = bound_socket(wanted).map_err(|error| address_taken(wanted, &error))?;
        let store = folder::open_store(settings).await?;
        // First the engine: who finds the journal held by another process is told so.
        let brokers = Arc::<LateKeeper>::default();
        let mut engine = start_engine(settings, &store, Some(brokers.clone())).await?;
        let readings = Readings::open(settings, Arc::new(SystemClock)).await?;
        let tables = Tables::open(settings, &readings, engine.handle(), Arc::new(SystemClock)).await?;
        engine.follow_readings(plant_parts(settings, &readings, tables.as_ref())).await?;
        brokers.open(readings.keeper());
        let first_token = tokens::create_first(settings, &store).await?;
        let door = Door::start(settings, door_parts(&engine, &store, &readings))?;
        let stop_serving = CancellationToken::new();
        let listener = socket.listen(WAITING_CONNECTIONS).map_err(|error| address_taken(wanted, &error))?;
        let address = listener.local_addr()?;
        let mut parts = server_parts(settings, &engine, &store, (&door, &readings, tables.as_ref()), metrics)?;
        parts.office.settings = parts.office.settings.listening_at(address);
        let serving = tokio::spawn(andon_server::serve(parts, listener, stop_serving.clone().cancelled_owned()));
        Ok(Self { engine, store, readings, tables, door, serving, stop_serving, address, first_token })
    }

    /// Where the API listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The administrator's token, when this start has made it.
    pub(crate) fn first_token(&self) -> Option<&Secret> {
        self.first_token.as_ref()
    }

    /// Tells the log where it is.
    pub(crate) fn announce(&self) {
        tracing::info!(url = self.url(), version = env!("CARGO_PKG_VERSION"), "andon serves");
    }

    /// Comes back when the engine has ended by itself, which it does when the journal is lost.
    pub(crate) async fn ended(&mut self) {
        let mut looks = tokio::time::interval(LOOK);
        while !self.engine.has_ended() {
            looks.tick().await;
        }
    }

    /// Closes the intakes and the door, lets requests under way finish, and closes the store.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        tracing::info!("stopping: intakes close, requests under way finish");
        self.stop_serving.cancel();
        self.serving.await.context("the API ended unexpectedly")?;
        self.door.stop().await;
        let ended = self.engine.stop().await;
        if let Some(tables) = self.tables {
            tables.stop().await;
        }
        self.readings.close().await;
        if let Some(store) = Arc::into_inner(self.store) {
            store.close().await;
        }
        ended.map_err(|error| Problem::from(&error).into())
    }
}

/// What a change would be told, with nothing running and nothing stored.
pub(super) async fn check_changes(settings: &Settings, changes: Vec<Change>) -> anyhow::Result<Vec<Finding>> {
    let store = folder::open_store(settings).await?;
    let engine = start_engine(settings, &store, None).await?;
    let findings = engine.handle().check(changes).await;
    engine.stop().await.map_err(|error| Problem::from(&error))?;
    Ok(findings?)
}

/// The address is taken, and refuses connections until the socket listens.
fn bound_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait for the connections of the process before it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn address_taken(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = Failure::new(Code::Setting, format!("cannot listen on {address}: {error}"));
    failure.at("http.listen").remedy(FREE_THE_ADDRESS)
}

/// `readings`: where brokers outside may bring readings; none for an engine that only checks.
async fn start_engine(
    settings: &Settings,
    store: &Arc<SqlStore>,
    readings: Option<Arc<dyn Keeper>>,
) -> anyhow::Result<Engine> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let journal: Arc<dyn Journal> = store.clone();
    #[cfg(debug_assertions)]
    let journal = super::crash_points::around_journal(journal);
    let wires = Wires::new(store.clone(), clock.clone(), settings.data.folder.clone()).with_readings(readings);
    let parts = EngineParts {
        journal,
        configurations: store.clone(),
        views: store.clone(),
        adapters: Arc::new(wires),
        clock,
        settings: engine_settings(settings),
        owner: owner(),
    };
    Ok(Engine::start(parts).await.map_err(start_problem)?)
}

/// Where the assets read, where they are saved, and where their values go.
fn plant_parts(settings: &Settings, readings: &Readings, tables: Option<&Tables>) -> PlantParts {
    let memory: Arc<dyn PlantMemory> = Arc::new(PlantFile::in_folder(&settings.data.folder));
    #[cfg(debug_assertions)]
    let memory = super::crash_points::around_plant_memory(memory);
    let values = tables.map(|tables| tables.lake.clone() as Arc<dyn ValueTable>);
    PlantParts { feeds: readings.log.clone(), memory, values }
}

fn start_problem(error: EngineError) -> Problem {
    match error {
        EngineError::Journal(journal) => Problem::from(&journal),
        EngineError::Configuration { revision, problem } => {
            let detail = format!("the stored revision {revision} cannot be put into force: {}", problem.detail);
            Problem { detail, ..problem }
        }
    }
}

fn engine_settings(settings: &Settings) -> EngineSettings {
    let (engine, retention) = (&settings.engine, &settings.retention);
    EngineSettings {
        max_backlog: engine.max_backlog,
        max_pending_runs: engine.max_pending_runs,
        max_loaded_runs: engine.max_loaded_runs,
        decide_batch: engine.decide_batch,
        drain: engine.drain,
        keep_events: Some(retention.events),
        keep_keys: retention.keys,
        keep_quarantine: retention.quarantine,
        keep_marks: retention.marks,
        plant: settings.assets.settings(),
    }
}

fn server_parts(
    settings: &Settings,
    engine: &Engine,
    store: &Arc<SqlStore>,
    devices: (&Arc<Door>, &Readings, Option<&Tables>),
    metrics: RenderMetrics,
) -> anyhow::Result<ServerParts> {
    let (door, readings, tables) = devices;
    Ok(ServerParts {
        handle: engine.handle().clone(),
        attachments: store.clone(),
        tokens: store.clone(),
        secrets: store.clone(),
        office: office_parts(settings, store)?,
        door: door.clone(),
        readings: readings.log.clone(),
        log: readings.log.clone(),
        lake: tables.map(|tables| tables.lake.clone() as Arc<dyn Lake>),
        event_time: settings.assets.event_time.clone(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds::default()),
        metrics,
        settings: settings.limits.clone(),
    })
}

fn door_parts(engine: &Engine, store: &Arc<SqlStore>, readings: &Readings) -> DoorParts {
    DoorParts {
        registry: store.clone(),
        memory: store.clone(),
        readings: readings.log.clone(),
        views: readings.log.clone(),
        handle: engine.handle().clone(),
        clock: Arc::new(SystemClock),
    }
}

fn office_parts(settings: &Settings, store: &Arc<SqlStore>) -> anyhow::Result<OfficeParts> {
    let registry: Arc<dyn Registry> = store.clone();
    #[cfg(debug_assertions)]
    let registry = super::crash_points::around_registry(registry);
    Ok(OfficeParts {
        registry,
        entropy: Arc::new(SystemEntropy),
        keys: Arc::new(SystemEntropy),
        secrets: store.clone(),
        outside: Arc::new(Https::new()?),
        mailer: mail::mailer(settings, store)?,
        oidc: settings.oidc.clone(),
        settings: DeviceSettings { mqtt_port: settings.mqtt.listen.port(), ..settings.devices.clone() },
    })
}

/// Who holds the journal, for people: host and process.
fn owner() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "this host" } else { host };
    format!("{host}, process {}", std::process::id())
}
