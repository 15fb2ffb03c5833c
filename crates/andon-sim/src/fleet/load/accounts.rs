//! What one device has sent and been told, entered into the counters of the fleet and into the ledger.

use std::sync::Arc;

use tokio::time::Instant;

use super::counters::MessageCounters;
use super::ledger::LedgerEntry;
use super::shared::Shared;
use crate::fleet::faults::DeviceFault;
use crate::fleet::mqtt::Qos;
use crate::fleet::mqtt::in_flight::{Held, Settled};
use crate::fleet::payload::Profile;

/// The accounts of one device.
pub(super) struct Accounts {
    shared: Arc<Shared>,
    name: Arc<str>,
    profile: Profile,
    entries: Vec<LedgerEntry>,
}

impl Accounts {
    pub(super) fn open(shared: Arc<Shared>, name: &str, profile: Profile) -> Self {
        let accounts = Self { shared, name: name.into(), profile, entries: Vec::new() };
        accounts.messages().devices.add(1);
        accounts
    }

    /// The counters of the device's profile.
    pub(super) fn messages(&self) -> &MessageCounters {
        &self.shared.counters.messages[self.profile.index()]
    }

    /// A fault was met.
    pub(super) fn met(&self, fault: DeviceFault) {
        self.shared.counters.met(fault);
    }

    /// A message was sent for the first time.
    pub(super) fn sent(&mut self, held: &Held, now: Instant) {
        let messages = self.messages();
        messages.sent.add(1);
        messages.bytes.add(held.payload.len() as u64);
        if held.qos == Qos::AtMostOnce {
            messages.unanswerable.add(1);
            self.enter(held.sequence, held.qos, false, None);
        }
        self.shared.counters.message_at(now.saturating_duration_since(self.shared.start));
    }

    /// The broker has answered. What becomes of copies is not noted.
    pub(super) fn settled(&mut self, settled: Settled, now: Instant) {
        if settled.is_copy {
            return;
        }
        let messages = self.messages();
        match &settled.refused {
            None => {
                messages.acknowledged.add(1);
                messages.latency.count(settled.took);
            }
            Some(reason) => {
                messages.refused.add(1);
                self.shared.counters.because(&format!("message refused: {reason}"));
            }
        }
        self.shared.counters.message_at(now.saturating_duration_since(self.shared.start));
        self.enter(settled.sequence, settled.qos, settled.refused.is_none(), settled.refused);
    }

    /// It never will.
    pub(super) fn unsettled(&mut self, held: &Held) {
        if !held.is_copy {
            self.enter(held.sequence, held.qos, false, None);
        }
    }

    fn enter(&mut self, sequence: u64, qos: Qos, acknowledged: bool, refused: Option<String>) {
        if self.shared.ledger.is_open() {
            let (device, qos) = (Arc::clone(&self.name), qos.number());
            self.entries.push(LedgerEntry { device, sequence, qos, acknowledged, refused });
        }
    }

    /// The lines for the ledger since the last time.
    pub(super) fn take_entries(&mut self) -> Vec<LedgerEntry> {
        std::mem::take(&mut self.entries)
    }
}
