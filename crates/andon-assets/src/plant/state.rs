//! What the plant knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use andon_model::Timestamp;

use crate::alarm::AlarmRecord;
use crate::definition::Links;
use crate::live::PropertyState;
use crate::model::Fields;
use crate::pattern::Captures;

/// All that changes.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) now: Timestamp,
    pub(super) assets: Vec<Asset>,
    /// By id.
    pub(super) index: HashMap<Arc<str>, usize>,
    /// By the device that reports for them.
    pub(super) devices: HashMap<Arc<str>, usize>,
    /// Measurements by alias: asset and property.
    pub(super) aliases: HashMap<Arc<str>, (usize, usize)>,
    /// Where readings go, by device and topic.
    pub(super) routes: HashMap<Box<str>, Route>,
    /// When something must be looked at, the earliest first.
    pub(super) timers: BTreeSet<Timer>,
    /// What recent values take, in bytes.
    pub(super) bytes: usize,
}

/// Where readings go.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) asset: usize,
    pub(super) fields: Arc<Fields>,
}

/// An asset.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) model: usize,
    pub(super) device: Arc<str>,
    pub(super) links: Links,
    /// Whether the links were set while the plant ran: then they outlive a definition that says others.
    pub(super) linked: bool,
    /// What SAP said when it was asked.
    pub(super) found: Links,
    /// The asset that it is a part of, and in which hierarchy.
    pub(super) parent: Option<(usize, usize)>,
    /// The assets that are parts of it.
    pub(super) parts: Vec<usize>,
    /// What templates of its model are filled in with.
    pub(super) captures: Captures,
    /// Whether a definition says that it is there.
    pub(super) defined: bool,
    pub(super) aliases: BTreeMap<usize, Arc<str>>,
    pub(super) properties: Vec<PropertyState>,
    pub(super) alarms: Vec<AlarmRecord>,
    /// When each metric and each alarm is looked at: properties first.
    pub(super) armed: Vec<Option<Timestamp>>,
}

/// When something of an asset must be looked at. Metrics come before alarms and by rank, so that what follows from another
/// is looked at after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) due: Timestamp,
    /// Rank of the metric; the highest for an alarm.
    pub(super) rank: u32,
    pub(super) asset: usize,
    /// Position in [`Asset::armed`].
    pub(super) slot: usize,
}

impl State {
    /// Sees to it that the slot is looked at no later than `due`. One that is armed earlier stays: it is armed anew then.
    pub(super) fn arm(&mut self, slot: Timer) {
        let armed = &mut self.assets[slot.asset].armed[slot.slot];
        if armed.is_some_and(|due| due <= slot.due) {
            return;
        }
        if let Some(due) = armed.replace(slot.due) {
            self.timers.remove(&Timer { due, ..slot });
        }
        self.timers.insert(slot);
    }
}
