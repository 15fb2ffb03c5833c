//! Whether the journal takes what comes in; a part of readiness.
//!
//! The lane notices a journal that fails only when it has something to commit. On a full disk senders are refused while
//! the lane rests, so that the intakes keep their own account. It is forgotten after a while: whoever sends only to a
//! process that is ready would otherwise never find out that there is room again.

use std::time::Duration;

use andon_journal::JournalError;
use andon_model::{Problem, Timestamp};
use parking_lot::Mutex;

/// How long a failure counts when nothing came in since.
const REMEMBERED: Duration = Duration::from_secs(30);

/// The last append, when it failed.
#[derive(Default)]
pub(crate) struct AppendHealth(Mutex<Option<(Timestamp, Problem)>>);

impl AppendHealth {
    /// Notes how an append ended. Only a failure of the storage says something about the next one.
    pub(crate) fn note<T>(&self, appended: &Result<T, JournalError>, now: Timestamp) {
        *self.0.lock() = match appended {
            Err(error @ JournalError::Storage { .. }) => Some((now, Problem::from(error))),
            Ok(_) | Err(_) => None,
        };
    }

    /// Why the journal does not take what comes in.
    pub(crate) fn problem(&self, now: Timestamp) -> Option<Problem> {
        let failed = self.0.lock();
        let (at, problem) = failed.as_ref()?;
        (now.since(*at) < REMEMBERED).then(|| problem.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_counts_until_an_append_succeeds_or_time_has_passed() {
        let (health, start) = (AppendHealth::default(), Timestamp::default());
        let full = || Err::<(), _>(JournalError::Storage { doing: "appending", cause: "disk full".into() });
        let is_well = |after: Duration| health.problem(start.after(after)).is_none();
        assert!(is_well(Duration::ZERO));
        health.note(&full(), start);
        assert!(!is_well(Duration::from_secs(29)));
        assert!(is_well(Duration::from_secs(30)));
        health.note(&Ok(()), start);
        assert!(is_well(Duration::ZERO));
    }
}
