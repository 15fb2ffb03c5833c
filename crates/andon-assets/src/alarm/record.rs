//! What is kept of one alarm of one asset.

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::Samples;
use super::machine::next;
use super::{Debounce, Evaluation, Input};
use crate::definition::AlarmState;

/// One alarm of one asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AlarmRecord {
    pub(crate) state: AlarmState,
    /// Since when it is in that state.
    pub(crate) since: Timestamp,
    /// Number of the last episode, counted from 1.
    pub(crate) episode: u64,
    /// When the last episode began.
    pub(crate) opened: Timestamp,
    /// Whether it still goes on.
    pub(crate) open: bool,
    /// The states of the episode that were told as events.
    told: Vec<AlarmState>,
    pub(crate) debounce: Debounce,
    pub(crate) samples: Samples,
    /// When the property last had a value, or a person last said that all is well, by the plant's time.
    pub(crate) heard: Option<Timestamp>,
    /// Until when it is put aside.
    pub(crate) snoozed_until: Option<Timestamp>,
    /// How the condition was judged last.
    pub(crate) evaluation: Option<Evaluation>,
    /// Whether the definition that is followed has it watched; earlier snapshots do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) from: AlarmState,
    pub(crate) to: AlarmState,
    /// What names the episode in an event: when it began, or when a change outside of any happened.
    pub(crate) stamp: Timestamp,
    /// Whether the episode has not told of this state yet.
    pub(crate) first: bool,
}

impl AlarmRecord {
    /// One that is watched, or not.
    pub(crate) fn new(enabled: bool) -> Self {
        let state = if enabled { AlarmState::Normal } else { AlarmState::Disabled };
        Self { state, enabled: Some(enabled), ..Self::default() }
    }

    /// Goes to the next state, if `input` leads to one.
    pub(crate) fn step(&mut self, input: Input, at: Timestamp, latch: bool) -> Option<Moved> {
        let from = self.state;
        let to = next(from, input, self.debounce.holds, latch)?;
        let was_open = self.open;
        if to == AlarmState::Active && !was_open {
            (self.episode, self.opened, self.open) = (self.episode + 1, at, true);
            self.told.clear();
        }
        if matches!(to, AlarmState::Normal | AlarmState::Disabled) {
            self.open = false;
        }
        if matches!(input, Input::Reset | Input::Enable | Input::Disable) && to != AlarmState::Active {
            self.debounce = Debounce::default();
        }
        if to != AlarmState::SnoozeDisabled {
            self.snoozed_until = None;
        }
        (self.state, self.since) = (to, at);
        let within = was_open || self.open;
        Some(Moved { from, to, stamp: if within { self.opened } else { at }, first: !within || self.tell(to) })
    }

    /// Whether the episode tells of this state for the first time.
    fn tell(&mut self, state: AlarmState) -> bool {
        let first = !self.told.contains(&state);
        self.told.extend(first.then_some(state));
        first
    }
}
