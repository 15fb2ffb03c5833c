//! The present as the runtime sees it: with paused time a simulation decides how it passes.

use andon_model::{Clock, Timestamp};
use tokio::time::Instant;

/// A clock that follows tokio's time, beginning at a fixed date.
#[derive(Debug, Clone, Copy)]
pub struct RuntimeClock {
    begun: Instant,
    date: Timestamp,
}

impl RuntimeClock {
    /// Begins now, at 2026-01-01T00:00:00Z. Must be called within a runtime.
    pub fn start() -> Self {
        Self { begun: Instant::now(), date: Timestamp::from_micros(1_767_225_600_000_000) }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        self.date.after(self.begun.elapsed())
    }
}
