//! Deliveries: whether what was published may reach one of those who subscribed to it.
//!
//! RMQTT has no hook that refuses a delivery, but one that asks whether a message has expired, at every delivery: live,
//! queued, retained and repeated ones. A message that may not be received counts as expired.

use std::time::Duration;

use rmqtt::codec::types::QoS;
use rmqtt::inflight::{MomentStatus, OutInflightMessage};
use rmqtt::session::Session;
use rmqtt::types::{Id, Publish, Reason};

use super::Door;
use crate::seat::Seat;

impl Door {
    /// Whether `publish` may be delivered to the connection `id`.
    pub(super) fn may_receive(&self, id: &Id, publish: &Publish) -> bool {
        let Some(seat) = self.seats.open(id) else { return false };
        seat.permissions.receive(&publish.topic).is_allowed() && !self.has_waited_too_long(publish)
    }

    /// Whether it is older than a message may get that says nothing about it itself. Retained messages have no age.
    fn has_waited_too_long(&self, publish: &Publish) -> bool {
        let says = publish.properties.as_ref().is_some_and(|p| p.message_expiry_interval.is_some());
        let Some(created) = publish.create_time.filter(|_| !says && !publish.retain) else { return false };
        let waited = self.clock.now().as_millis().saturating_sub(created);
        Duration::from_millis(waited.try_into().unwrap_or(0)) > self.limits.message_time
    }
}

/// Puts back what was being sent when the connection broke: RMQTT takes a message from the queue, and forgets it when
/// the socket does not take it. It is the last of those that are on their way.
pub(super) async fn put_back(session: &Session, seat: &Seat) {
    let Some((from, publish)) = seat.take_sending() else { return };
    let Some(packet_id) = publish.packet_id else { return };
    let mut on_its_way = session.out_inflight().write().await;
    if on_its_way.get(packet_id.get()).is_none() {
        let status = if publish.qos == QoS::ExactlyOnce { MomentStatus::UnReceived } else { MomentStatus::UnAck };
        on_its_way.push_back(OutInflightMessage::new(status, from, publish));
    }
}

/// Notes that a message will not reach its receiver. Readings are not lost by it: their lane has them.
pub(super) fn dropped(to: Option<&Id>, publish: &Publish, reason: &Reason) {
    let to = to.map(|id| id.client_id.to_string());
    tracing::debug!(?to, topic = %publish.topic, %reason, "a message was dropped");
}
