//! Deliveries: whether what was published may reach one of those who subscribed to it.
//!
//! RMQTT has no hook that refuses a delivery, but one that asks whether a message has expired, at every delivery: live,
//! queued, retained and repeated ones. A message that may not be received counts as expired. So does all that comes up
//! for a connection that is being closed; there it stays noted, and the next connection gets it.

use std::time::Duration;

use rmqtt::codec::types::QoS;
use rmqtt::inflight::{MomentStatus, OutInflightMessage};
use rmqtt::session::Session;
use rmqtt::types::{From, Id, Publish, Reason};

use super::Door;
use crate::seat::Seat;

impl Door {
    /// Whether `publish` may be delivered to the connection `id`.
    pub(super) fn may_receive(&self, id: &Id, publish: &Publish) -> bool {
        let Some(seat) = self.seats.open(id) else { return false };
        seat.receive();
        let fits = seat.most_bytes.is_none_or(|most| packet_bytes(publish) <= most.get() as usize);
        fits && seat.permissions.receive(&publish.topic).is_allowed() && !self.has_waited_too_long(publish)
    }

    /// Whether it is older than a message may get that says nothing about it itself. Retained messages have no age.
    fn has_waited_too_long(&self, publish: &Publish) -> bool {
        let says = publish.properties.as_ref().is_some_and(|p| p.message_expiry_interval.is_some());
        let Some(created) = publish.create_time.filter(|_| !says && !publish.retain) else { return false };
        let waited = self.clock.now().as_millis().saturating_sub(created);
        Duration::from_millis(waited.try_into().unwrap_or(0)) > self.limits.message_time
    }
}

/// How long PUBLISH of MQTT 5 gets, with an alias. RMQTT would end the connection over one that is longer than its
/// receiver takes.
fn packet_bytes(publish: &Publish) -> usize {
    let variable = |number: usize| 1 + [128, 16_384, 2_097_152].iter().filter(|least| number >= **least).count();
    let properties = publish.properties.as_ref().map_or(0, |properties| {
        let texts =
            [&properties.content_type, &properties.response_topic].into_iter().flatten().map(|text| 3 + text.len());
        let pairs = properties.user_properties.iter().map(|(name, value)| 5 + name.len() + value.len());
        let identifiers = properties.subscription_ids.iter().map(|id| 1 + variable(id.get() as usize));
        let correlation = properties.correlation_data.as_ref().map_or(0, |data| 3 + data.len());
        let numbers = 5 * usize::from(properties.message_expiry_interval.is_some());
        let format = 2 * usize::from(properties.is_utf8_payload);
        texts.chain(pairs).chain(identifiers).sum::<usize>() + correlation + numbers + format
    }) + ALIAS;
    let body = 2 + publish.topic.len() + 2 + variable(properties) + properties + publish.payload.len();
    1 + variable(body) + body
}

/// Bytes of a topic alias.
const ALIAS: usize = 3;

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

impl Door {
    /// Notes that a message will not reach its receiver. Readings are not lost by it: their lane has them.
    pub(super) fn dropped(&self, to: Option<&Id>, from: &From, publish: &Publish, reason: &Reason) {
        let client = to.map(|id| id.client_id.to_string());
        tracing::debug!(to = ?client, topic = %publish.topic, %reason, "a message was dropped");
        let Some(to) = to else { return };
        if matches!(reason, Reason::MessageExpiration) && self.seats.open(to).is_none() {
            // It was not this message whose time was over, but the connection: the next one gets it.
            return;
        }
        self.waiting.forget(&to.client_id, from);
        // One that has expired has come to be sent before.
        if matches!(reason, Reason::MessageQueueFull) {
            self.seats.get(to).inspect(|seat| seat.receive());
        }
    }
}
