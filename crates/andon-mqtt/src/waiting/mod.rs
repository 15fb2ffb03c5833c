//! What waits for devices: noted before it is acknowledged, forgotten when its receiver has it.
//!
//! **Constraints.** What is published through [`crate::Broker::publish`] is noted for every session that outlives its
//! connection; what clients publish, only for those that are away at that moment. QoS 0 is not noted. Number and bytes
//! are limited over all sessions. Forgetting is not waited for: after a crash, a device may get again what it has.
//!
//! **Life of a message.** It gets a number, which its sender carries through RMQTT, and is noted for each of its
//! receivers in one change. The acknowledgement of a receiver, or RMQTT's word that it drops the message, forgets it for
//! that receiver; many of these are written together. What RMQTT loses when another connection takes a session over is
//! given back to the session. What is left when the door opens is given back to the queues.

mod form;
mod held;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use andon_journal::{MemoryChange, MemoryEntry, MemoryError, MemoryKind};
use parking_lot::Mutex;
use rmqtt::codec::types::QoS;
use rmqtt::context::ServerContext;
use rmqtt::session::Session;
use rmqtt::types::{ClientId, From, FromType, Id, Publish, SubRelations};
use tokio::sync::Notify;

use self::form::{Form, as_sent, form, name, number, numbered, size};
use self::held::{Held, Note};
use crate::Limits;
use crate::broker::OWN_NAME;
use crate::memory::{Memory, lasts, read};
use crate::takeover::{LOOK, LOOKS};

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
        if let Err(error) = self.keep(number, &noted).await {
            let mut held = self.held.lock();
            for client in noted.keys() {
                held.remove(client, number);
            }
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
        for (client, publish) in noted {
            held.add(client, number, Note { publish: publish.clone(), is_sent: false });
        }
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

    /// Notes that a message is now handed to RMQTT for a receiver.
    pub(crate) fn send(&self, client: &ClientId, from: &From) {
        if let Some(number) = number(from) {
            self.held.lock().send(client, number);
        }
    }

    /// What RMQTT has lost of what it was handed for a client, given the senders of what it still has.
    pub(crate) fn lost<'a>(
        &self,
        broker: &ServerContext,
        client: &ClientId,
        known: impl Iterator<Item = &'a From>,
    ) -> Vec<(From, Publish)> {
        let known: BTreeSet<u64> = known.filter_map(number).collect();
        let held = self.held.lock();
        let lost = held.sent(client).filter(|(number, _)| !known.contains(number));
        lost.map(|(number, publish)| (numbered(&own_name(broker), number), publish.clone())).collect()
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
        let from = own_name(broker);
        let mut sorted: Vec<_> = entries.iter().filter(|entry| entry.kind == MemoryKind::Waiting).collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        let mut waiting: HashMap<ClientId, Vec<_>> = HashMap::new();
        let mut held = self.held.lock();
        for entry in sorted {
            let (Ok(number), Some(publish)) = (entry.name.parse(), read::<Form>(entry).map(Form::publish)) else {
                continue;
            };
            let client = ClientId::from(entry.owner.as_str());
            held.add(&client, number, Note { publish: publish.clone(), is_sent: true });
            waiting.entry(client).or_default().push((numbered(&from, number), publish));
        }
        waiting
    }
}

/// The session of a client that subscribes to something: there is none only while one connection follows another.
async fn session(broker: &ServerContext, client: &ClientId) -> Option<Session> {
    for _ in 0..LOOKS {
        let id = Id::from(broker.node.id(), client.clone());
        let session = broker.extends.shared().await.entry(id).session();
        if session.is_some() {
            return session;
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

/// Whether a message is noted, from its sender.
pub(crate) fn is_noted(from: &From) -> bool {
    number(from).is_some()
}

/// Whether a message is noted and was published after another one, from their senders.
pub(crate) fn is_after(from: &From, other: &From) -> bool {
    number(from).is_some_and(|later| number(other).is_some_and(|number| later > number))
}

fn own_name(broker: &ServerContext) -> From {
    From::from_admin(Id::from(broker.node.id(), ClientId::from_static(OWN_NAME)))
}

/// Whether a session is to get a message even after a restart.
async fn must_outlive(broker: &ServerContext, client: &ClientId, from: &From) -> bool {
    let Some(session) = session(broker, client).await else { return false };
    let is_meant = matches!(from.typ(), FromType::Admin) || !session.connected().await.unwrap_or_default();
    is_meant && session.connect_info().await.is_ok_and(|connect| lasts(&session, &connect))
}
