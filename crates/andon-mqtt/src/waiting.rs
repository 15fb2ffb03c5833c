//! What waits for devices: noted before it is acknowledged, forgotten when its receiver has it.
//!
//! **Constraints.** What is published through [`crate::Broker::publish`] is noted for every session that outlives its
//! connection; what clients publish, only for those that are away at that moment. QoS 0 is not noted. Number and bytes
//! are limited over all sessions. Forgetting is not waited for: after a crash, a device may get again what it has.
//!
//! **Life of a message.** It gets a number, which its sender carries through RMQTT, and is noted for each of its
//! receivers in one change. The acknowledgement of a receiver, or RMQTT's word that it drops the message, forgets it for
//! that receiver; many of these are written together. What is left when the door opens is given back to the queues.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use andon_journal::{MemoryChange, MemoryEntry, MemoryError, MemoryKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use parking_lot::Mutex;
use rmqtt::codec::types::QoS;
use rmqtt::context::ServerContext;
use rmqtt::types::{ClientId, From, FromType, Id, Publish, SubRelation, SubRelations, UserName};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::Limits;
use crate::broker::OWN_NAME;
use crate::memory::{Memory, lasts, read};

/// How long to wait after what is over could not be forgotten.
const RETRY: Duration = Duration::from_secs(1);

/// Why a message was not noted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotNoted {
    #[error("too much waits for devices that are away")]
    Full,
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// What is noted.
pub(crate) struct Waiting {
    memory: Memory,
    held: Mutex<Held>,
    over: Mutex<Vec<MemoryChange>>,
    woken: Notify,
    most: usize,
    most_bytes: usize,
}

/// Bytes of each message by receiver and number, and the sums of them.
#[derive(Debug, Default)]
struct Held {
    newest: u64,
    count: usize,
    bytes: usize,
    by_client: HashMap<ClientId, BTreeMap<u64, usize>>,
}

impl Held {
    fn add(&mut self, client: &ClientId, number: u64, bytes: usize) {
        self.newest = self.newest.max(number);
        if self.by_client.entry(client.clone()).or_default().insert(number, bytes).is_none() {
            (self.count, self.bytes) = (self.count + 1, self.bytes + bytes);
        }
    }

    /// Whether it was there.
    fn remove(&mut self, client: &ClientId, number: u64) -> bool {
        let Some(own) = self.by_client.get_mut(client) else { return false };
        let Some(bytes) = own.remove(&number) else { return false };
        if own.is_empty() {
            self.by_client.remove(client);
        }
        (self.count, self.bytes) = (self.count - 1, self.bytes - bytes);
        true
    }

    fn remove_all(&mut self, client: &ClientId) {
        let own = self.by_client.remove(client).unwrap_or_default();
        self.count -= own.len();
        self.bytes -= own.values().sum::<usize>();
    }
}

impl Waiting {
    pub(crate) fn new(limits: &Limits, memory: Memory) -> Self {
        Self {
            memory,
            held: Mutex::default(),
            over: Mutex::default(),
            woken: Notify::new(),
            most: limits.waiting,
            most_bytes: limits.waiting_bytes,
        }
    }

    /// Notes a message for those receivers that must not lose it. The answer is the sender under which it is known from
    /// now on.
    pub(crate) async fn note(
        &self,
        broker: &ServerContext,
        from: From,
        publish: &Publish,
        receivers: &SubRelations,
    ) -> Result<From, NotNoted> {
        if self.memory.0.is_none() {
            return Ok(from);
        }
        let mut noted: BTreeMap<ClientId, Publish> = BTreeMap::new();
        for receiver in receivers {
            let sent = as_sent(publish, receiver);
            let client = &receiver.1;
            let better = noted.get(client).is_none_or(|other| other.qos.value() < sent.qos.value());
            if sent.qos != QoS::AtMostOnce && better && must_outlive(broker, client, &from).await {
                noted.insert(client.clone(), sent);
            }
        }
        if noted.is_empty() {
            return Ok(from);
        }
        let number = self.hold(&noted)?;
        let kept = self.keep(number, &noted).await;
        if let Err(error) = kept {
            let mut held = self.held.lock();
            noted.keys().for_each(|client| _ = held.remove(client, number));
            return Err(error.into());
        }
        Ok(numbered(&from, number))
    }

    fn hold(&self, noted: &BTreeMap<ClientId, Publish>) -> Result<u64, NotNoted> {
        let mut held = self.held.lock();
        let bytes: usize = noted.values().map(size).sum();
        if held.count + noted.len() > self.most || held.bytes + bytes > self.most_bytes {
            return Err(NotNoted::Full);
        }
        let number = held.newest + 1;
        noted.iter().for_each(|(client, publish)| held.add(client, number, size(publish)));
        Ok(number)
    }

    async fn keep(&self, number: u64, noted: &BTreeMap<ClientId, Publish>) -> Result<(), MemoryError> {
        let keep = |(client, publish): (&ClientId, &Publish)| {
            let value = form(publish).map_err(|e| MemoryError(e.to_string()))?;
            let (kind, owner, name) = (MemoryKind::Waiting, client.to_string(), name(number));
            Ok(MemoryChange::Keep(MemoryEntry { kind, owner, name, value }))
        };
        let changes: Result<Vec<_>, _> = noted.iter().map(keep).collect();
        self.memory.change(changes?).await
    }

    /// Forgets a message for one of its receivers.
    pub(crate) fn forget(&self, client: &ClientId, from: &From) {
        let Some(number) = number(from) else { return };
        if self.held.lock().remove(client, number) {
            let (kind, owner, name) = (MemoryKind::Waiting, client.to_string(), name(number));
            self.over.lock().push(MemoryChange::Forget { kind, owner, name });
            self.woken.notify_one();
        }
    }

    /// Notes that everything of a client was forgotten with its session.
    pub(crate) fn forget_all(&self, client: &ClientId) {
        self.held.lock().remove_all(client);
    }

    /// Writes what is over, for as long as it is not dropped.
    pub(crate) async fn run(&self) {
        loop {
            self.woken.notified().await;
            if let Err(error) = self.flush().await {
                tracing::error!(%error, "what devices have cannot be forgotten");
                tokio::time::sleep(RETRY).await;
                self.woken.notify_one();
            }
        }
    }

    /// Writes what is over. What cannot be written is tried again the next time.
    pub(crate) async fn flush(&self) -> Result<(), MemoryError> {
        let over = std::mem::take(&mut *self.over.lock());
        if over.is_empty() {
            return Ok(());
        }
        let written = self.memory.change(over.clone()).await;
        if written.is_err() {
            self.over.lock().extend(over);
        }
        written
    }

    /// What waits for each client, in the order in which it was published, from what was noted.
    pub(crate) fn restore(
        &self,
        broker: &ServerContext,
        entries: &[MemoryEntry],
    ) -> HashMap<ClientId, Vec<(From, Publish)>> {
        let from = From::from_admin(Id::from(broker.node.id(), ClientId::from_static(OWN_NAME)));
        let mut sorted: Vec<_> = entries.iter().filter(|entry| entry.kind == MemoryKind::Waiting).collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let mut waiting: HashMap<ClientId, Vec<_>> = HashMap::new();
        let mut held = self.held.lock();
        for entry in sorted {
            let (Ok(number), Some(publish)) = (entry.name.parse(), read::<Form>(entry).map(Form::publish)) else {
                continue;
            };
            let client = ClientId::from(entry.owner.as_str());
            held.add(&client, number, size(&publish));
            waiting.entry(client).or_default().push((numbered(&from, number), publish));
        }
        waiting
    }
}

/// Whether a session is to get a message even after a restart.
async fn must_outlive(broker: &ServerContext, client: &ClientId, from: &From) -> bool {
    let id = Id::from(broker.node.id(), client.clone());
    let Some(session) = broker.extends.shared().await.entry(id).session() else { return false };
    let is_meant = matches!(from.typ(), FromType::Admin) || !session.connected().await.unwrap_or_default();
    is_meant && session.connect_info().await.is_ok_and(|connect| lasts(&session, &connect))
}

/// The message as RMQTT sends it to a receiver.
fn as_sent(publish: &Publish, (_, _, options, identifiers, _): &SubRelation) -> Publish {
    let mut sent = publish.clone();
    sent.dup = false;
    sent.packet_id = None;
    sent.retain = publish.retain && options.retain_as_published().unwrap_or(false);
    sent.qos = publish.qos.less_value(options.qos());
    if let (Some(identifiers), Some(properties)) = (identifiers, &mut sent.properties) {
        properties.subscription_ids.clone_from(identifiers);
    }
    sent
}

fn size(publish: &Publish) -> usize {
    publish.topic.len() + publish.payload.len()
}

fn name(number: u64) -> String {
    format!("{number:020}")
}

/// The sender of a message that is noted: what clients send never comes from a bridge.
fn numbered(from: &From, number: u64) -> From {
    let id = &from.id;
    let number = UserName::from(number.to_string());
    From::from_bridge(Id::new(id.node_id, id.lid, id.local_addr, id.remote_addr, id.client_id.clone(), Some(number)))
}

fn number(from: &From) -> Option<u64> {
    let number = from.id.username.as_ref().filter(|_| matches!(from.typ(), FromType::Bridge))?;
    number.parse().ok()
}

/// How a message is remembered. The payload stands beside the rest, as RMQTT writes bytes as a list of numbers.
#[derive(Serialize, Deserialize)]
struct Form {
    v: u8,
    publish: Publish,
    payload: String,
}

impl Form {
    fn publish(self) -> Publish {
        let mut publish = self.publish;
        publish.payload = BASE64.decode(&self.payload).unwrap_or_default().into();
        publish
    }
}

fn form(publish: &Publish) -> Result<String, serde_json::Error> {
    let payload = BASE64.encode(&publish.payload);
    let mut publish = publish.clone();
    publish.payload = Bytes::new();
    serde_json::to_string(&Form { v: 1, publish, payload })
}
