//! The time that a request may take, with all exchanges that belong to it.

use std::time::Duration;

use tokio::time::Instant;

/// Time for each exchange, and for all of them together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    each: Duration,
    until: Instant,
}

impl Allowance {
    /// `each` for an exchange, and `exchanges` times as much for all, from now on.
    pub(super) fn new(each: Duration, exchanges: u32) -> Self {
        let begun = Instant::now();
        Self { each, until: begun.checked_add(each.saturating_mul(exchanges)).unwrap_or(begun) }
    }

    /// Time for the next exchange; `None` when all of it is used up.
    pub(super) fn next(&self) -> Option<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| left.min(self.each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_gets_its_share_of_what_is_left() {
        let minute = Duration::from_mins(1);
        assert_eq!(Allowance::new(minute, 4).next(), Some(minute));
        assert!(Allowance::new(minute, 1).next().is_some_and(|left| left <= minute));
        assert_eq!(Allowance::new(Duration::ZERO, 4).next(), None);
    }
}
