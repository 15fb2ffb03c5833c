//! The MQTT door of a running Andon.
//!
//! **Life of a door.** It waits until there is a certificate authority, which the first device or `andon ca init` makes;
//! then it gets a certificate, listens, and is open until the process stops. It gets a new certificate long before the old
//! one ends, and whenever the authorities change. What hinders it is tried again and told by its state.

mod admission;
mod identity;
pub(super) mod keepers;
mod opening;
mod plan;
mod renewal;
mod telemetry;

use std::sync::Arc;

use andon_devices::door::{AwaySession, DoorState, LiveDoor, Publication, PublishError, SessionInfo};
use andon_devices::registry::Registry;
use andon_engine::Handle;
use andon_journal::{DoorMemory, ReadingLog, ReadingViews};
use andon_model::Clock;
use andon_mqtt::{Broker, MqttError};
use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::descriptors;
use crate::output::Failure;
use plan::Plan;

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
    /// Makes room for connections, checks what can be checked at once, and opens the door when there is an authority.
    pub(super) fn start(settings: &Settings, parts: DoorParts) -> Result<Arc<Self>, Failure> {
        descriptors::raise(settings);
        let mqtt = &settings.mqtt;
        let first = if mqtt.enabled { DoorState::Waiting } else { DoorState::Closed };
        let door = Arc::new(Self { now: RwLock::new(Now::Not(first)), tasks: Mutex::default() });
        telemetry::describe();
        let watched: Arc<dyn LiveDoor> = door.clone();
        let mut tasks = vec![tokio::spawn(telemetry::watch(watched, Arc::clone(&parts.views)))];
        if mqtt.enabled {
            tasks.push(tokio::spawn(opening::open(Arc::clone(&door), Plan::new(settings, parts)?)));
        }
        *door.tasks.lock() = tasks;
        Ok(door)
    }

    /// Stops listening and closes every connection.
    pub(super) async fn stop(&self) {
        let tasks: Vec<_> = self.tasks.lock().drain(..).collect();
        for task in tasks {
            task.abort();
            // It was aborted; how it ended says nothing.
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

    async fn away(&self) -> Vec<AwaySession> {
        match self.broker() {
            Some(broker) => broker.away().await,
            None => Vec::new(),
        }
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
