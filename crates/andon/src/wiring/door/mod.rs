//! The MQTT door of a running Andon.
//!
//! **Life of a door.** It waits until there is a certificate authority, which the first device or `andon ca init` makes;
//! then it gets a certificate, which it renews, listens, and is open until the process stops. What hinders it is tried
//! again and told by its state.

mod admission;
mod identity;
pub(super) mod keepers;
mod renewal;
mod telemetry;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use andon_devices::door::{DoorState, LiveDoor, Publication, PublishError, SessionInfo};
use andon_devices::policy::{DefaultPolicies, Policy, TopicPrefix};
use andon_devices::registry::Registry;
use andon_engine::Handle;
use andon_journal::{DoorMemory, ReadingLog, ReadingViews};
use andon_model::{Clock, Code, Name, Problem};
use andon_mqtt::{Broker, BrokerSettings, Lanes, ListenerSettings, MqttError, Ports, Routes, Transport};
use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use tokio::task::JoinHandle;

use crate::config::{Mqtt, Settings};
use crate::output::{FREE_THE_ADDRESS, Failure};
use crate::scenario::local;
use admission::ByRegistry;
use identity::Issuer;
use keepers::Counted;
use renewal::Shown;
use telemetry::AdmissionCounters;

/// How long the door waits before it looks again for an authority, or tries again to listen.
const AGAIN: Duration = Duration::from_millis(250);

/// What the door works with.
pub(super) struct DoorParts {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) memory: Arc<dyn DoorMemory>,
    pub(super) readings: Arc<dyn ReadingLog>,
    pub(super) views: Arc<dyn ReadingViews>,
    pub(super) handle: Handle,
    pub(super) clock: Arc<dyn Clock>,
}

/// The door, from before it opens until it is closed.
pub(super) struct Door {
    now: RwLock<Now>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

enum Now {
    Not(DoorState),
    Open(Arc<Broker>, Vec<String>),
}

impl Door {
    /// Checks what can be checked at once, and opens the door when there is an authority.
    pub(super) fn start(settings: &Settings, parts: DoorParts) -> Result<Arc<Self>, Failure> {
        let mqtt = &settings.mqtt;
        let first = if mqtt.enabled { DoorState::Waiting } else { DoorState::Closed };
        let door = Arc::new(Self { now: RwLock::new(Now::Not(first)), tasks: Mutex::default() });
        telemetry::describe();
        let watched: Arc<dyn LiveDoor> = door.clone();
        let mut tasks = vec![tokio::spawn(telemetry::watch(watched, Arc::clone(&parts.views)))];
        if mqtt.enabled {
            tasks.push(tokio::spawn(open(Arc::clone(&door), Plan::new(settings, parts)?)));
        }
        *door.tasks.lock() = tasks;
        Ok(door)
    }

    /// Stops listening and closes every connection.
    pub(super) async fn stop(&self) {
        let tasks: Vec<_> = self.tasks.lock().drain(..).collect();
        for task in tasks {
            task.abort();
            // It was told to end, and that is how it ends; until then, it may have the broker in hand.
            let _ = task.await;
        }
        let before = std::mem::replace(&mut *self.now.write(), Now::Not(DoorState::Closed));
        if let Now::Open(broker, _) = before
            && let Some(broker) = Arc::into_inner(broker)
        {
            broker.stop().await;
        }
    }

    fn broker(&self) -> Option<Arc<Broker>> {
        match &*self.now.read() {
            Now::Open(broker, _) => Some(Arc::clone(broker)),
            Now::Not(_) => None,
        }
    }
}

#[async_trait]
impl LiveDoor for Door {
    fn state(&self) -> DoorState {
        match &*self.now.read() {
            Now::Open(_, places) => DoorState::Open(places.clone()),
            Now::Not(state) => state.clone(),
        }
    }

    fn sessions(&self) -> Vec<SessionInfo> {
        self.broker().map(|broker| broker.sessions()).unwrap_or_default()
    }

    async fn kick(&self, client_id: &str, forget: bool) -> bool {
        match self.broker() {
            Some(broker) => broker.kick(client_id, forget).await,
            None => false,
        }
    }

    async fn publish(&self, publication: Publication) -> Result<usize, PublishError> {
        let closed = || PublishError::Unavailable("the MQTT door is not open".to_owned());
        let broker = self.broker().ok_or_else(closed)?;
        broker.publish(publication).await.map_err(|error| match error {
            MqttError::Topic { .. } | MqttError::TooLarge { .. } => PublishError::Unfit(error.to_string()),
            other => PublishError::Unavailable(other.to_string()),
        })
    }
}

/// Everything that opening takes, checked.
struct Plan {
    issuer: Issuer,
    listeners: Vec<ListenerSettings>,
    limits: andon_mqtt::Limits,
    lanes: Lanes,
    local: Option<Policy>,
    defaults: DefaultPolicies,
    parts: DoorParts,
}

impl Plan {
    fn new(settings: &Settings, parts: DoorParts) -> Result<Self, Failure> {
        let mqtt = &settings.mqtt;
        let listeners = listeners(mqtt);
        listeners.iter().try_for_each(|listener| free(listener.address))?;
        let devices = &settings.devices;
        let defaults = DefaultPolicies {
            root: prefix(&devices.root_topic, "devices.root_topic")?,
            commands: prefix(&devices.command_topic, "devices.command_topic")?,
        };
        let issuer = Issuer {
            registry: Arc::clone(&parts.registry),
            clock: Arc::clone(&parts.clock),
            endpoint: devices.endpoint.clone(),
            listening: listeners.iter().map(|listener| listener.address.ip()).collect(),
        };
        let lanes = lanes(&devices.root_topic, mqtt, &parts)?;
        Ok(Self { issuer, listeners, limits: mqtt.limits.clone(), lanes, local: local_policy(mqtt)?, defaults, parts })
    }

    /// `None` while there is no authority.
    async fn try_open(&self) -> Result<Option<(Broker, Shown)>, Problem> {
        let Some(identity) = self.issuer.issue().await? else { return Ok(None) };
        let shown = Shown::new(&identity, self.parts.clock.as_ref());
        let settings =
            BrokerSettings { listeners: self.listeners.clone(), identity: Some(identity), limits: self.limits.clone() };
        let (registry, defaults) = (Arc::clone(&self.parts.registry), self.defaults.clone());
        let ports = Ports {
            admission: Arc::new(ByRegistry { registry, defaults, counters: AdmissionCounters::new() }),
            lanes: self.lanes.clone(),
            local: self.local.clone(),
            memory: Some(Arc::clone(&self.parts.memory)),
            clock: Arc::clone(&self.parts.clock),
        };
        let opened = Broker::start(settings, ports).await;
        opened.map(|broker| Some((broker, shown))).map_err(|error| Problem::new(Code::Setting, error.to_string()))
    }

    fn places(&self, addresses: &[SocketAddr]) -> Vec<String> {
        let scheme = |transport| match transport {
            Transport::Tls => "mqtts",
            Transport::WebSocketTls => "wss",
            Transport::Plain => "mqtt",
        };
        let listening = self.listeners.iter().zip(addresses);
        listening.map(|(listener, address)| format!("{}://{address}", scheme(listener.transport))).collect()
    }
}

async fn open(door: Arc<Door>, plan: Plan) {
    let mut told = None;
    loop {
        match plan.try_open().await {
            Ok(Some((broker, shown))) => {
                let broker = Arc::new(broker);
                let places = plan.places(broker.addresses());
                tracing::info!(places = places.join(", "), "devices may come in by MQTT");
                *door.now.write() = Now::Open(Arc::clone(&broker), places);
                return renewal::run(&broker, &plan.issuer, shown).await;
            }
            Ok(None) => {}
            Err(problem) => {
                if told.as_ref() != Some(&problem) {
                    tracing::error!(%problem, "the MQTT door cannot be opened");
                    *door.now.write() = Now::Not(DoorState::Failing(problem.to_string()));
                    told = Some(problem);
                }
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn listeners(mqtt: &Mqtt) -> Vec<ListenerSettings> {
    let at = |address: Option<SocketAddr>, transport| address.map(|address| ListenerSettings { address, transport });
    [
        at(Some(mqtt.listen), Transport::Tls),
        at(mqtt.websocket, Transport::WebSocketTls),
        at(mqtt.plain, Transport::Plain),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether somebody listens there already: better told at the start than when the first device comes.
fn free(address: SocketAddr) -> Result<(), Failure> {
    let bound = TcpListener::bind(address).map(drop);
    bound.map_err(|error| {
        let failure = Failure::new(Code::Setting, format!("cannot listen on {address}: {error}"));
        failure.at("[mqtt]").remedy(FREE_THE_ADDRESS)
    })
}

fn prefix(text: &str, key: &str) -> Result<TopicPrefix, Failure> {
    TopicPrefix::new(text).ok_or_else(|| Failure::new(Code::Setting, format!("{text:?} is not a root topic")).at(key))
}

fn lanes(root: &str, mqtt: &Mqtt, parts: &DoorParts) -> Result<Lanes, Failure> {
    let sources: Vec<(String, Name)> = mqtt.events.iter().map(|(f, source)| (f.clone(), source.clone())).collect();
    let filters = sources.iter().map(|(filter, _)| filter.clone()).collect();
    let routes = Routes::new(root, filters);
    let routes = routes.map_err(|error| Failure::new(Code::Setting, error.to_string()).at("[mqtt.events]"))?;
    Ok(Lanes {
        routes,
        readings: Arc::new(Counted::new(keepers::Readings(Arc::clone(&parts.readings)), "readings")),
        events: Arc::new(Counted::new(keepers::Events { handle: parts.handle.clone(), sources }, "events")),
    })
}

/// What programs may do that come in by the plain listener.
fn local_policy(mqtt: &Mqtt) -> Result<Option<Policy>, Failure> {
    let wrong = |text: String| Failure::new(Code::Setting, text).at("mqtt.plain_policy");
    match (&mqtt.plain, &mqtt.plain_policy) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(wrong("a plain listener needs a policy: name a file".to_owned())),
        (Some(_), Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
            Policy::parse(&text).map(Some).map_err(|error| wrong(error.to_string()))
        }
    }
}
