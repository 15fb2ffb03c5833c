//! The client's part of an MQTT session: what was received and is not settled yet.
//!
//! **Constraints.** Pure. Acknowledgements leave in the order in which the publishes came, as the specification asks.
//! Nothing of a broken connection is acknowledged on the next one: the broker delivers again what it has no answer for,
//! and gives the identifiers anew.
//!
//! **Life of a publish.** It is taken and handed over; when everything up to it is durable it is settled, which gives
//! PUBACK or PUBREC. With QoS 2 its identifier is then remembered until PUBREL comes, also over a new connection: a
//! broker that did not see PUBREC delivers the publish again, and is answered without handing it over twice.

use std::collections::{BTreeSet, VecDeque};

use super::wire::{Acknowledgement, Publish, Qos};

/// What is to be done with a publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is to be kept.
    New(Publish),
    /// It is durable already; the broker is told again.
    Known(Acknowledgement),
}

/// One side of a session.
#[derive(Debug)]
pub(super) struct Session {
    /// Most publishes that are handed over and not settled.
    limit: usize,
    /// Those, in the order of their arrival. With QoS 0 there is nothing to say to the broker.
    held: VecDeque<Option<(u16, Qos)>>,
    /// QoS 2: durable, PUBREC sent, PUBREL not seen.
    released_next: BTreeSet<u16>,
}

impl Session {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: VecDeque::new(), released_next: BTreeSet::new() }
    }

    /// A new connection begins; the broker said whether it still has the session.
    pub(super) fn connected(&mut self, session_present: bool) {
        self.held.clear();
        if !session_present {
            self.released_next.clear();
        }
    }

    /// Whether one more publish may be taken.
    pub(super) fn has_room(&self) -> bool {
        self.held.len() < self.limit
    }

    /// Takes a publish that has arrived.
    pub(super) fn take(&mut self, publish: Publish) -> Taken {
        match publish.id {
            Some(id) if publish.qos == Qos::Two && self.released_next.contains(&id) => {
                Taken::Known(Acknowledgement::Rec(id))
            }
            id => {
                self.held.push_back(id.map(|id| (id, publish.qos)));
                Taken::New(publish)
            }
        }
    }

    /// The oldest `count` publishes are durable: what the broker is told.
    pub(super) fn settle(&mut self, count: usize) -> Vec<Acknowledgement> {
        let settled: Vec<_> = self.held.drain(..count.min(self.held.len())).flatten().collect();
        settled.into_iter().map(|(id, qos)| self.acknowledge(id, qos)).collect()
    }

    fn acknowledge(&mut self, id: u16, qos: Qos) -> Acknowledgement {
        if qos != Qos::Two {
            return Acknowledgement::Ack(id);
        }
        self.released_next.insert(id);
        Acknowledgement::Rec(id)
    }

    /// The broker forgets a QoS 2 publish, and so do we. One that is not known, as after a restart of ours, is answered
    /// as well, or the broker would ask for ever.
    pub(super) fn release(&mut self, id: u16) -> Acknowledgement {
        Acknowledgement::Comp(id, self.released_next.remove(&id))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Acknowledgement::{Ack, Comp, Rec};
    use super::*;

    fn publish(qos: Qos, id: u16) -> Publish {
        let id = (qos != Qos::Zero).then_some(id);
        let (topic, payload) = ("t".to_owned(), Bytes::new());
        Publish { topic, qos, id, retained: false, content_type: None, user: Vec::new(), payload, bytes: 0 }
    }

    fn is_new(taken: &Taken) -> bool {
        matches!(taken, Taken::New(_))
    }

    #[test]
    fn acknowledgements_leave_in_the_order_of_arrival() {
        let mut session = Session::new(9);
        for (qos, id) in [(Qos::One, 7), (Qos::Zero, 0), (Qos::Two, 3), (Qos::One, 1)] {
            assert!(is_new(&session.take(publish(qos, id))));
        }
        assert_eq!(session.settle(2), [Ack(7)]);
        assert_eq!(session.settle(2), [Rec(3), Ack(1)]);
        assert_eq!(session.settle(5), []);
        assert_eq!((session.release(3), session.release(3)), (Comp(3, true), Comp(3, false)));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut session = Session::new(2);
        session.take(publish(Qos::Zero, 0));
        assert!(session.has_room());
        session.take(publish(Qos::One, 1));
        assert!(!session.has_room());
        session.settle(1);
        assert!(session.has_room());
    }

    #[test]
    fn nothing_of_a_broken_connection_is_acknowledged_on_the_next() {
        let mut session = Session::new(9);
        session.take(publish(Qos::One, 7));
        session.connected(true);
        assert_eq!(session.settle(1), []);
        assert!(is_new(&session.take(publish(Qos::One, 7))));
        assert_eq!(session.settle(1), [Ack(7)]);
    }

    #[test]
    fn a_durable_publish_of_qos_2_is_not_taken_twice() {
        let mut session = Session::new(9);
        session.take(publish(Qos::Two, 5));
        assert_eq!(session.settle(1), [Rec(5)]);
        session.connected(true);
        assert_eq!(session.take(publish(Qos::Two, 5)), Taken::Known(Rec(5)));
        assert_eq!(session.release(5), Comp(5, true));
        assert!(is_new(&session.take(publish(Qos::Two, 5))), "the identifier is used anew");
        session.settle(1);
        session.connected(false);
        assert!(is_new(&session.take(publish(Qos::Two, 5))), "another session, another publish");
    }
}
