//! What has happened so far, counted by all devices at once and readable at any time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::Histogram;
use crate::fleet::faults::DeviceFault;
use crate::fleet::payload::Profile;
use crate::lock::hold;

/// Different reasons that are kept.
const MAX_REASONS: usize = 20;
/// Longest part of a reason that is kept.
const MAX_REASON_CHARS: usize = 120;

/// A number that many tasks add to.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Raises it to `number`, if that is more.
    pub(super) fn raise(&self, number: u64) {
        self.0.fetch_max(number, Ordering::Relaxed);
    }
}

/// The messages of the devices of one profile.
pub(super) struct MessageCounters {
    pub(super) devices: Count,
    /// Messages that were made and written to a connection, each once.
    pub(super) sent: Count,
    /// Those that the broker took: PUBACK, PUBREC.
    pub(super) acknowledged: Count,
    /// Those that it refused.
    pub(super) refused: Count,
    /// Those of QoS 0, for which there is no answer.
    pub(super) unanswerable: Count,
    /// Publishes beyond the first of a message: duplicates, and what was sent again.
    pub(super) copies: Count,
    /// Bytes of payload, copies not counted.
    pub(super) bytes: Count,
    /// Messages that were due and never made, because the device could not keep up.
    pub(super) skipped: Count,
    /// From sending to acknowledgement.
    pub(super) latency: Histogram,
}

impl MessageCounters {
    pub(super) fn new() -> Self {
        Self {
            devices: Count::default(),
            sent: Count::default(),
            acknowledged: Count::default(),
            refused: Count::default(),
            unanswerable: Count::default(),
            copies: Count::default(),
            bytes: Count::default(),
            skipped: Count::default(),
            latency: Histogram::new(),
        }
    }

    /// Adds to another what was counted here.
    pub(super) fn add_to(&self, other: &Self) {
        let pairs = [
            (&self.devices, &other.devices),
            (&self.sent, &other.sent),
            (&self.acknowledged, &other.acknowledged),
            (&self.refused, &other.refused),
            (&self.unanswerable, &other.unanswerable),
            (&self.copies, &other.copies),
            (&self.bytes, &other.bytes),
            (&self.skipped, &other.skipped),
        ];
        for (from, to) in pairs {
            to.add(from.get());
        }
        self.latency.add_to(&other.latency);
    }
}

/// The counters of a fleet.
pub struct FleetCounters {
    pub(super) messages: [MessageCounters; Profile::ALL.len()],
    pub(super) faults: [Count; DeviceFault::ALL.len()],
    pub(super) attempts: Count,
    pub(super) connected: Count,
    pub(super) reconnected: Count,
    pub(super) refused: Count,
    pub(super) failed: Count,
    /// Connections that ended without the device's doing.
    pub(super) lost: Count,
    /// Connections that are open.
    pub(super) closed: Count,
    /// From TCP to CONNACK.
    pub(super) connecting: Histogram,
    /// Microseconds from the start to the last first connect.
    pub(super) all_connected: Count,
    /// Microseconds from the start to the last message or acknowledgement.
    pub(super) last_message: Count,
    reasons: Mutex<BTreeMap<String, u64>>,
}

/// How far a fleet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetProgress {
    /// Devices that are connected.
    pub online: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Connects after the first of each device.
    pub reconnected: u64,
}

impl FleetCounters {
    pub(super) fn new() -> Self {
        Self {
            messages: std::array::from_fn(|_| MessageCounters::new()),
            faults: std::array::from_fn(|_| Count::default()),
            attempts: Count::default(),
            connected: Count::default(),
            reconnected: Count::default(),
            refused: Count::default(),
            failed: Count::default(),
            lost: Count::default(),
            closed: Count::default(),
            connecting: Histogram::new(),
            all_connected: Count::default(),
            last_message: Count::default(),
            reasons: Mutex::new(BTreeMap::new()),
        }
    }

    /// How far the fleet is.
    pub fn progress(&self) -> FleetProgress {
        let sum = |of: fn(&MessageCounters) -> &Count| self.messages.iter().map(|counters| of(counters).get()).sum();
        FleetProgress {
            online: (self.connected.get() + self.reconnected.get()).saturating_sub(self.closed.get()),
            sent: sum(|counters| &counters.sent),
            acknowledged: sum(|counters| &counters.acknowledged),
            reconnected: self.reconnected.get(),
        }
    }

    pub(super) fn met(&self, fault: DeviceFault) {
        if let Some(count) = self.faults.get(fault.index()) {
            count.add(1);
        }
    }

    /// Counts a reason for which a connect or connection or message failed.
    pub(super) fn because(&self, reason: &str) {
        let reason: String = reason.chars().take(MAX_REASON_CHARS).collect();
        let mut reasons = hold(&self.reasons);
        if reasons.len() < MAX_REASONS || reasons.contains_key(&reason) {
            *reasons.entry(reason).or_default() += 1;
        }
    }

    pub(super) fn reasons(&self) -> BTreeMap<String, u64> {
        hold(&self.reasons).clone()
    }

    /// Something happened to a message this long after the start.
    pub(super) fn message_at(&self, since_start: Duration) {
        self.last_message.raise(u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX));
    }
}
