//! Publishes of QoS 2 that were taken and that their sender has not released: one that comes again is not taken again.
//!
//! **Constraints.** RMQTT knows them for each connection; here they are known for each session, as long as the process
//! lives. What is known is forgotten too early rather than too late: a payload may be kept twice, never not at all. RMQTT
//! tells nobody that PUBREL has come, only that some packet has; senders release in the order in which they sent
//! (MQTT-4.6.0), so each packet that nothing else explains releases the oldest.
//!
//! **Life of a publish.** It is noted when its lane has it, forgotten at PUBREL. If its sender did not see PUBREC, it comes
//! again on the next connection, marked as a duplicate, under the same number and with the same content.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU16;

use parking_lot::Mutex;
use rmqtt::codec::types::QoS;
use rmqtt::types::{ClientId, Publish};

/// What a session has taken, in the order in which it came.
type Taken = VecDeque<(NonZeroU16, u64)>;

/// What was taken and is not released, by client.
#[derive(Debug)]
pub(crate) struct Repeats {
    by_client: Mutex<HashMap<ClientId, Taken>>,
    most: usize,
}

impl Repeats {
    /// Knows at most `most` publishes of a client.
    pub(crate) fn new(most: u16) -> Self {
        Self { by_client: Mutex::default(), most: usize::from(most) }
    }

    /// Notes what was taken.
    pub(crate) fn take(&self, client: &ClientId, publish: &Publish) {
        let Some(packet_id) = publish.packet_id.filter(|_| publish.qos == QoS::ExactlyOnce) else { return };
        let mut by_client = self.by_client.lock();
        let taken = by_client.entry(client.clone()).or_default();
        taken.retain(|(known, _)| *known != packet_id);
        taken.push_back((packet_id, print(publish)));
        if taken.len() > self.most {
            taken.pop_front();
        }
    }

    /// Whether `publish` was taken before.
    pub(crate) fn has(&self, client: &ClientId, publish: &Publish) -> bool {
        let Some(packet_id) = publish.packet_id.filter(|_| publish.dup && publish.qos == QoS::ExactlyOnce) else {
            return false;
        };
        let by_client = self.by_client.lock();
        by_client.get(client).is_some_and(|taken| taken.contains(&(packet_id, print(publish))))
    }

    /// Notes that the client has released what it sent first.
    pub(crate) fn release(&self, client: &ClientId) {
        let mut by_client = self.by_client.lock();
        if let Some(taken) = by_client.get_mut(client) {
            taken.pop_front();
            if taken.is_empty() {
                by_client.remove(client);
            }
        }
    }

    /// Forgets a session.
    pub(crate) fn forget(&self, client: &ClientId) {
        self.by_client.lock().remove(client);
    }
}

fn print(publish: &Publish) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&*publish.topic, &publish.payload, publish.retain).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use rmqtt::codec::types::Publish as Packet;

    use super::*;

    fn publish(packet_id: u16, payload: &'static str, dup: bool) -> Publish {
        Publish::from(Packet {
            dup,
            retain: false,
            qos: QoS::ExactlyOnce,
            topic: "data/pump-01".into(),
            packet_id: NonZeroU16::new(packet_id),
            payload: payload.into(),
            properties: None,
        })
    }

    #[test]
    fn only_what_is_the_same_is_a_repetition() {
        let repeats = Repeats::new(2);
        let client = ClientId::from("pump-01");
        let check = |packet_id: u16, payload: &'static str, dup: bool, expect: bool| {
            assert_eq!(repeats.has(&client, &publish(packet_id, payload, dup)), expect, "{packet_id} {payload} {dup}");
        };
        check(1, "a", true, false);
        repeats.take(&client, &publish(1, "a", false));
        check(1, "a", true, true);
        check(1, "a", false, false);
        check(1, "b", true, false);
        check(2, "a", true, false);
        assert!(!repeats.has(&ClientId::from("pump-02"), &publish(1, "a", true)));
        repeats.take(&client, &publish(2, "b", false));
        repeats.release(&client);
        check(1, "a", true, false);
        check(2, "b", true, true);
        for packet_id in 3..=4 {
            repeats.take(&client, &publish(packet_id, "c", false));
        }
        check(2, "b", true, false);
        repeats.forget(&client);
        check(4, "c", true, false);
    }
}
