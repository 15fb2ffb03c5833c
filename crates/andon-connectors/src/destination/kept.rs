//! A value that is fetched when it is needed, by one of those who need it, and kept while it is good.
//!
//! However many ask at once, one fetches and the others wait for what it brings, a failure included. A value
//! that is due is kept on when the next one cannot be had and it has not ended yet.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use andon_model::{Problem, Timestamp};
use tokio::sync::Mutex as AsyncMutex;

/// How long something is kept that has no end of its own, before it is looked at again.
const PERIOD: Duration = Duration::from_mins(5);

/// How long such a thing stays in use while nobody can say what comes after it.
const WITHOUT_NEWS: Duration = Duration::from_hours(24);

/// Pause after a failure during which the value of before is still used.
const PAUSE: Duration = Duration::from_secs(30);

/// Longest time before its end at which a token is replaced.
const MAX_MARGIN: Duration = Duration::from_mins(1);

/// Longest life of a token that is believed.
const MAX_LIFE: Duration = Duration::from_hours(24);

/// How long a value is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// From here on it is replaced.
    pub(super) due: Timestamp,
    /// From here on it is not used any more.
    pub(super) end: Timestamp,
}

impl Life {
    /// Of what has no end of its own, such as a password.
    pub(super) fn of_secret(now: Timestamp) -> Self {
        Self { due: now.after(PERIOD), end: now.after(WITHOUT_NEWS) }
    }

    /// Of a token that expires after these seconds; unsaid, it is taken for a short one.
    pub(super) fn of_token(now: Timestamp, seconds: Option<u64>) -> Self {
        let life = seconds.map_or(PERIOD, Duration::from_secs).min(MAX_LIFE);
        Self { due: now.after(life.saturating_sub((life / 10).min(MAX_MARGIN))), end: now.after(life) }
    }

    /// Of what needs both.
    pub(super) fn and(self, other: Self) -> Self {
        Self { due: self.due.min(other.due), end: self.end.min(other.end) }
    }
}

/// A value, the time that it is good, and the one fetch at a time that replaces it.
pub(super) struct Kept<T> {
    held: AsyncMutex<Held<T>>,
    /// Fetches that ended, well or not.
    ended: AtomicU64,
}

struct Held<T> {
    entry: Option<(Arc<T>, Life)>,
    failed: Option<Problem>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { held: AsyncMutex::new(Held { entry: None, failed: None }), ended: AtomicU64::new(0) }
    }
}

impl<T> Kept<T> {
    /// The value; `fetch` is awaited when there is none, when it is due, or when it is `stale`.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        stale: Option<&Arc<T>>,
        fetch: impl Future<Output = Result<(T, Life), Problem>>,
    ) -> Result<Arc<T>, Problem> {
        let ended_before = self.ended.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        if let Some(value) = held.current(stale, |life| now < life.due) {
            return Ok(value);
        }
        if let Some(problem) = held.failed.clone().filter(|_| self.ended.load(Ordering::Acquire) > ended_before) {
            return Err(problem);
        }
        let fetched = fetch.await;
        self.ended.fetch_add(1, Ordering::AcqRel);
        held.settle(now, stale, fetched)
    }

    /// Forgets the value, as after it was refused.
    pub(super) async fn forget(&self) {
        self.held.lock().await.entry = None;
    }
}

impl<T> Held<T> {
    fn current(&self, stale: Option<&Arc<T>>, good: impl Fn(&Life) -> bool) -> Option<Arc<T>> {
        let (value, life) = self.entry.as_ref()?;
        let refused = stale.is_some_and(|stale| Arc::ptr_eq(stale, value));
        (!refused && good(life)).then(|| Arc::clone(value))
    }

    fn settle(
        &mut self,
        now: Timestamp,
        stale: Option<&Arc<T>>,
        fetched: Result<(T, Life), Problem>,
    ) -> Result<Arc<T>, Problem> {
        match fetched {
            Ok((value, life)) => {
                let value = Arc::new(value);
                *self = Self { entry: Some((Arc::clone(&value), life)), failed: None };
                Ok(value)
            }
            Err(problem) => self.keep_on(now, stale).ok_or_else(|| {
                *self = Self { entry: None, failed: Some(problem.clone()) };
                problem
            }),
        }
    }

    /// The value of before, for a while, when it has not ended.
    fn keep_on(&mut self, now: Timestamp, stale: Option<&Arc<T>>) -> Option<Arc<T>> {
        let value = self.current(stale, |life| now < life.end)?;
        if let Some((_, life)) = &mut self.entry {
            life.due = now.after(PAUSE).min(life.end);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use andon_model::Code;
    use std::sync::atomic::AtomicU32;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(Duration::from_secs(seconds))
    }

    fn failure() -> Problem {
        Problem::new(Code::Unreachable, "nobody there")
    }

    /// Asks at a time; `brings` is what a fetch would bring, good for 100 seconds from then on.
    async fn ask(kept: &Kept<u32>, seconds: u64, brings: Option<u32>) -> Option<u32> {
        let fetched = brings.map(|value| (value, Life::of_token(at(seconds), Some(100)))).ok_or_else(failure);
        kept.get(at(seconds), None, async { fetched }).await.ok().map(|value| *value)
    }

    #[tokio::test]
    async fn a_value_is_replaced_before_it_ends_and_outlives_a_failure() {
        let kept = Kept::default();
        assert_eq!(ask(&kept, 0, None).await, None);
        assert_eq!(ask(&kept, 0, Some(1)).await, Some(1));
        assert_eq!(ask(&kept, 89, Some(2)).await, Some(1));
        assert_eq!(ask(&kept, 90, None).await, Some(1), "it is due, but has not ended");
        assert_eq!(ask(&kept, 95, Some(2)).await, Some(1), "not asked again at once");
        assert_eq!(ask(&kept, 100, None).await, None, "it has ended");
        assert_eq!(ask(&kept, 100, Some(3)).await, Some(3));
        assert_eq!(ask(&kept, 190, Some(4)).await, Some(4));
        kept.forget().await;
        assert_eq!(ask(&kept, 190, Some(5)).await, Some(5));
    }

    #[tokio::test]
    async fn a_refused_value_is_replaced_by_one_of_those_who_met_it() {
        let kept = Kept::<u32>::default();
        let fetched = AtomicU32::new(0);
        let fetch = async || {
            tokio::task::yield_now().await;
            let number = fetched.fetch_add(1, Ordering::Relaxed);
            Ok((number, Life::of_secret(at(0))))
        };
        let (a, b) = tokio::join!(kept.get(at(0), None, fetch()), kept.get(at(0), None, fetch()));
        let (a, b) = (a.expect("value"), b.expect("value"));
        assert!(Arc::ptr_eq(&a, &b));
        let (c, d) = tokio::join!(kept.get(at(0), Some(&a), fetch()), kept.get(at(0), Some(&b), fetch()));
        assert_eq!((*c.expect("value"), *d.expect("value")), (1, 1));
        assert_eq!(fetched.into_inner(), 2);
    }

    #[tokio::test]
    async fn those_who_waited_share_a_failure() {
        let kept = Kept::<u32>::default();
        let fetched = AtomicU32::new(0);
        let fetch = async || {
            tokio::task::yield_now().await;
            fetched.fetch_add(1, Ordering::Relaxed);
            Err(failure())
        };
        let (a, b) = tokio::join!(kept.get(at(0), None, fetch()), kept.get(at(0), None, fetch()));
        assert!(a.is_err() && b.is_err());
        assert!(kept.get(at(0), None, fetch()).await.is_err());
        assert_eq!(fetched.into_inner(), 2);
    }

    #[test]
    fn lives_are_bounded() {
        let long = Life::of_token(at(0), Some(u64::MAX));
        assert_eq!((long.due, long.end), (at(86_340), at(86_400)));
        let unsaid = Life::of_token(at(0), None);
        assert_eq!((unsaid.due, unsaid.end), (at(270), at(300)));
        let over = Life::of_token(at(5), Some(0));
        assert_eq!((over.due, over.end), (at(5), at(5)));
        assert_eq!(long.and(unsaid), unsaid);
    }
}
