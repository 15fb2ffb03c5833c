//! Places for queries: so many at once, and of one caller no more than half of them. The program's own have no caller, are
//! short, and may have all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use andon_model::{Code, Problem};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a query waits for its place: what a page asks at once follows each other, and nobody waits for a minute to be
/// told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// Places of all queries.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    at_once: usize,
    /// Places of each caller that has a query, or waits with one.
    own: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(at_once: usize) -> Self {
        let at_once = at_once.max(1);
        Self { all: Arc::new(Semaphore::new(at_once)), at_once, own: Mutex::default() }
    }

    /// A place for a query of `caller`; empty for the program's own.
    pub(crate) async fn take(&self, caller: &str) -> Result<Place, Problem> {
        let own = self.of(caller);
        let both = async { Ok((own.acquire_owned().await?, Arc::clone(&self.all).acquire_owned().await?)) };
        match timeout(PATIENCE, both).await {
            Ok(Ok((own, all))) => Ok(Place { _own: own, _all: all }),
            Ok(Err::<_, tokio::sync::AcquireError>(closed)) => Err(Problem::new(Code::Internal, closed.to_string())),
            Err(_) => Err(self.busy()),
        }
    }

    fn of(&self, caller: &str) -> Arc<Semaphore> {
        let mut own = self.own.lock();
        own.retain(|_, places| Arc::strong_count(places) > 1);
        let count = if caller.is_empty() { self.at_once } else { self.half() };
        Arc::clone(own.entry(caller.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(count))))
    }

    fn half(&self) -> usize {
        (self.at_once / 2).max(1)
    }

    fn busy(&self) -> Problem {
        let (all, half) = (self.at_once, self.half());
        let detail =
            format!("the lake answers other queries: {all} at once, of one caller {half}; try again in a few seconds");
        Problem::new(Code::BackPressure, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_caller_leaves_places_to_others() {
        let places = Places::new(4);
        let _held = (places.take("a").await.expect("a place"), places.take("a").await.expect("a place"));
        assert_eq!(places.take("a").await.err().expect("too many").code, Code::BackPressure);
        let others = (places.take("b").await.expect("a place"), places.take("").await.expect("a place"));
        assert_eq!(places.take("c").await.err().expect("all are taken").code, Code::BackPressure);
        drop(others);
        assert!(places.take("c").await.is_ok());
        assert_eq!(places.own.lock().len(), 2, "of a, and of c until the next comes");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_next_place() {
        let places = Arc::new(Places::new(1));
        let held = places.take("a").await.expect("a place");
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take("a").await.is_ok() }
        });
        tokio::time::sleep(PATIENCE / 2).await;
        drop(held);
        assert!(waiting.await.expect("no panic"));
    }
}
