//! Seeded chance, shared by everything that misbehaves in one simulated world.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The same seed rolls the same numbers.
#[derive(Debug, Clone)]
pub struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    /// Dice for one world.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A number from `low` to `high`, both included.
    pub fn number(&self, low: u64, high: u64) -> u64 {
        self.with(|rng| rng.random_range(low..=high))
    }

    /// `true` with this probability.
    pub fn chance(&self, probability: f64) -> bool {
        self.with(|rng| rng.random_bool(probability.clamp(0.0, 1.0)))
    }

    /// A span from zero to `longest`, in whole microseconds.
    pub fn span(&self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.number(0, micros))
    }

    fn with<T>(&self, roll: impl FnOnce(&mut StdRng) -> T) -> T {
        roll(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
