//! How often requests may be sent, where a step limits it.
//!
//! **Constraints.** Kept in memory: a restart begins anew, so a budget bounds what a running program spends and
//! is no account. Nothing is counted that is not about to be sent.
//!
//! **Life of a call.** Calls are counted in slices of a sixtieth of the period. A slice leaves the count when the
//! whole period lies behind it, so within any period there are never more calls than allowed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use andon_act::CallBudget;
use andon_model::{Name, Timestamp};

/// Slices of a period.
const SLICES: i64 = 60;

/// Most budgets that are kept; configurations have far fewer steps.
const MAX_BUDGETS: usize = 10_000;

/// The budgets of all destinations, under the destination and the budget's own name.
#[derive(Default)]
pub(super) struct Budgets(Mutex<HashMap<(Name, String), Spent>>);

/// The calls of one budget: number of the slice and calls in it, oldest first.
#[derive(Debug, Default)]
struct Spent(VecDeque<(i64, u32)>);

impl Budgets {
    /// Takes one call. The error: none is left, and how long until there is one again.
    pub(super) fn take(&self, destination: &Name, budget: &CallBudget, now: Timestamp) -> Result<(), Duration> {
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = (destination.clone(), budget.name.clone());
        if budgets.len() >= MAX_BUDGETS && !budgets.contains_key(&id) {
            budgets.clear();
        }
        budgets.entry(id).or_default().take(budget, now)
    }
}

impl Spent {
    fn take(&mut self, budget: &CallBudget, now: Timestamp) -> Result<(), Duration> {
        let slice_micros = i64::try_from(budget.per_ms).unwrap_or(i64::MAX).saturating_mul(1_000) / SLICES;
        let slice_micros = slice_micros.max(1);
        // A clock that is set back must not forget what was spent.
        let newest = self.0.back().map_or(i64::MIN, |(slice, _)| *slice);
        let slice = (now.as_micros() / slice_micros).max(newest);
        self.0.retain(|(of, _)| slice.saturating_sub(*of) <= SLICES);
        let spent: u32 = self.0.iter().fold(0, |sum, (_, calls)| sum.saturating_add(*calls));
        if spent >= budget.calls {
            let oldest = self.0.front().map_or(slice, |(slice, _)| *slice);
            let micros = (oldest.saturating_add(SLICES + 1) - slice).saturating_mul(slice_micros);
            return Err(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        }
        match self.0.back_mut() {
            Some((of, calls)) if *of == slice => *calls += 1,
            _ => self.0.push_back((slice, 1)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(calls: u32, per_ms: u64) -> CallBudget {
        CallBudget { name: "notify/summary".into(), calls, per_ms }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::default().after(Duration::from_millis(millis))
    }

    #[test]
    fn a_used_up_budget_refills_when_its_period_is_over() {
        let (budgets, ai, other) = (Budgets::default(), Name::new("ai").expect("name"), Name::new("b").expect("name"));
        let take = |of: &Name, millis| budgets.take(of, &budget(2, 60_000), at(millis));
        assert_eq!([take(&ai, 0), take(&ai, 30_000)], [Ok(()), Ok(())]);
        assert_eq!(take(&ai, 50_000), Err(Duration::from_secs(11)));
        assert_eq!(take(&other, 50_000), Ok(()), "destinations do not share");
        assert_eq!(take(&ai, 61_000), Ok(()));
        assert_eq!(take(&ai, 10_000), Err(Duration::from_secs(30)), "a clock that goes back forgives nothing");
        assert!(budgets.take(&ai, &budget(0, 60_000), at(1_000_000)).is_err(), "no calls at all");
    }

    proptest! {
        #[test]
        fn no_period_has_more_calls_than_allowed(steps in prop::collection::vec(0u64..400, 1..200), calls in 1u32..8) {
            let (mut spent, budget, mut now) = (Spent::default(), budget(calls, 1_000), 0);
            let mut taken: Vec<u64> = Vec::new();
            for step in steps {
                now += step;
                if spent.take(&budget, at(now)).is_ok() {
                    taken.push(now);
                }
                let within = taken.iter().filter(|then| now - **then < 1_000).count();
                prop_assert!(within <= calls as usize);
            }
            prop_assert!(spent.0.len() <= usize::try_from(SLICES).expect("small") + 1);
        }
    }
}
