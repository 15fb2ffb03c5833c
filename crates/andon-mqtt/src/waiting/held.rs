//! Which messages are noted, for whom, and how much they are together.

use std::collections::{BTreeMap, HashMap};

use rmqtt::types::ClientId;

/// Bytes of each message by receiver and number, and the sums of them.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) newest: u64,
    pub(super) count: usize,
    pub(super) bytes: usize,
    by_client: HashMap<ClientId, BTreeMap<u64, usize>>,
}

impl Held {
    pub(super) fn add(&mut self, client: &ClientId, number: u64, bytes: usize) {
        self.newest = self.newest.max(number);
        if self.by_client.entry(client.clone()).or_default().insert(number, bytes).is_none() {
            (self.count, self.bytes) = (self.count + 1, self.bytes + bytes);
        }
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, client: &ClientId, number: u64) -> bool {
        let Some(own) = self.by_client.get_mut(client) else { return false };
        let Some(bytes) = own.remove(&number) else { return false };
        if own.is_empty() {
            self.by_client.remove(client);
        }
        (self.count, self.bytes) = (self.count - 1, self.bytes - bytes);
        true
    }

    pub(super) fn remove_all(&mut self, client: &ClientId) {
        let own = self.by_client.remove(client).unwrap_or_default();
        self.count -= own.len();
        self.bytes -= own.values().sum::<usize>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_what_is_held() {
        let mut held = Held::default();
        let [one, two] = ["pump-01", "pump-02"].map(ClientId::from);
        for (client, number, bytes) in [(&one, 1, 10), (&two, 1, 10), (&one, 2, 30), (&one, 2, 30)] {
            held.add(client, number, bytes);
        }
        assert_eq!((held.newest, held.count, held.bytes), (2, 3, 50));
        assert!(held.remove(&two, 1));
        assert!(!held.remove(&two, 1));
        assert!(!held.remove(&two, 2));
        assert_eq!((held.newest, held.count, held.bytes), (2, 2, 40));
        held.remove_all(&one);
        held.remove_all(&one);
        assert_eq!((held.newest, held.count, held.bytes), (2, 0, 0));
    }
}
