//! Takeover: a client connects while RMQTT still holds its session.
//!
//! RMQTT asks the old session to leave. One that is just ending for good no longer answers, and RMQTT would turn the
//! new connection away: a device that reconnects quickly would be refused for no reason that it could know. Here the
//! question is asked once more after the old session is gone. It would be turned away as well while another connection
//! with its client id is just shaking hands: here it waits for that one. What was on its way to the old connection is put
//! in the order in which it was sent, as RMQTT takes it from the end. What RMQTT hands to the old connection in that
//! moment is lost with it, and so is what comes up for a connection that is being closed; where it is noted, it is put
//! back in its place. What was retained is not handed to a client that subscribes as one of a group only. All else is handed
//! through.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::session::{OfflineInfo, Session};
use rmqtt::shared::Entry;
use rmqtt::topic::Topic;
use rmqtt::types::{
    From, Id, IsAdmin, OfflineSession, Publish, Reason, SubsSearchResult, Subscribe, SubscribeReturn, Tx, Unsubscribe,
};

use crate::waiting::{Waiting, is_after};

/// How often to look whether a session that no longer answers is gone, or another connection has come in, and how many
/// times.
pub(crate) const LOOK: Duration = Duration::from_millis(5);
pub(crate) const LOOKS: usize = 400;

/// The session of one client.
pub(crate) struct Place {
    /// RMQTT's own.
    pub inner: Box<dyn Entry>,
    /// The broker.
    pub broker: ServerContext,
    /// What must not be lost.
    pub waiting: Arc<Waiting>,
}

impl Place {
    fn with(&self, inner: Box<dyn Entry>) -> Box<dyn Entry> {
        Box::new(Self { inner, broker: self.broker.clone(), waiting: self.waiting.clone() })
    }

    /// Puts right what a session leaves to the connection that takes it over.
    fn mend(&self, left: &mut OfflineInfo) {
        left.inflight_messages.reverse();
        let queued = left.offline_messages.iter().map(|(from, _)| from);
        let known = queued.chain(left.inflight_messages.iter().map(|message| &message.from));
        let lost = self.waiting.lost(&self.broker, &self.inner.id().client_id, known);
        for message in lost {
            let place = left.offline_messages.iter().position(|(from, _)| is_after(from, &message.0));
            left.offline_messages.insert(place.unwrap_or(left.offline_messages.len()), message);
        }
    }

    /// Whether the client itself subscribes to the topic, not only as one of a group: to a shared subscription no retained
    /// messages are sent (MQTT 5, section 4.8.2).
    async fn subscribes_alone(&self, topic: &str) -> bool {
        let matches = |filter: &str| Topic::from_str(filter).is_ok_and(|filter| filter.matches_str(topic));
        let subscriptions = self.inner.subscriptions().await.unwrap_or_default();
        subscriptions.iter().any(|found| found.opts.shared_group().is_none() && matches(&found.topic))
    }

    /// Waits until the session that holds the place has gone.
    async fn wait_until_left(&self) {
        let Some(held) = self.inner.session() else { return };
        for _ in 0..LOOKS {
            if self.inner.session().is_none_or(|session| session.id != held.id) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[async_trait]
impl Entry for Place {
    async fn kick(&mut self, clean: bool, unsubscribe: bool, admin: IsAdmin) -> rmqtt::Result<OfflineSession> {
        let mut left = self.inner.kick(clean, unsubscribe, admin).await;
        if left.is_err() {
            self.wait_until_left().await;
            left = self.inner.kick(clean, unsubscribe, admin).await;
        }
        if let Ok(OfflineSession::Exist(Some(session))) = &mut left {
            self.mend(session);
        }
        left
    }

    async fn try_lock(&self) -> rmqtt::Result<Box<dyn Entry>> {
        for _ in 1..LOOKS {
            if let Ok(locked) = self.inner.try_lock().await {
                return Ok(self.with(locked));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(self.with(self.inner.try_lock().await?))
    }

    fn id(&self) -> Id {
        self.inner.id()
    }

    fn id_same(&self) -> Option<bool> {
        self.inner.id_same()
    }

    async fn set(&mut self, session: Session, tx: Tx) -> rmqtt::Result<()> {
        self.inner.set(session, tx).await
    }

    async fn remove(&mut self) -> rmqtt::Result<Option<(Session, Tx)>> {
        self.inner.remove().await
    }

    async fn remove_with(&mut self, id: &Id) -> rmqtt::Result<Option<(Session, Tx)>> {
        self.inner.remove_with(id).await
    }

    async fn online(&self) -> bool {
        self.inner.online().await
    }

    async fn is_connected(&self) -> bool {
        self.inner.is_connected().await
    }

    fn session(&self) -> Option<Session> {
        self.inner.session()
    }

    fn exist(&self) -> bool {
        self.inner.exist()
    }

    fn tx(&self) -> Option<Tx> {
        self.inner.tx()
    }

    async fn subscribe(&self, subscribe: &Subscribe) -> rmqtt::Result<SubscribeReturn> {
        self.inner.subscribe(subscribe).await
    }

    async fn unsubscribe(&self, unsubscribe: &Unsubscribe) -> rmqtt::Result<bool> {
        self.inner.unsubscribe(unsubscribe).await
    }

    /// What was retained comes this way; all that is published now goes by [`Sessions`](crate::sessions::Sessions).
    async fn publish(&self, from: From, publish: Publish) -> Result<(), (From, Publish, Reason)> {
        if publish.retain && !self.subscribes_alone(&publish.topic).await {
            return Ok(());
        }
        self.inner.publish(from, publish).await
    }

    async fn subscriptions(&self) -> Option<Vec<SubsSearchResult>> {
        self.inner.subscriptions().await
    }
}
