//! What a condition says must last before it counts.
//!
//! It lasts by the values' own times, or by the time of the plant since the first of them was received, whichever comes
//! first: values that arrive late in one burst are judged by their times alone, and a device that falls silent does not
//! keep its alarm from becoming active.

use std::time::Duration;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::Verdict;

/// What counts at present, and what may count soon.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Debounce {
    /// Whether the condition counts as holding.
    pub(crate) holds: bool,
    pending: Option<Pending>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pending {
    /// Time of the first value that says otherwise.
    since: Timestamp,
    /// When that counts if no value takes it back.
    due: Timestamp,
}

impl Debounce {
    /// Takes what the condition says of a value at `ts`, received at `now`; `wait` is how long it must last, to hold and
    /// to be over. Returns whether what counts has changed.
    pub(crate) fn judge(
        &mut self,
        verdict: Verdict,
        ts: Timestamp,
        now: Timestamp,
        wait: (Duration, Duration),
    ) -> bool {
        let says = match verdict {
            Verdict::Holds => true,
            Verdict::Over => false,
            Verdict::Between => self.holds,
        };
        if says == self.holds {
            self.pending = None;
            return false;
        }
        let wait = if says { wait.0 } else { wait.1 };
        let pending = self.pending.get_or_insert(Pending { since: ts, due: now.after(wait) });
        let lasted = ts.since(pending.since) >= wait;
        if lasted {
            self.flip();
        }
        lasted
    }

    /// Lets time pass; returns whether what counts has changed.
    pub(crate) fn tick(&mut self, now: Timestamp) -> bool {
        let due = self.wake().is_some_and(|due| due <= now);
        if due {
            self.flip();
        }
        due
    }

    /// When what counts changes if no value comes.
    pub(crate) fn wake(&self) -> Option<Timestamp> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    fn flip(&mut self) {
        self.holds = !self.holds;
        self.pending = None;
    }
}
