//! Sessions that survive a restart: what is noted of them, and how they come back.
//!
//! **Constraints.** A session and its subscriptions are noted before CONNACK and SUBACK; what waits for it is noted by
//! [`crate::waiting`]. Its will is not: whether its client said goodbye cannot be told any more.
//!
//! **Life of a session.** CONNECT that asks for a session notes it; SUBSCRIBE and UNSUBSCRIBE change what is noted, and
//! DISCONNECT how long it is kept; its end forgets it. When the door opens, each one that is still admitted is given back to RMQTT as that of a client that
//! is away, for as long as a session is kept.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use andon_journal::{DoorMemory, MemoryChange, MemoryEntry, MemoryError, MemoryKind};
use rmqtt::context::ServerContext;
use rmqtt::session::{Session, SessionState};
use rmqtt::types::{
    ConnectInfo, Disconnect, DisconnectInfo, From, Id, ListenerConfig, Message, Publish, SessionSubMap, SessionSubs,
    Subscribe, SubscriptionOptions, TopicFilter,
};

use crate::MqttError;
use crate::hooks::{Door, visitor};
use crate::watch::is_known;

/// The memory of a door; without one, everything is forgotten.
#[derive(Clone)]
pub(crate) struct Memory(pub Option<Arc<dyn DoorMemory>>);

impl Memory {
    pub(crate) async fn change(&self, changes: Vec<MemoryChange>) -> Result<(), MemoryError> {
        match &self.0 {
            Some(memory) => memory.change(changes).await,
            None => Ok(()),
        }
    }

    /// Notes a session that begins or goes on, or that there is none any more.
    pub(crate) async fn connected(&self, session: &Session) -> Result<(), MemoryError> {
        let client = session.id.client_id.to_string();
        let Ok(connect) = session.connect_info().await else { return Ok(()) };
        let goes_on = session.session_present().await.unwrap_or_default();
        let mut changes = Vec::new();
        if !goes_on {
            changes.push(MemoryChange::ForgetClient(client.clone()));
        }
        if lasts(session, &connect) {
            changes.push(keep(MemoryKind::Session, client, String::new(), &without_will(&connect))?);
        }
        self.change(changes).await
    }

    /// Notes how long a session is kept where its client said so anew, with the DISCONNECT of MQTT 5. One that was to end
    /// with its connection stays so: MQTT 5, section 3.14.2.2.2.
    pub(crate) async fn parted(&self, session: &Session) -> Result<(), MemoryError> {
        let Ok(Some(Disconnect::V5(said))) = session.disconnect().await else { return Ok(()) };
        let Some(seconds) = said.session_expiry_interval_secs.filter(|seconds| *seconds > 0) else { return Ok(()) };
        let Ok(connect) = session.connect_info().await else { return Ok(()) };
        let mut connect = without_will(&connect);
        let ConnectInfo::V5(_, packet) = &mut connect else { return Ok(()) };
        if packet.session_expiry_interval_secs == 0 {
            return Ok(());
        }
        packet.session_expiry_interval_secs = seconds;
        let client = session.id.client_id.to_string();
        self.change(vec![keep(MemoryKind::Session, client, String::new(), &connect)?]).await
    }

    /// Notes a subscription.
    pub(crate) async fn subscribed(&self, session: &Session, subscribe: &Subscribe) -> Result<(), MemoryError> {
        let Ok(connect) = session.connect_info().await else { return Ok(()) };
        if !lasts(session, &connect) {
            return Ok(());
        }
        let (client, filter) = (session.id.client_id.to_string(), subscribe.topic_filter.to_string());
        self.change(vec![keep(MemoryKind::Subscription, client, filter, &subscribe.opts)?]).await
    }

    /// Forgets a subscription.
    pub(crate) async fn unsubscribed(&self, id: &Id, filter: &str) -> Result<(), MemoryError> {
        let (owner, name) = (id.client_id.to_string(), filter.to_owned());
        self.change(vec![MemoryChange::Forget { kind: MemoryKind::Subscription, owner, name }]).await
    }

    /// Forgets a session that has ended.
    pub(crate) async fn ended(&self, session: &Session) -> Result<(), MemoryError> {
        let lasted = session.connect_info().await.is_ok_and(|connect| lasts(session, &connect));
        let client = session.id.client_id.to_string();
        if lasted { self.change(vec![MemoryChange::ForgetClient(client)]).await } else { Ok(()) }
    }

    /// Keeps or forgets what is retained at a topic.
    pub(crate) async fn retained(&self, topic: &str, value: Option<String>) -> Result<(), MemoryError> {
        let (kind, owner, name) = (MemoryKind::Retained, String::new(), topic.to_owned());
        let change = match value {
            Some(value) => MemoryChange::Keep(MemoryEntry { kind, owner, name, value }),
            None => MemoryChange::Forget { kind, owner, name },
        };
        self.change(vec![change]).await
    }

    /// Everything that was noted.
    pub(crate) async fn load(&self) -> Result<Vec<MemoryEntry>, MemoryError> {
        match &self.0 {
            Some(memory) => memory.load().await,
            None => Ok(Vec::new()),
        }
    }
}

/// Whether a session outlives its connection.
pub(crate) fn lasts(session: &Session, connect: &ConnectInfo) -> bool {
    match connect {
        ConnectInfo::V3(_, connect) => !connect.clean_session,
        ConnectInfo::V5(..) => !session.fitter.session_expiry_interval(None).is_zero(),
    }
}

fn without_will(connect: &ConnectInfo) -> ConnectInfo {
    let mut connect = connect.clone();
    match &mut connect {
        ConnectInfo::V3(_, connect) => (connect.last_will, connect.password) = (None, None),
        ConnectInfo::V5(_, connect) => (connect.last_will, connect.password) = (None, None),
    }
    connect
}

fn keep(
    kind: MemoryKind,
    owner: String,
    name: String,
    value: &impl serde::Serialize,
) -> Result<MemoryChange, MemoryError> {
    let value = serde_json::to_string(value).map_err(|e| MemoryError(e.to_string()))?;
    Ok(MemoryChange::Keep(MemoryEntry { kind, owner, name, value }))
}

/// Gives the noted sessions back to RMQTT. What cannot be read any more is left out, and said; what belongs to a session
/// that does not come back is forgotten.
pub(crate) async fn restore(broker: &ServerContext, door: &Door, entries: &[MemoryEntry]) -> Result<(), MqttError> {
    let mut subscriptions: HashMap<&str, SessionSubMap> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.kind == MemoryKind::Subscription) {
        if let Some(options) = read::<SubscriptionOptions>(entry) {
            let filter = TopicFilter::from(entry.name.as_str());
            subscriptions.entry(&entry.owner).or_default().insert(filter, options);
        }
    }
    let mut waiting = door.waiting.restore(broker, entries);
    let mut gone: BTreeSet<&str> =
        entries.iter().map(|entry| &*entry.owner).filter(|owner| !owner.is_empty()).collect();
    for entry in entries.iter().filter(|entry| entry.kind == MemoryKind::Session) {
        let Some(connect) = read::<ConnectInfo>(entry) else { continue };
        let Some(admitted) = is_admitted(door, &connect).await? else {
            // It stays noted, and may come back when the door opens the next time.
            gone.remove(entry.owner.as_str());
            continue;
        };
        if admitted {
            let filters = subscriptions.remove(entry.owner.as_str()).unwrap_or_default();
            let messages = waiting.remove(connect.client_id()).unwrap_or_default();
            let back = bring_back(broker, connect, filters, messages).await;
            back.map_err(|e| MqttError::Broker(format!("{e:#}")))?;
            gone.remove(entry.owner.as_str());
        }
    }
    for client in waiting.keys() {
        door.waiting.forget_all(client);
    }
    let forget = gone.into_iter().map(|owner| MemoryChange::ForgetClient(owner.to_owned())).collect();
    Ok(door.memory.change(forget).await?)
}

/// An entry as what it is; nothing where an earlier version wrote it in another form.
pub(crate) fn read<T: serde::de::DeserializeOwned>(entry: &MemoryEntry) -> Option<T> {
    let read = serde_json::from_str(&entry.value);
    read.inspect_err(|error| {
        let (kind, owner, name) = (entry.kind.word(), &entry.owner, &entry.name);
        tracing::warn!(kind, owner, name, %error, "cannot be read any more");
    })
    .ok()
}

/// Whether the owner of a session may still come in; nothing where that cannot be told of this one. Only a registry that
/// answers nothing is a failure.
async fn is_admitted(door: &Door, connect: &ConnectInfo) -> Result<Option<bool>, MqttError> {
    let Some(certificate) = connect.cert() else { return Ok(Some(door.local.is_some())) };
    let Some(visitor) = visitor(connect.id(), certificate) else { return Ok(Some(false)) };
    match is_known(door, &visitor).await {
        Ok(known) => Ok(Some(known)),
        Err(error) => {
            door.admission.newest_change().await?;
            let client = connect.client_id();
            tracing::error!(%client, %error, "a session is left out: its device cannot be looked up");
            Ok(None)
        }
    }
}

async fn bring_back(
    broker: &ServerContext,
    connect: ConnectInfo,
    filters: SessionSubMap,
    messages: Vec<(From, Publish)>,
) -> rmqtt::Result<()> {
    let id = connect.id().clone();
    let Some(listener) = listener(broker, &id) else { return Ok(()) };
    let connect = Arc::new(connect);
    let fitter = broker.extends.fitter_mgr().await.create(connect.clone(), id.clone(), listener.clone());
    let lasts = fitter.session_expiry_interval(None);
    let (queue, in_flight) = (fitter.max_mqueue_len(), fitter.max_inflight());
    let away = Some(DisconnectInfo::new(id.create_time));
    let session = Session::new(
        id.clone(),
        broker.clone(),
        queue,
        listener,
        fitter,
        None,
        in_flight,
        id.create_time,
        connect,
        false,
        false,
        false,
        id.create_time,
        SessionSubs::from(filters.clone()),
        away,
        None,
    )
    .await?;
    let sender = SessionState::offline_restart(session.clone(), lasts).await?;
    for (from, publish) in messages {
        sender.unbounded_send(Message::Forward(from, publish)).map_err(|e| rmqtt::Error::msg(e.to_string()))?;
    }
    broker.extends.shared().await.entry(id.clone()).set(session, sender).await?;
    for (filter, options) in filters {
        broker.extends.router().await.add(&filter, id.clone(), options).await?;
    }
    Ok(())
}

/// The listener by which the client came, or another one: limits are the same for all.
fn listener(broker: &ServerContext, id: &Id) -> Option<ListenerConfig> {
    let same = broker.listen_cfgs.get(&id.lid).map(|listener| listener.value().clone());
    same.or_else(|| broker.listen_cfgs.iter().next().map(|listener| listener.value().clone()))
}
