//! Time that passes.

use andon_model::Timestamp;

use super::turn::Turn;
use crate::model::Source;

impl Turn<'_> {
    /// Lets time pass up to `now`: whatever is due on the way happens at its own time, in order. So it makes no difference
    /// in how many steps time passes.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(timer) = self.state.timers.first().copied().filter(|timer| timer.due <= now) {
            self.state.timers.remove(&timer);
            self.state.assets[timer.asset].armed[timer.slot] = None;
            self.state.now = self.state.now.max(timer.due);
            self.at = timer.due;
            self.wake(timer.asset, timer.slot);
        }
        self.state.now = self.state.now.max(now);
        self.at = now;
    }

    fn wake(&mut self, asset: usize, slot: usize) {
        let properties = self.state.assets[asset].properties.len();
        if slot >= properties {
            self.wake_alarm(asset, slot - properties);
        } else if let Source::Metric { cut, .. } = &self.property(asset, slot).source {
            self.close_due(asset, slot, *cut);
        }
    }
}
