//! What all devices of a run share, and what they are told.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::counters::FleetCounters;
use super::ledger::LedgerDesk;
use super::plan::FleetPlan;
use crate::fleet::mqtt::link::Place;

/// What all devices of a run share.
pub(super) struct Shared {
    pub(super) plan: FleetPlan,
    pub(super) counters: Arc<FleetCounters>,
    pub(super) place: Place,
    pub(super) ledger: LedgerDesk,
    pub(super) start: Instant,
    /// First connects that may be under way at the same time. Reconnects are not held back: a storm is a storm.
    pub(super) first_connects: Semaphore,
}

/// What devices are told while they run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signals {
    /// Since when they may publish.
    pub(super) go: Option<Instant>,
    /// How many storms there were.
    pub(super) storms: u64,
    /// Whether they are to come to an end.
    pub(super) stop: bool,
}
