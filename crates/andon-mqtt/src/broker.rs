//! The broker: opens the door, publishes to devices, and tells who is there.

use std::net::SocketAddr;
use std::sync::Arc;

use andon_devices::door::{Admission, AwaySession, Publication, SessionInfo};
use andon_devices::policy::{Policy, check_topic};
use andon_journal::{DoorMemory, MemoryEntry, MemoryKind};
use andon_model::{Clock, Timestamp};
use parking_lot::Mutex;
use rmqtt::codec::types::{Publish as PublishPacket, QoS};
use rmqtt::codec::v5::PublishProperties;
use rmqtt::context::ServerContext;
use rmqtt::session::Session;
use rmqtt::shared::DefaultShared;
use rmqtt::types::{ClientId, From, Id, Publish, Retain};
use tokio::task::JoinHandle;

use crate::bucket::Buckets;
use crate::doorway::{Bound, Doorway};
use crate::fitting::Terms;
use crate::hooks::{Door, register};
use crate::memory::{Memory, restore};
use crate::repeats::Repeats;
use crate::retained::{Handed, Retained};
use crate::seat::{Guest, Seat};
use crate::seats::Seats;
use crate::sessions::{Sessions, receivers};
use crate::shared::InTurn;
use crate::waiting::{NotNoted, Waiting};
use crate::{BrokerSettings, Lanes, MqttError, ServerIdentity, Transport, threshold, watch};

/// Under what name the broker itself publishes.
pub(crate) const OWN_NAME: &str = "andon";

/// What the broker asks and tells.
pub struct Ports {
    /// Who may come in.
    pub admission: Arc<dyn Admission>,
    /// What keeps what they send.
    pub lanes: Lanes,
    /// What programs on this machine may do that come in by a plain listener; without it there may be none.
    pub local: Option<Policy>,
    /// What sessions and retained payloads outlive the process in; without it they do not.
    pub memory: Option<Arc<dyn DoorMemory>>,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

/// A running broker. Dropping it stops listening and lets nobody do anything any more; [`Broker::stop`] says goodbye.
pub struct Broker {
    scx: ServerContext,
    door: Arc<Door>,
    addresses: Vec<SocketAddr>,
    doorways: Mutex<Vec<Doorway>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Broker {
    /// Binds the listeners and opens the door. Must be called within a runtime of several threads.
    pub async fn start(settings: BrokerSettings, ports: Ports) -> Result<Self, MqttError> {
        let BrokerSettings { listeners, identity, limits } = settings;
        if ports.local.is_none() && listeners.iter().any(|listener| listener.transport == Transport::Plain) {
            return Err(MqttError::NoLocalPolicy);
        }
        let Ports { admission, lanes, local, memory, clock } = ports;
        let memory = Memory(memory);
        let entries = memory.load().await?;
        let waiting = Arc::new(Waiting::new(&limits, memory.clone()));
        let (seats, repeats) = (Arc::new(Seats::default()), Repeats::new(limits.in_flight));
        let retained = Arc::new(Retained::new(&limits, memory.clone()));
        let numbered = (1..).zip(&listeners);
        let plain = numbered.filter(|(_, listener)| listener.transport == Transport::Plain).map(|(number, _)| number);
        let plain = plain.collect();
        let buckets = Buckets::new(limits.publish_rate, limits.publish_burst);
        let door =
            Door { admission, lanes, local, memory, clock, limits, seats, buckets, waiting, repeats, retained, plain };
        let scx = context(&door, &entries).await?;
        let door = Arc::new(door);
        register(&scx, &door).await;
        let mark = door.admission.newest_change().await?;
        let bind = |(number, listener)| Bound::new(&scx, number, listener, identity.as_ref(), &door.limits);
        let bound: Vec<Bound> = (1..).zip(listeners).map(bind).collect::<Result<_, _>>()?;
        restore(&scx, &door, &entries).await?;
        let doorways: Vec<_> = bound.into_iter().map(Bound::open).collect();
        let addresses: Vec<_> = doorways.iter().map(Doorway::address).collect();
        let watch = watch::run(scx.clone(), door.clone(), mark);
        let threshold = threshold::run(door.clone(), addresses.clone());
        let waiting = door.waiting.clone();
        let forget = async move { waiting.run().await };
        let tasks = vec![tokio::spawn(watch), tokio::spawn(threshold), tokio::spawn(forget)];
        Ok(Self { scx, door, addresses, doorways: Mutex::new(doorways), tasks })
    }

    /// Shows another certificate, and trusts other authorities, from now on. Connections that exist go on; those of
    /// devices that the registry no longer admits are closed by the registry's word alone. When one listener cannot
    /// take the identity, all stay as they are.
    pub async fn renew(&self, identity: &ServerIdentity) -> Result<(), MqttError> {
        let old = {
            let mut doorways = self.doorways.lock();
            let renewed = doorways.iter().map(|doorway| doorway.renewed(identity, &self.door.limits));
            let renewed: Vec<_> = renewed.collect::<Result<_, _>>()?;
            let both = doorways.iter_mut().zip(renewed);
            let replaced = both.filter_map(|(doorway, new)| new.map(|new| doorway.replace(&self.scx, new)));
            replaced.collect::<Vec<_>>()
        };
        for task in old {
            // It was told to end, and that is how it ends.
            let _ = task.await;
        }
        Ok(())
    }

    /// Stops listening and closes every connection.
    pub async fn stop(self) {
        self.abort();
        for seat in self.door.seats.all() {
            watch::close(&self.scx, &seat, "the broker stops").await;
        }
        if let Err(error) = self.door.waiting.flush().await {
            tracing::error!(%error, "devices may get again what they have");
        }
        let doorways = std::mem::take(&mut *self.doorways.lock());
        for doorway in doorways {
            doorway.closed().await;
        }
    }

    fn abort(&self) {
        self.doorways.lock().iter().for_each(Doorway::close);
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Where it listens, in the order of the settings.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Publishes to devices. What waits for a session that outlives its connection is durable when this answers, unless
    /// it is of QoS 0. The answer is how many sessions subscribe to it, those of disconnected devices
    /// included and every member of a shared subscription counted; each delivery asks the receiver's policies.
    pub async fn publish(&self, command: Publication) -> Result<usize, MqttError> {
        let limit = self.door.limits.packet_bytes as usize;
        if command.payload.len() > limit {
            return Err(MqttError::TooLarge { bytes: command.payload.len(), limit });
        }
        if let Err(why) = check_topic(&command.topic) {
            return Err(MqttError::Topic { topic: command.topic, why: why.to_string() });
        }
        let publish = packet(command, self.door.clock.now());
        let from = From::from_admin(Id::from(self.scx.node.id(), ClientId::from_static(OWN_NAME)));
        let receivers = receivers(&self.scx, &from, &publish).await;
        let noted = self.door.waiting.note(&self.scx, from, &publish, &receivers).await;
        let from = noted.map_err(|error| match error {
            NotNoted::Full => MqttError::Full { topic: publish.topic.to_string() },
            NotNoted::Memory(error) => error.into(),
        })?;
        if let Err(error) = self.retain(&from, &publish).await {
            for receiver in &receivers {
                self.door.waiting.forget(&receiver.1, &from);
            }
            return Err(error);
        }
        match self.scx.extends.shared().await.forwards_to(from, &publish, receivers, None).await {
            Ok(to) | Err((to, _)) => Ok(to.len()),
        }
    }

    async fn retain(&self, from: &From, publish: &Publish) -> Result<(), MqttError> {
        if !publish.retain {
            return Ok(());
        }
        let retain = Retain { msg_id: None, from: from.clone(), publish: publish.clone() };
        let kept = self.scx.extends.retain().await.set(&publish.topic, retain, None).await;
        kept.map_err(|e| MqttError::Broker(format!("{e:#}")))
    }

    /// Who is connected, in the order of their client ids.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        let connected = self.door.seats.all().into_iter().filter(|seat| seat.is_connected() && !seat.is_closed());
        let mut sessions: Vec<_> = connected.map(|seat| info(&seat)).collect();
        sessions.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        sessions
    }

    /// The sessions of those who are away, in the order of their client ids.
    pub async fn away(&self) -> Vec<AwaySession> {
        let shared = self.scx.extends.shared().await;
        let is_away = |session: &Session| self.door.seats.connected(&session.id.client_id).is_none();
        let sessions: Vec<_> = shared.iter().filter_map(|entry| entry.session()).filter(is_away).collect();
        let mut away = Vec::with_capacity(sessions.len());
        for session in &sessions {
            away.push(away_info(session).await);
        }
        away.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        away
    }

    /// Ends the connection of a client and, if `forget`, its session with all that waits in it, also where the client is
    /// away. Whether there was anything to end.
    pub async fn kick(&self, client_id: &str, forget: bool) -> bool {
        let seats = self.door.seats.all().into_iter();
        let meant: Vec<_> = seats.filter(|seat| *seat.id.client_id == *client_id && seat.is_connected()).collect();
        for seat in &meant {
            if forget {
                watch::evict(&self.scx, seat, "an operator wished so").await;
            } else {
                watch::close(&self.scx, seat, "an operator wished so").await;
            }
        }
        if meant.is_empty() && forget {
            watch::forget_away(&self.scx, &self.door, client_id).await
        } else {
            !meant.is_empty()
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.abort();
        self.door.seats.all().iter().for_each(|seat| seat.close());
    }
}

/// RMQTT with the parts of it that are ours.
async fn context(door: &Door, entries: &[MemoryEntry]) -> Result<ServerContext, MqttError> {
    let limits = &door.limits;
    let sessions = isize::try_from(limits.sessions).unwrap_or(isize::MAX);
    let scx = ServerContext::new().busy_check_enable(false).mqtt_max_sessions(sessions).build().await;
    let remembered = entries.iter().filter(|entry| entry.kind == MemoryKind::Retained);
    door.retained.restore(remembered, door.clock.now()).await.map_err(|e| MqttError::Broker(format!("{e:#}")))?;
    let sessions = Sessions {
        inner: Box::new(DefaultShared::new(Some(scx.clone()))),
        broker: scx.clone(),
        waiting: door.waiting.clone(),
        seats: door.seats.clone(),
        most_handed: 2 * limits.queue,
    };
    *scx.extends.shared_mut().await = Box::new(sessions);
    *scx.extends.fitter_mgr_mut().await = Box::new(Terms);
    *scx.extends.retain_mut().await = Box::new(Handed(door.retained.clone()));
    *scx.extends.shared_subscription_mut().await = Box::new(InTurn::default());
    Ok(scx)
}

fn packet(command: Publication, now: Timestamp) -> Publish {
    let packet = PublishPacket {
        dup: false,
        retain: command.retain,
        qos: match command.qos {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        },
        topic: command.topic.into(),
        packet_id: None,
        payload: command.payload,
        properties: Some(PublishProperties::default()),
    };
    Publish::from(packet).create_time(now.as_millis())
}

async fn away_info(session: &Session) -> AwaySession {
    let connect = session.connect_info().await.ok();
    let left = session.disconnected_at().await.ok().filter(|millis| *millis > 0);
    let on_their_way = session.out_inflight().read().await.len();
    AwaySession {
        client_id: session.id.client_id.to_string(),
        protocol: connect.map_or(4, |connect| connect.proto_ver()),
        since: left.map(|millis| Timestamp::from_micros(millis.saturating_mul(1_000))),
        waiting: session.deliver_queue().len() + on_their_way,
    }
}

fn info(seat: &Seat) -> SessionInfo {
    let certificate = match &seat.guest {
        Guest::Device { certificate, .. } => Some(certificate.clone()),
        Guest::Local => None,
    };
    SessionInfo {
        client_id: seat.id.client_id.to_string(),
        device: seat.device.clone(),
        certificate,
        source: seat.source(),
        protocol: seat.protocol,
        since: seat.since,
    }
}
