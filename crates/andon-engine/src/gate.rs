//! The gate of a destination: how many requests at once, and none while its circuit is open.
//!
//! A run passes the gate *before* it is marked as sending, so that a crash leaves no request in doubt
//! that was never sent.

use std::collections::VecDeque;

use andon_act::{Admission, Answer, Breaker, DestinationLimits, Found};
use andon_model::{RunId, Timestamp};

/// Runs that wait for a destination, first come, first served.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    queue: VecDeque<RunId>,
    under_way: usize,
    breaker: Breaker,
}

/// What the gate says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// This run may go; the gate counts it as under way.
    Go(RunId),
    /// Nobody may go before this time.
    Until(Timestamp),
    /// Nobody waits, or every place is taken.
    Nobody,
}

impl Gate {
    /// Queues a run.
    pub(crate) fn ask(&mut self, run: RunId) {
        self.queue.push_back(run);
    }

    /// The next run that may go; runs that no longer want to are skipped.
    pub(crate) fn next(
        &mut self,
        limits: &DestinationLimits,
        now: Timestamp,
        still_wants: impl Fn(&RunId) -> bool,
    ) -> Pass {
        while self.queue.front().is_some_and(|run| !still_wants(run)) {
            self.queue.pop_front();
        }
        if self.queue.is_empty() || self.under_way >= limits.max_concurrency {
            return Pass::Nobody;
        }
        match self.breaker.admit(limits, now) {
            Admission::Until(at) => Pass::Until(at),
            Admission::Granted => match self.queue.pop_front() {
                Some(run) => {
                    self.under_way += 1;
                    Pass::Go(run)
                }
                None => Pass::Nobody,
            },
        }
    }

    /// A run that went through ended its request; `alive` says whether the destination reacted.
    pub(crate) fn came_back(&mut self, alive: bool, limits: &DestinationLimits, now: Timestamp) {
        self.under_way = self.under_way.saturating_sub(1);
        if alive { self.breaker.succeeded() } else { self.breaker.failed(limits, now) }
    }

    /// A run that went through sends nothing after all: as if it had never passed.
    pub(crate) fn gave_back(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.breaker.abandon_trial();
    }

    /// Whether requests are held back.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.breaker.is_open(now)
    }
}

/// Whether an answer shows that the destination works, whatever it thinks of the request.
pub(crate) fn is_alive(answer: &Answer) -> bool {
    matches!(answer, Answer::Done(_) | Answer::Refused { .. })
}

/// Whether a probe shows that the destination works.
pub(crate) fn found_alive(found: &Found) -> bool {
    !matches!(found, Found::Unknown(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DestinationLimits =
        DestinationLimits { max_concurrency: 2, open_after: 1, open_for: std::time::Duration::from_secs(1) };

    fn run(n: u32) -> RunId {
        RunId::new(n.to_string())
    }

    #[test]
    fn keeps_order_and_limit() {
        let (mut gate, now) = (Gate::default(), Timestamp::default());
        (0..4).for_each(|n| gate.ask(run(n)));
        assert_eq!(gate.next(&LIMITS, now, |r| r != &run(0)), Pass::Go(run(1)));
        assert_eq!(gate.next(&LIMITS, now, |_| true), Pass::Go(run(2)));
        assert_eq!(gate.next(&LIMITS, now, |_| true), Pass::Nobody);
        gate.came_back(true, &LIMITS, now);
        assert_eq!(gate.next(&LIMITS, now, |_| true), Pass::Go(run(3)));
    }

    #[test]
    fn an_open_circuit_holds_back() {
        let (mut gate, now) = (Gate::default(), Timestamp::default());
        (0..3).for_each(|n| gate.ask(run(n)));
        assert_eq!(gate.next(&LIMITS, now, |_| true), Pass::Go(run(0)));
        gate.came_back(false, &LIMITS, now);
        let later = now.after(LIMITS.open_for);
        assert_eq!(gate.next(&LIMITS, now, |_| true), Pass::Until(later));
        assert_eq!(gate.next(&LIMITS, later, |_| true), Pass::Go(run(1)));
        assert!(matches!(gate.next(&LIMITS, later, |_| true), Pass::Until(_)), "one trial at a time");
    }
}
