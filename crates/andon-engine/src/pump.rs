//! Pulled sources: ask, append, and only then acknowledge.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use andon_journal::{Append, Batch, NewQuarantine, Source, SourceError};
use andon_model::{Name, Problem};
use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::intake::append_and_wake;
use crate::screening::screen;
use crate::telemetry;

/// First wait after a failure; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How long a full backlog holds a source back before it looks again.
const BACKLOG_WAIT: Duration = Duration::from_millis(500);

/// The pumps of the configuration in force.
#[derive(Default)]
pub(crate) struct Pumps {
    stop: CancellationToken,
    failing: BTreeMap<Name, Problem>,
}

impl Pumps {
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn failing(&self) -> BTreeMap<Name, Problem> {
        self.failing.clone()
    }
}

/// Stops the pumps in force and starts these. A batch that is cut off is read again by the new pump.
pub(crate) fn restart(shared: &Arc<Shared>, sources: Vec<(Name, Box<dyn Source>)>) {
    let stop = shared.stop.child_token();
    {
        let mut pumps = shared.pumps.lock();
        pumps.stop.cancel();
        *pumps = Pumps { stop: stop.clone(), failing: BTreeMap::new() };
    }
    for (name, source) in sources {
        let (shared, stop) = (shared.clone(), stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(pump(&shared, &name, source)).await });
    }
}

async fn pump(shared: &Shared, name: &Name, mut source: Box<dyn Source>) {
    let (mut wait, mut failures) = (FIRST_WAIT, 0);
    loop {
        while shared.backlog() >= shared.settings.max_backlog {
            tokio::time::sleep(BACKLOG_WAIT).await;
        }
        match move_batch(shared, name, source.as_mut()).await {
            Ok(()) => {
                wait = FIRST_WAIT;
                shared.pumps.lock().failing.remove(name);
            }
            Err(SourceError(problem)) => {
                telemetry::source_failed(name, &problem);
                shared.pumps.lock().failing.insert(name.clone(), problem);
                tokio::time::sleep(jittered(name, failures, wait)).await;
                failures = failures.wrapping_add(1);
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

/// The wait, shortened by up to half: sources that fail together, as when a broker restarts, do not come back together.
/// Drawn from name and count, so that it needs no chance.
fn jittered(name: &Name, failures: u32, wait: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    (name.as_str(), failures).hash(&mut hasher);
    let share = u32::try_from(hasher.finish() % 1_000).unwrap_or_default();
    wait / 2 + wait * share / 2_000
}

async fn move_batch(shared: &Shared, name: &Name, source: &mut dyn Source) -> Result<(), SourceError> {
    let Batch { mut events, attachments, mut quarantine, marks, passed, checkpoint } = source.next().await?;
    quarantine.extend(screen(&mut events, None).into_iter().map(|(problem, raw)| NewQuarantine {
        source: name.clone(),
        problem,
        content_type: None,
        headers: Vec::new(),
        path: String::new(),
        raw,
    }));
    let (of, at) = (Some(name.clone()), shared.clock.now());
    let append = Append { source: of, events, attachments, quarantine, marks, checkpoint, at };
    append_and_wake(shared, append).await.map_err(|error| SourceError(Problem::from(&error)))?;
    telemetry::passed(name, passed);
    source.acknowledge().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_shortened_by_name_and_count() {
        let wait = |name: &str, failures| jittered(&Name::new(name).expect("name"), failures, Duration::from_mins(1));
        let waits: Vec<Duration> = (0..100).map(|failures| wait("plant", failures)).collect();
        assert!(waits.iter().all(|wait| (30..=60).contains(&wait.as_secs())), "{waits:?}");
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
        assert_eq!(wait("plant", 7), waits[7]);
        assert_ne!(wait("plant", 7), wait("other", 7));
    }
}
