//! The running simulator and the grip on it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use andon_model::Timestamp;
use http::{HeaderMap, header};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::access::Guard;
use super::config::SimulatorConfig;
use super::entrance;
use super::ledger::{Extract, Ledger};
use super::report::Books;
use super::sessions::Sessions;
use crate::btp::{Destinations, RuleService, Rules, Tokens};
use crate::devices::Devices;
use crate::faults::{FaultProfile, FaultTextError, Faults};
use crate::mesh::{Mesh, QueueBinding};
use crate::notes::Notes;
use crate::statistics::{Statistics, StatisticsReport};
use crate::wire::{Gate, GatedListener, Line};

/// How long a shutdown waits for requests under way.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A queue of the mesh cannot be bound.
    #[error("cannot bind the queue: {0}")]
    Queue(String),
    /// A fault profile cannot be read.
    #[error(transparent)]
    Faults(#[from] FaultTextError),
}

/// What all requests share.
pub(crate) struct System {
    pub(crate) config: SimulatorConfig,
    pub(crate) guard: Guard,
    pub(crate) sessions: Sessions,
    pub(crate) faults: Faults,
    pub(crate) gate: Arc<Gate>,
    pub(crate) ledger: Ledger,
    pub(crate) statistics: Statistics,
    pub(crate) tokens: Tokens,
    pub(crate) destinations: Destinations,
    pub(crate) rules: Rules,
    pub(crate) devices: Devices,
    pub(crate) mesh: Mesh,
    pub(crate) notes: Notes,
    /// The user that documents name as their creator.
    pub(crate) creator: String,
    address: SocketAddr,
}

impl System {
    fn new(config: SimulatorConfig, gate: Arc<Gate>, address: SocketAddr) -> Self {
        Self {
            guard: Guard::new(&config.access),
            sessions: Sessions::new(&config.client, config.session_lifetime),
            faults: Faults::new(config.seed, &config.faults),
            gate,
            ledger: Ledger::new(config.first_number, config.max_documents, config.max_content_bytes),
            tokens: Tokens::new(config.token_lifetime),
            destinations: Destinations::new(config.destinations.clone()),
            rules: Rules::new(config.rules.clone()),
            devices: Devices::default(),
            mesh: Mesh::default(),
            notes: Notes::default(),
            statistics: Statistics::default(),
            creator: config.creator(),
            address,
            config,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    /// Whether a request brings the credentials, or an access token that is still good.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        self.guard.admits(headers) || self.tokens.admits(headers, self.now())
    }

    /// The books: documents, calls, messages.
    pub(crate) fn books(&self, extract: &Extract) -> Books {
        let mut books = self.ledger.report(extract);
        self.notes.add_to(&mut books, extract.contains.as_deref());
        books.mesh_messages = self.mesh.report();
        books
    }

    /// The host that a client knows the simulator by, for the links in answers.
    pub(crate) fn host_of(&self, headers: &HeaderMap) -> String {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let legal = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
        host.filter(legal).map_or_else(|| self.address.to_string(), str::to_owned)
    }

    /// Forgets documents, notes, device properties, counters and attempts. Sessions and queues stay.
    pub(crate) fn forget(&self) {
        self.ledger.forget();
        self.notes.forget();
        self.devices.forget();
        self.statistics.reset();
        self.faults.forget_attempts();
    }
}

/// A running simulator. Dropping it stops it too, without waiting.
pub struct SapSimulator {
    system: Arc<System>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl SapSimulator {
    /// Starts a simulator on the present tokio runtime.
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] when the address cannot be listened on.
    #[expect(clippy::unused_async, reason = "must run inside a runtime; keeps room for steps that wait")]
    pub async fn start(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        let (gate, wanted) = (Arc::new(Gate::new()), config.listen);
        let listener = GatedListener::bind(wanted, Arc::clone(&gate));
        let listener = listener.map_err(|source| SimulatorError::Listen { address: wanted, source })?;
        let system = Arc::new(System::new(config, gate, listener.address()));
        let service = entrance::router(Arc::clone(&system)).into_make_service_with_connect_info::<Line>();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(async {
            // A dropped handle means the same as a sent word.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the simulator stopped");
            }
        });
        Ok(Self { system, stop, task })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.system.address
    }

    /// `http://address`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.system.address)
    }

    /// Everything that was really created.
    pub fn books(&self) -> Books {
        self.system.books(&Extract { limit: usize::MAX - 1, ..Extract::default() })
    }

    /// What was created with a reference.
    pub fn books_for(&self, reference: &str) -> Books {
        let reference = Some(reference.to_owned());
        self.system.books(&Extract { reference, limit: usize::MAX - 1, ..Extract::default() })
    }

    /// What was created, called and changed with this text in it: for services without a reference field.
    pub fn books_containing(&self, text: &str) -> Books {
        let contains = Some(text.to_owned());
        self.system.books(&Extract { contains, limit: usize::MAX - 1, ..Extract::default() })
    }

    /// Replaces what the rule service knows.
    pub fn set_rules(&self, rules: Vec<RuleService>) {
        self.system.rules.replace(rules);
    }

    /// Adds or replaces a destination of the destination service.
    pub fn set_destination(&self, name: &str, properties: BTreeMap<String, String>) {
        self.system.destinations.put(name, properties);
    }

    /// Binds a queue of the mesh and starts to deliver; must run inside a runtime.
    ///
    /// # Errors
    /// [`SimulatorError::Queue`] when the binding cannot be.
    pub fn bind_queue(&self, binding: QueueBinding) -> Result<(), SimulatorError> {
        self.system.mesh.bind(binding).map_err(SimulatorError::Queue)
    }

    /// Makes all access tokens invalid.
    pub fn expire_access_tokens(&self) {
        self.system.tokens.expire_all();
    }

    /// What was asked and what was answered with a fault.
    pub fn statistics(&self) -> StatisticsReport {
        self.system.statistics.report()
    }

    /// Replaces the faults and starts counting attempts afresh.
    pub fn set_faults(&self, seed: u64, profile: FaultProfile) {
        self.system.faults.replace(seed, &profile);
    }

    /// Forgets documents, counters and attempts, as `DELETE /sim/books` does.
    pub fn reset(&self) {
        self.system.forget();
    }

    /// Ends all sessions: every token is rejected from now on.
    pub fn expire_sessions(&self) {
        self.system.sessions.end_all();
    }

    /// Refuses connections for a while; connections that are open are reset at their next request.
    pub fn refuse_connections(&self, span: Duration) {
        self.system.gate.shut_for(span);
    }

    /// Stops listening, lets requests under way finish for at most two seconds.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        self.system.mesh.clear();
        let mut task = self.task;
        if tokio::time::timeout(SHUTDOWN_PATIENCE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// Runs a simulator until `until` completes.
///
/// # Errors
/// [`SimulatorError::Listen`] when the address cannot be listened on.
pub async fn serve(config: SimulatorConfig, until: impl Future<Output = ()>) -> Result<(), SimulatorError> {
    let simulator = SapSimulator::start(config).await?;
    tracing::info!(address = %simulator.address(), "the SAP simulator listens");
    until.await;
    simulator.shutdown().await;
    Ok(())
}
