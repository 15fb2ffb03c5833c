//! Faults on demand: which kinds, how often, and the reproducible draw per request.
//!
//! **Constraints.** No ambient randomness: a draw is a function of seed, subject and attempt, so a storm
//! repeats exactly whatever the order in which concurrent requests arrive.

mod draw;
mod kind;
mod profile;

use std::collections::HashMap;
use std::sync::Mutex;

pub(crate) use draw::{Draw, GOLDEN, Moment, fingerprint, mix, unit};
pub use kind::FaultKind;
pub(crate) use kind::Scope;
pub use profile::{FaultProfile, FaultTextError};

use crate::lock::hold;

/// Most subjects whose attempts are counted; beyond it every request counts as a first attempt.
const MAX_SUBJECTS: usize = 2_000_000;

/// The profile in force, and how often each subject was seen under it.
pub(crate) struct Faults {
    state: Mutex<State>,
}

struct State {
    seed: u64,
    profile: FaultProfile,
    attempts: HashMap<u64, u32>,
}

impl Faults {
    pub(crate) fn new(seed: u64, profile: &FaultProfile) -> Self {
        let profile = *profile;
        Self { state: Mutex::new(State { seed, profile, attempts: HashMap::new() }) }
    }

    /// Replaces seed and profile and starts counting attempts afresh.
    pub(crate) fn replace(&self, seed: u64, profile: &FaultProfile) {
        let profile = *profile;
        *hold(&self.state) = State { seed, profile, attempts: HashMap::new() };
    }

    /// Starts counting attempts afresh.
    pub(crate) fn forget_attempts(&self) {
        hold(&self.state).attempts.clear();
    }

    /// Seed and profile in force.
    pub(crate) fn current(&self) -> (u64, FaultProfile) {
        let state = hold(&self.state);
        (state.seed, state.profile)
    }

    /// Whether no request can meet a fault.
    pub(crate) fn is_quiet(&self) -> bool {
        hold(&self.state).profile.is_quiet()
    }

    /// Draws for the next attempt at `subject`; a scope is given for what modifies, none for a read.
    pub(crate) fn draw(&self, subject: u64, scope: Option<Scope>) -> Draw {
        let mut state = hold(&self.state);
        let attempt = state.count(subject);
        match scope {
            Some(scope) => draw::for_change(&state.profile, state.seed, scope, subject, attempt),
            None => draw::for_read(&state.profile, state.seed, subject, attempt),
        }
    }
}

impl State {
    fn count(&mut self, subject: u64) -> u32 {
        if self.attempts.len() >= MAX_SUBJECTS && !self.attempts.contains_key(&subject) {
            return 1;
        }
        let attempt = self.attempts.entry(subject).or_insert(0);
        *attempt = attempt.saturating_add(1);
        *attempt
    }
}
