//! Which messages are noted, for whom, and how much they are together.

use std::collections::{BTreeMap, HashMap};

use rmqtt::types::{ClientId, Publish};

use super::form::size;

/// A message for one receiver.
#[derive(Debug)]
pub(super) struct Note {
    /// As it is sent; its payload is shared with the queue in which it waits.
    pub(super) publish: Publish,
    /// Whether it was handed to RMQTT.
    pub(super) is_sent: bool,
}

/// Messages by receiver and number, and the sums of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) newest: u64,
    pub(super) count: usize,
    pub(super) bytes: usize,
    by_client: HashMap<ClientId, BTreeMap<u64, Note>>,
}

impl Held {
    pub(super) fn add(&mut self, client: &ClientId, number: u64, note: Note) {
        self.newest = self.newest.max(number);
        let bytes = size(&note.publish);
        let before = self.by_client.entry(client.clone()).or_default().insert(number, note);
        self.count += usize::from(before.is_none());
        self.bytes += bytes - before.map_or(0, |before| size(&before.publish));
    }

    /// Notes that a message is handed to RMQTT.
    pub(super) fn send(&mut self, client: &ClientId, number: u64) {
        let note = self.by_client.get_mut(client).and_then(|own| own.get_mut(&number));
        if let Some(note) = note {
            note.is_sent = true;
        }
    }

    /// What was handed to RMQTT for a client, by number.
    pub(super) fn sent(&self, client: &ClientId) -> impl Iterator<Item = (u64, &Publish)> {
        let own = self.by_client.get(client).into_iter().flatten();
        own.filter(|(_, note)| note.is_sent).map(|(number, note)| (*number, &note.publish))
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, client: &ClientId, number: u64) -> bool {
        let Some(own) = self.by_client.get_mut(client) else { return false };
        let Some(note) = own.remove(&number) else { return false };
        if own.is_empty() {
            self.by_client.remove(client);
        }
        (self.count, self.bytes) = (self.count - 1, self.bytes - size(&note.publish));
        true
    }

    pub(super) fn remove_all(&mut self, client: &ClientId) {
        let own = self.by_client.remove(client).unwrap_or_default();
        self.count -= own.len();
        self.bytes -= own.values().map(|note| size(&note.publish)).sum::<usize>();
    }
}

#[cfg(test)]
mod tests {
    use rmqtt::codec::types::{Publish as Packet, QoS};

    use super::*;

    fn note(bytes: usize) -> Note {
        let publish = Publish::from(Packet {
            dup: false,
            retain: false,
            qos: QoS::AtLeastOnce,
            topic: "".into(),
            packet_id: None,
            payload: vec![0; bytes].into(),
            properties: None,
        });
        Note { publish, is_sent: false }
    }

    #[test]
    fn sums_follow_what_is_held() {
        let mut held = Held::default();
        let [one, two] = ["pump-01", "pump-02"].map(ClientId::from);
        for (client, number, bytes) in [(&one, 1, 10), (&two, 1, 10), (&one, 2, 20), (&one, 2, 30)] {
            held.add(client, number, note(bytes));
        }
        assert_eq!((held.newest, held.count, held.bytes), (2, 3, 50));
        held.send(&one, 2);
        assert_eq!(held.sent(&one).map(|(number, _)| number).collect::<Vec<_>>(), [2]);
        assert!(held.remove(&two, 1));
        assert!(!held.remove(&two, 1));
        assert!(!held.remove(&two, 2));
        assert_eq!((held.newest, held.count, held.bytes), (2, 2, 40));
        held.remove_all(&one);
        held.remove_all(&one);
        assert_eq!((held.newest, held.count, held.bytes), (2, 0, 0));
    }
}
