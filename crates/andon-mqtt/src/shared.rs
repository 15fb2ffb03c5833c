//! Shared subscriptions: each message goes to one member of the group, in turn, to a connected one if there is any.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::subscribe::SharedSubscription;
use rmqtt::types::{
    ClientId, Id, IsOnline, NodeId, SharedGroup, SubscriptionIdentifier, SubscriptionOptions, TopicName,
};

/// A member of a group, as RMQTT has it.
type Member = (NodeId, ClientId, SubscriptionOptions, Option<Vec<SubscriptionIdentifier>>, Option<IsOnline>);

/// Takes turns over all groups: one counter is enough for an even spread.
#[derive(Debug, Default)]
pub(crate) struct InTurn {
    turn: AtomicUsize,
}

#[async_trait]
impl SharedSubscription for InTurn {
    fn is_supported(&self) -> bool {
        true
    }

    async fn choice(
        &self,
        broker: &ServerContext,
        _group: &SharedGroup,
        _publisher: &Id,
        _topic: &TopicName,
        members: &[Member],
    ) -> Option<(usize, IsOnline)> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let places = || (0..members.len()).map(|step| (first.wrapping_add(step)) % members.len());
        let shared = broker.extends.shared().await;
        for place in places() {
            let (node, client, ..) = &members[place];
            if shared.entry(Id::from(*node, client.clone())).is_connected().await {
                return Some((place, true));
            }
        }
        places().next().map(|place| (place, false))
    }
}
