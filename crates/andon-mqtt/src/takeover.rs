//! Takeover: a client connects while RMQTT still holds its session.
//!
//! RMQTT asks the old session to leave. One that is just ending for good no longer answers, and RMQTT would turn the
//! new connection away: a device that reconnects quickly would be refused for no reason that it could know. Here the
//! question is asked once more after the old session is gone. It would be turned away as well while another connection
//! with its client id is just shaking hands: here it waits for that one. What was on its way to the old connection is put in the
//! order in which it was sent, as RMQTT takes it from the end.
//!
//! What is forwarded passes here as well: it is noted for those who must not lose it, and not handed to a client that
//! has too much in hand already. All else is handed through.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::session::Session;
use rmqtt::shared::{Entry, RetainLoadCallback, Shared};
use rmqtt::types::{
    ClientId, ForwardedCount, ForwardedRecipients, From, Id, IsAdmin, MsgID, NodeId, OfflineSession, Publish, Reason,
    SessionStatus, SubRelations, SubRelationsMap, SubsSearchParams, SubsSearchResult, Subscribe, SubscribeReturn, To,
    TopicFilter, Tx, Unsubscribe,
};

use crate::seats::Seats;
use crate::waiting::Waiting;

/// How often to look whether a session that no longer answers is gone, or another connection has come in, and how many
/// times.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: usize = 400;

/// The sessions of a broker.
pub(crate) struct Sessions {
    /// RMQTT's own.
    pub inner: Box<dyn Shared>,
    /// The broker.
    pub broker: ServerContext,
    /// Notes what must not be lost.
    pub waiting: Arc<Waiting>,
    /// Who is connected.
    pub seats: Arc<Seats>,
    /// Messages that may be handed over for a client before it takes any. RMQTT's way to a session has no end.
    pub most_handed: usize,
}

/// Who subscribes to what is published.
pub(crate) async fn receivers(broker: &ServerContext, from: &From, publish: &Publish) -> SubRelations {
    let found = broker.extends.router().await.matches(from.id.clone(), &publish.topic).await;
    match found {
        Ok(mut found) => found.remove(&broker.node.id()).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(topic = %publish.topic, %error, "nobody can be found who subscribes to it");
            SubRelations::new()
        }
    }
}

impl Sessions {
    /// Whether there is room for one more message on the way to a client.
    fn has_room(&self, client: &ClientId, from: &From, publish: &Publish) -> bool {
        let room = self.seats.connected(client).is_none_or(|seat| seat.hand(self.most_handed));
        if !room {
            tracing::warn!(%client, topic = %publish.topic, "a message was dropped: its receiver does not keep up");
            self.waiting.forget(client, from);
        }
        room
    }
}

/// The session of one client.
struct Place(Box<dyn Entry>);

impl Place {
    /// Waits until the session that holds the place has gone.
    async fn wait_until_left(&self) {
        let Some(held) = self.0.session() else { return };
        for _ in 0..LOOKS {
            if self.0.session().is_none_or(|session| session.id != held.id) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[async_trait]
impl Entry for Place {
    async fn kick(&mut self, clean: bool, unsubscribe: bool, admin: IsAdmin) -> rmqtt::Result<OfflineSession> {
        let mut left = self.0.kick(clean, unsubscribe, admin).await;
        if left.is_err() {
            self.wait_until_left().await;
            left = self.0.kick(clean, unsubscribe, admin).await;
        }
        if let Ok(OfflineSession::Exist(Some(session))) = &mut left {
            session.inflight_messages.reverse();
        }
        left
    }

    async fn try_lock(&self) -> rmqtt::Result<Box<dyn Entry>> {
        for _ in 1..LOOKS {
            if let Ok(locked) = self.0.try_lock().await {
                return Ok(Box::new(Self(locked)));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(Box::new(Self(self.0.try_lock().await?)))
    }

    fn id(&self) -> Id {
        self.0.id()
    }

    fn id_same(&self) -> Option<bool> {
        self.0.id_same()
    }

    async fn set(&mut self, session: Session, tx: Tx) -> rmqtt::Result<()> {
        self.0.set(session, tx).await
    }

    async fn remove(&mut self) -> rmqtt::Result<Option<(Session, Tx)>> {
        self.0.remove().await
    }

    async fn remove_with(&mut self, id: &Id) -> rmqtt::Result<Option<(Session, Tx)>> {
        self.0.remove_with(id).await
    }

    async fn online(&self) -> bool {
        self.0.online().await
    }

    async fn is_connected(&self) -> bool {
        self.0.is_connected().await
    }

    fn session(&self) -> Option<Session> {
        self.0.session()
    }

    fn exist(&self) -> bool {
        self.0.exist()
    }

    fn tx(&self) -> Option<Tx> {
        self.0.tx()
    }

    async fn subscribe(&self, subscribe: &Subscribe) -> rmqtt::Result<SubscribeReturn> {
        self.0.subscribe(subscribe).await
    }

    async fn unsubscribe(&self, unsubscribe: &Unsubscribe) -> rmqtt::Result<bool> {
        self.0.unsubscribe(unsubscribe).await
    }

    async fn publish(&self, from: From, publish: Publish) -> Result<(), (From, Publish, Reason)> {
        self.0.publish(from, publish).await
    }

    async fn subscriptions(&self) -> Option<Vec<SubsSearchResult>> {
        self.0.subscriptions().await
    }
}

type Undelivered = Vec<(To, From, Publish, Reason)>;

#[async_trait]
impl Shared for Sessions {
    fn entry(&self, id: Id) -> Box<dyn Entry> {
        Box::new(Place(self.inner.entry(id)))
    }

    fn exist(&self, client_id: &str) -> bool {
        self.inner.exist(client_id)
    }

    async fn forwards(
        &self,
        message: Option<MsgID>,
        from: From,
        publish: Publish,
    ) -> Result<ForwardedCount, (ForwardedCount, Undelivered)> {
        if publish.target_clientid.is_some() {
            return self.inner.forwards(message, from, publish).await;
        }
        let receivers = receivers(&self.broker, &from, &publish).await;
        let noted = self.waiting.note(&self.broker, from.clone(), &publish, &receivers).await;
        let from = noted.unwrap_or_else(|error| {
            tracing::error!(topic = %publish.topic, %error, "what waits for a device will not outlive this process");
            from
        });
        let forwarded = self.forwards_to(from, &publish, receivers, message).await;
        forwarded.map(|to| to.len()).map_err(|(to, undelivered)| (to.len(), undelivered))
    }

    async fn forwards_and_get_shareds(
        &self,
        from: From,
        publish: Publish,
    ) -> Result<(SubRelationsMap, ForwardedRecipients), (ForwardedRecipients, Undelivered)> {
        self.inner.forwards_and_get_shareds(from, publish).await
    }

    async fn forwards_to(
        &self,
        from: From,
        publish: &Publish,
        mut relations: SubRelations,
        message: Option<MsgID>,
    ) -> Result<ForwardedRecipients, (ForwardedRecipients, Undelivered)> {
        relations.retain(|(_, client, ..)| self.has_room(client, &from, publish));
        self.inner.forwards_to(from, publish, relations, message).await
    }

    fn iter(&self) -> Box<dyn Iterator<Item = Box<dyn Entry>> + Sync + Send + '_> {
        Box::new(self.inner.iter().map(|entry| Box::new(Place(entry)) as Box<dyn Entry>))
    }

    fn random_session(&self) -> Option<Session> {
        self.inner.random_session()
    }

    async fn session_status(&self, client_id: &str) -> Option<SessionStatus> {
        self.inner.session_status(client_id).await
    }

    async fn client_states_count(&self) -> usize {
        self.inner.client_states_count().await
    }

    fn sessions_count(&self) -> usize {
        self.inner.sessions_count()
    }

    async fn query_subscriptions(&self, params: &SubsSearchParams) -> Vec<SubsSearchResult> {
        self.inner.query_subscriptions(params).await
    }

    async fn subscriptions_count(&self) -> usize {
        self.inner.subscriptions_count().await
    }

    async fn retain_load_with(
        &self,
        filter: &TopicFilter,
        callback: Arc<dyn RetainLoadCallback>,
    ) -> rmqtt::Result<Vec<(NodeId, MsgID)>> {
        self.inner.retain_load_with(filter, callback).await
    }
}
