//! When to try again.

use std::time::Duration;

use serde::Deserialize;

/// When to try again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Most attempts of one step.
    pub attempts: u32,
    /// Wait before the second attempt; doubles with every further one.
    #[serde(with = "humantime_serde")]
    pub base: Duration,
    /// Longest wait.
    #[serde(with = "humantime_serde")]
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 200, base: Duration::from_millis(500), max: Duration::from_mins(5) }
    }
}

impl RetryPolicy {
    /// The wait after `attempt` (counted from 1): exponential, half of it jittered by `jitter`.
    pub(crate) fn wait(&self, attempt: u32, jitter: u64) -> Duration {
        let factor = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let full = self.base.saturating_mul(factor).min(self.max);
        let half = full / 2;
        let share = u32::try_from(jitter % 1_000).unwrap_or(0);
        half + (half * share) / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_their_limits() {
        let policy = RetryPolicy { attempts: 9, base: Duration::from_millis(100), max: Duration::from_secs(1) };
        let waits = |jitter| [1, 2, 3, 40].map(|attempt| policy.wait(attempt, jitter).as_millis());
        assert_eq!(waits(0), [50, 100, 200, 500]);
        assert_eq!(waits(999), [99, 199, 399, 999]);
    }
}
