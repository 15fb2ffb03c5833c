//! The sessions of the broker, and what is forwarded to them.
//!
//! **Constraints.** What is forwarded is noted first for those who must not lose it, and not handed to a client that has
//! too much in hand already: RMQTT's way to a session has no end. Between two connections of a client there is no session
//! for a moment; what is noted waits for it. All else is RMQTT's.

use std::sync::Arc;

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::session::Session;
use rmqtt::shared::{Entry, RetainLoadCallback, Shared};
use rmqtt::types::{
    ClientId, ForwardedCount, ForwardedRecipients, From, Id, MsgID, NodeId, Publish, Reason, SessionStatus,
    SubRelations, SubRelationsMap, SubsSearchParams, SubsSearchResult, To, TopicFilter,
};

use crate::seats::Seats;
use crate::takeover::{LOOK, LOOKS, Place};
use crate::waiting::{Waiting, is_noted};

type Undelivered = Vec<(To, From, Publish, Reason)>;

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
    /// Hands over what is noted for sessions that are just between two connections, and gives back what is left.
    async fn insist(&self, missed: Undelivered, reached: &mut ForwardedRecipients) -> Undelivered {
        let mut undelivered = Undelivered::new();
        for (to, from, publish, reason) in missed {
            let id = Id::from(self.broker.node.id(), to.client_id.clone());
            let handed = is_noted(&from) && self.publish_again(&id, &from, &publish).await;
            if handed {
                reached.push((to.client_id.clone(), None));
            } else {
                undelivered.push((to, from, publish, reason));
            }
        }
        undelivered
    }

    async fn publish_again(&self, id: &Id, from: &From, publish: &Publish) -> bool {
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK).await;
            if self.inner.entry(id.clone()).publish(from.clone(), publish.clone()).await.is_ok() {
                return true;
            }
        }
        false
    }

    fn place(&self, inner: Box<dyn Entry>) -> Place {
        Place { inner, broker: self.broker.clone(), waiting: self.waiting.clone() }
    }

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

#[async_trait]
impl Shared for Sessions {
    fn entry(&self, id: Id) -> Box<dyn Entry> {
        Box::new(self.place(self.inner.entry(id)))
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
        for (_, client, ..) in &relations {
            self.waiting.send(client, &from);
        }
        let forwarded = self.inner.forwards_to(from, publish, relations, message).await;
        let Err((mut reached, missed)) = forwarded else { return forwarded };
        let undelivered = self.insist(missed, &mut reached).await;
        if undelivered.is_empty() { Ok(reached) } else { Err((reached, undelivered)) }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = Box<dyn Entry>> + Sync + Send + '_> {
        Box::new(self.inner.iter().map(|entry| Box::new(self.place(entry)) as Box<dyn Entry>))
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
