//! The publishes of a device that are not acknowledged yet, by packet identifier.
//!
//! **Life of a publish.** [`InFlight::hold`] gives it an identifier; PUBACK, or PUBREC at QoS 2, settles it: from then on
//! the broker answers for it. At QoS 2 the identifier comes free with PUBCOMP. A connection that ends settles nothing: on
//! the next one [`InFlight::resume`] sends again what is open, with DUP if the broker still has the session, as a new
//! publish if not.
//!
//! **Constraints.** At most as many as the window. An identifier under which a packet went out twice is not used again on
//! the same connection: its second acknowledgement must not settle another publish.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::packet::{Qos, Speaker};

/// A publish that waits.
#[derive(Debug, Clone)]
pub(in crate::fleet) struct Held {
    /// The message's number.
    pub(in crate::fleet) sequence: u64,
    pub(in crate::fleet) payload: Bytes,
    pub(in crate::fleet) qos: Qos,
    /// When it was first sent.
    pub(in crate::fleet) sent: Instant,
    /// Whether it is the same message once more.
    pub(in crate::fleet) is_copy: bool,
}

#[derive(Debug)]
enum Slot {
    Free,
    Open(Held),
    /// PUBREC has come, PUBCOMP has not.
    Releasing,
    /// The identifier went out twice on this connection.
    Spent,
}

/// What came of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fleet) struct Settled {
    pub(in crate::fleet) sequence: u64,
    pub(in crate::fleet) qos: Qos,
    pub(in crate::fleet) is_copy: bool,
    /// From the first sending to the acknowledgement.
    pub(in crate::fleet) took: Duration,
    /// Why the broker does not take it, if so.
    pub(in crate::fleet) refused: Option<String>,
}

/// The window of one device.
#[derive(Debug)]
pub(in crate::fleet) struct InFlight {
    slots: Vec<Slot>,
    free: Vec<u16>,
    /// Identifiers that were sent twice while open.
    twice: Vec<u16>,
    /// How many the broker allows.
    limit: usize,
    open: usize,
}

impl InFlight {
    pub(in crate::fleet) fn new(window: u16) -> Self {
        let window = window.max(1);
        let slots = (0..window).map(|_| Slot::Free).collect();
        Self { slots, free: (1..=window).rev().collect(), twice: Vec::new(), limit: usize::from(window), open: 0 }
    }

    /// Whether one more may be sent.
    pub(in crate::fleet) fn has_room(&self) -> bool {
        !self.free.is_empty() && self.slots.len() - self.free.len() < self.limit
    }

    /// Whether everything is settled and released.
    pub(in crate::fleet) fn is_empty(&self) -> bool {
        self.open == 0 && !self.slots.iter().any(|slot| matches!(slot, Slot::Releasing))
    }

    /// Takes a publish in; the identifier to send it under, if there is room.
    pub(in crate::fleet) fn hold(&mut self, held: Held) -> Option<u16> {
        if !self.has_room() {
            return None;
        }
        let id = self.free.pop()?;
        *self.slot(id)? = Slot::Open(held);
        self.open += 1;
        Some(id)
    }

    /// Notes that the packet with this identifier went out once more.
    pub(in crate::fleet) fn went_twice(&mut self, id: u16) {
        self.twice.push(id);
    }

    /// PUBACK.
    pub(in crate::fleet) fn acked(&mut self, id: u16, refused: Option<String>, now: Instant) -> Option<Settled> {
        let held = self.take(id)?;
        self.give_back(id);
        Some(settled(&held, refused, now))
    }

    /// PUBREC; a good one is to be answered with PUBREL, also one that comes again.
    pub(in crate::fleet) fn received(&mut self, id: u16, refused: Option<String>, now: Instant) -> Option<Settled> {
        let held = self.take(id)?;
        match (&refused, self.slot(id)) {
            (None, Some(slot)) => *slot = Slot::Releasing,
            _ => self.give_back(id),
        }
        Some(settled(&held, refused, now))
    }

    /// PUBCOMP.
    pub(in crate::fleet) fn completed(&mut self, id: u16) {
        if matches!(self.slot(id), Some(Slot::Releasing)) {
            self.give_back(id);
        }
    }

    /// A new connection: writes what is open again, in the order in which it was sent first. Gives how many.
    pub(in crate::fleet) fn resume(
        &mut self,
        present: bool,
        limit: u16,
        speaker: &mut Speaker,
        out: &mut BytesMut,
    ) -> u64 {
        self.limit = usize::from(limit).clamp(1, self.slots.len());
        self.twice.clear();
        let mut open = Vec::new();
        for (id, slot) in (1_u16..).zip(&mut self.slots) {
            match slot {
                Slot::Open(held) => open.push((held.sequence, id, held.clone())),
                Slot::Releasing if present => speaker.release(id, out),
                Slot::Releasing | Slot::Spent => {
                    *slot = Slot::Free;
                    self.free.push(id);
                }
                Slot::Free => {}
            }
        }
        open.sort_by_key(|(sequence, id, held)| (*sequence, held.is_copy, *id));
        for (_, id, held) in &open {
            speaker.publish(*id, held.qos, present, &held.payload, out);
        }
        open.len() as u64
    }

    /// What was never settled.
    pub(in crate::fleet) fn into_open(self) -> impl Iterator<Item = Held> {
        self.slots.into_iter().filter_map(|slot| match slot {
            Slot::Open(held) => Some(held),
            _ => None,
        })
    }

    fn slot(&mut self, id: u16) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(id).checked_sub(1)?)
    }

    fn take(&mut self, id: u16) -> Option<Held> {
        let slot = self.slot(id)?;
        if !matches!(slot, Slot::Open(_)) {
            return None;
        }
        let Slot::Open(held) = std::mem::replace(slot, Slot::Spent) else { return None };
        self.open -= 1;
        Some(held)
    }

    fn give_back(&mut self, id: u16) {
        let is_spent = self.twice.contains(&id);
        if let Some(slot) = self.slot(id) {
            *slot = if is_spent { Slot::Spent } else { Slot::Free };
            if !is_spent {
                self.free.push(id);
            }
        }
    }
}

fn settled(held: &Held, refused: Option<String>, now: Instant) -> Settled {
    let Held { sequence, qos, is_copy, sent, .. } = *held;
    Settled { sequence, qos, is_copy, took: now.saturating_duration_since(sent), refused }
}

#[cfg(test)]
mod tests {
    use super::super::packet::Protocol;
    use super::*;

    fn held(sequence: u64, qos: Qos) -> Held {
        Held { sequence, payload: Bytes::from_static(b"x"), qos, sent: Instant::now(), is_copy: false }
    }

    fn settles(found: Option<Settled>) -> Option<u64> {
        found.map(|settled| settled.sequence)
    }

    /// First byte and identifier of each packet on the topic `t` with one byte of payload, and of each PUBREL.
    fn written(flight: &mut InFlight, present: bool) -> Vec<(u8, u8)> {
        let mut speaker = Speaker::new(Protocol::V311, "x", "t", 60, true);
        let mut out = BytesMut::new();
        flight.resume(present, u16::MAX, &mut speaker, &mut out);
        let mut packets = Vec::new();
        while !out.is_empty() {
            let packet = out.split_to(2 + usize::from(out[1]));
            packets.push((packet[0], if packet[0] == 0x62 { packet[3] } else { packet[6] }));
        }
        packets
    }

    #[test]
    fn identifiers_come_and_go() {
        let (mut flight, now) = (InFlight::new(2), Instant::now());
        let first = flight.hold(held(1, Qos::AtLeastOnce)).unwrap();
        let second = flight.hold(held(2, Qos::ExactlyOnce)).unwrap();
        assert!(!flight.has_room() && flight.hold(held(3, Qos::AtLeastOnce)).is_none());
        assert_eq!(settles(flight.acked(first, None, now)), Some(1));
        assert_eq!(settles(flight.acked(first, None, now)), None, "twice");
        assert_eq!(settles(flight.acked(99, None, now)), None, "never sent");
        assert_eq!(settles(flight.received(second, None, now)), Some(2));
        assert_eq!(settles(flight.received(second, None, now)), None, "twice");
        assert!(!flight.is_empty(), "it waits for PUBCOMP");
        flight.completed(second);
        assert!(flight.is_empty() && flight.has_room());
    }

    #[test]
    fn refusals_settle_and_free() {
        let (mut flight, now) = (InFlight::new(1), Instant::now());
        for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let id = flight.hold(held(1, qos)).unwrap();
            let no = Some("no".to_owned());
            let found = if qos == Qos::AtLeastOnce { flight.acked(id, no, now) } else { flight.received(id, no, now) };
            assert_eq!(found.unwrap().refused.as_deref(), Some("no"));
            assert!(flight.is_empty() && flight.has_room());
        }
    }

    #[test]
    fn a_second_acknowledgement_settles_nothing_else() {
        let (mut flight, now) = (InFlight::new(1), Instant::now());
        let id = flight.hold(held(1, Qos::AtLeastOnce)).unwrap();
        flight.went_twice(id);
        assert_eq!(settles(flight.acked(id, None, now)), Some(1));
        assert!(flight.hold(held(2, Qos::AtLeastOnce)).is_none(), "the identifier rests");
        assert_eq!(settles(flight.acked(id, None, now)), None);
        assert!(written(&mut flight, false).is_empty());
        assert_eq!(flight.hold(held(2, Qos::AtLeastOnce)), Some(id), "on a new connection it is good again");
    }

    #[test]
    fn what_is_open_is_sent_again() {
        let (mut flight, now) = (InFlight::new(4), Instant::now());
        let ids: Vec<u16> = (1..=4).map(|sequence| flight.hold(held(sequence, Qos::ExactlyOnce)).unwrap()).collect();
        assert_eq!(ids, [1, 2, 3, 4]);
        flight.received(1, None, now);
        flight.received(3, None, now);
        flight.completed(3);
        assert_eq!(written(&mut flight, true), [(0x62, 1), (0x3c, 2), (0x3c, 4)]);
        assert_eq!(written(&mut flight, false), [(0x34, 2), (0x34, 4)]);
        assert_eq!(flight.into_open().map(|held| held.sequence).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn the_broker_sets_the_window() {
        let mut flight = InFlight::new(4);
        let mut speaker = Speaker::new(Protocol::V5, "x", "t", 60, true);
        flight.resume(false, 2, &mut speaker, &mut BytesMut::new());
        let taken = (1..=4).filter(|sequence| flight.hold(held(*sequence, Qos::AtLeastOnce)).is_some()).count();
        assert_eq!(taken, 2);
    }
}
