//! Values as they change, for whoever watches.
//!
//! **Constraints.** The lane never waits for a watcher. The newest updates are kept, up to a number of entries, for
//! those who are slower than the plant and those who come back; who needs older ones is told how many are missing, and
//! goes on with the oldest that are there. The latest values can be asked for at any time.
//!
//! **Order.** Updates are numbered in the order in which the plant made them. That is not the order of times: a value may
//! be late, and a metric is told when its window closes. So a watcher's place is a number of an update ([`LivePlace`]),
//! of this process alone: another one counts from the beginning.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Weak};

use andon_assets::{Change, Transition};
use andon_model::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

/// What a few inputs have changed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveUpdate {
    /// New values, in order.
    pub changes: Vec<Change>,
    /// Alarms that went to another state, in order.
    pub transitions: Vec<Transition>,
    /// Ids of assets that were created.
    pub created: Vec<Arc<str>>,
}

impl LiveUpdate {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.entries() == 0
    }

    fn entries(&self) -> usize {
        self.changes.len() + self.transitions.len() + self.created.len()
    }

    /// What concerns these assets, and of their values these properties. Empty sets leave nothing out.
    fn only(&self, assets: &BTreeSet<String>, properties: &BTreeSet<String>) -> Self {
        let watched = |asset: &str| assets.is_empty() || assets.contains(asset);
        let named = |property: &str| properties.is_empty() || properties.contains(property);
        let changes = self.changes.iter().filter(|change| watched(&change.asset) && named(&change.property));
        let transitions = self.transitions.iter().filter(|transition| watched(&transition.asset));
        Self {
            changes: changes.cloned().collect(),
            transitions: transitions.cloned().collect(),
            created: self.created.iter().filter(|asset| watched(asset)).cloned().collect(),
        }
    }
}

/// What a watcher gets.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveItem {
    /// Something has changed.
    Update(LiveUpdate),
    /// So many updates were missed: the watcher is too slow. Ask for the latest values.
    Missed(u64),
}

/// Behind which update a watcher is: `<when the process began, in microseconds>-<number of the update>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivePlace {
    began: i64,
    update: u64,
}

impl fmt::Display for LivePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.began, self.update)
    }
}

impl FromStr for LivePlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (began, update) = text.rsplit_once('-').ok_or(())?;
        Ok(Self { began: began.parse().map_err(drop)?, update: update.parse().map_err(drop)? })
    }
}

/// The newest updates, and whoever waits for the next one.
pub(super) struct LiveLog {
    began: i64,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

/// Updates with numbers that follow each other, up to `newest`.
struct Kept {
    newest: u64,
    updates: VecDeque<Arc<LiveUpdate>>,
    /// What is in them.
    entries: usize,
    limit: usize,
}

/// What is behind a place.
enum Behind {
    Nothing,
    Update(Arc<LiveUpdate>),
    Missed(u64),
}

impl LiveLog {
    /// One that keeps up to `limit` values, transitions and created assets.
    pub(super) fn new(began: Timestamp, limit: usize) -> Self {
        let kept = Kept { newest: 0, updates: VecDeque::new(), entries: 0, limit };
        Self { began: began.as_micros(), kept: Mutex::new(kept), newest: watch::Sender::new(0) }
    }

    /// Tells whoever watches, and keeps it for whoever comes back.
    pub(super) fn tell(&self, update: LiveUpdate) {
        let newest = self.kept.lock().push(update);
        self.newest.send_replace(newest);
    }

    /// Behind the newest update.
    pub(super) fn newest(&self) -> LivePlace {
        LivePlace { began: self.began, update: self.kept.lock().newest }
    }

    /// Whether everything behind the place is there: it is of this process, and not too long ago.
    pub(super) fn has_all(&self, place: LivePlace) -> bool {
        place.began == self.began && self.kept.lock().has_all(place.update)
    }

    /// What changes behind `place`.
    pub(super) fn watch(
        self: &Arc<Self>,
        place: LivePlace,
        assets: BTreeSet<String>,
        properties: BTreeSet<String>,
    ) -> LiveValues {
        let (log, changes) = (Arc::downgrade(self), self.newest.subscribe());
        LiveValues { log, changes, place, assets, properties }
    }
}

impl Kept {
    fn push(&mut self, update: LiveUpdate) -> u64 {
        self.entries += update.entries();
        self.updates.push_back(Arc::new(update));
        self.newest += 1;
        // The newest stays, however large it is: watchers would get none otherwise.
        while self.entries > self.limit
            && self.updates.len() > 1
            && let Some(oldest) = self.updates.pop_front()
        {
            self.entries -= oldest.entries();
        }
        self.newest
    }

    /// Number of the last update that is not kept any more.
    fn gone(&self) -> u64 {
        self.newest - self.updates.len() as u64
    }

    /// Whether everything behind the update is there.
    fn has_all(&self, behind: u64) -> bool {
        (self.gone()..=self.newest).contains(&behind)
    }

    fn behind(&self, place: u64) -> Behind {
        let Some(at) = place.checked_sub(self.gone()) else { return Behind::Missed(self.gone() - place) };
        let update = usize::try_from(at).ok().and_then(|at| self.updates.get(at));
        update.map_or(Behind::Nothing, |update| Behind::Update(Arc::clone(update)))
    }
}

/// A watcher's view of the plant. It holds no updates.
pub struct LiveValues {
    /// Gone with the plant.
    log: Weak<LiveLog>,
    changes: watch::Receiver<u64>,
    place: LivePlace,
    assets: BTreeSet<String>,
    properties: BTreeSet<String>,
}

impl LiveValues {
    /// Behind which update it is: everything up to there was given, or is not watched. Who comes back with it misses
    /// nothing ([`PlantHandle::resume`](super::PlantHandle::resume)).
    pub const fn place(&self) -> LivePlace {
        self.place
    }

    /// What changes next of what is watched; `None` when the plant stops. Safe to cancel.
    pub async fn next(&mut self) -> Option<LiveItem> {
        loop {
            // Seen before the look, so that what comes after it wakes us.
            self.changes.mark_unchanged();
            let log = self.log.upgrade()?;
            let item = self.known(&log);
            drop(log);
            if item.is_some() {
                return item;
            }
            self.changes.changed().await.ok()?;
        }
    }

    /// What is known already: the next update that is watched, or how many were missed.
    fn known(&mut self, log: &LiveLog) -> Option<LiveItem> {
        loop {
            let behind = log.kept.lock().behind(self.place.update);
            match behind {
                Behind::Nothing => return None,
                Behind::Missed(missed) => {
                    self.place.update += missed;
                    return Some(LiveItem::Missed(missed));
                }
                Behind::Update(update) => {
                    self.place.update += 1;
                    let update = update.only(&self.assets, &self.properties);
                    if !update.is_empty() {
                        return Some(LiveItem::Update(update));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(asset: &str, count: usize) -> LiveUpdate {
        LiveUpdate { created: vec![asset.into(); count], ..LiveUpdate::default() }
    }

    fn log(limit: usize) -> Arc<LiveLog> {
        Arc::new(LiveLog::new(Timestamp::from_micros(7), limit))
    }

    fn watch(log: &Arc<LiveLog>, place: LivePlace, assets: &[&str]) -> LiveValues {
        log.watch(place, assets.iter().map(|asset| (*asset).to_owned()).collect(), BTreeSet::new())
    }

    /// What is known: `a` for an update about it, `-2` for two that were missed.
    fn told(log: &LiveLog, live: &mut LiveValues) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(item) = live.known(log) {
            told.push(match item {
                LiveItem::Update(update) => update.created.iter().map(ToString::to_string).collect(),
                LiveItem::Missed(missed) => format!("-{missed}"),
            });
        }
        told
    }

    #[test]
    fn who_comes_back_gets_what_came_meanwhile_and_nothing_else() {
        let log = log(3);
        log.tell(created("before", 1));
        let mut live = watch(&log, log.newest(), &["a"]);
        log.tell(created("a", 1));
        assert_eq!(told(&log, &mut live), ["a"]);
        let place = live.place();
        log.tell(created("b", 1));
        log.tell(created("a", 1));
        let back = |place: LivePlace| log.has_all(place).then(|| told(&log, &mut watch(&log, place, &["a"])));
        assert_eq!(back(place), Some(vec!["a".to_owned()]));
        assert_eq!(back(place.to_string().parse().expect("a place")), Some(vec!["a".to_owned()]));
        assert_eq!(back(LivePlace { began: 8, ..place }), None, "of another process");
        assert_eq!(back(LivePlace { update: 99, ..place }), None, "not yet");
        log.tell(created("b", 2));
        assert_eq!(back(place), None, "not any more");
        assert_eq!(told(&log, &mut live), ["-1", "a"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let log = log(10);
        let mut live = watch(&log, log.newest(), &[]);
        for _ in 0..100 {
            log.tell(created("x", 3));
            assert!(log.kept.lock().entries <= 10);
        }
        assert_eq!(log.kept.lock().updates.len(), 3);
        assert_eq!(told(&log, &mut live), ["-97", "xxx", "xxx", "xxx"]);
        log.tell(created("y", 11));
        assert_eq!(log.kept.lock().updates.len(), 1, "the newest stays, however large it is");
        assert_eq!(told(&log, &mut live), ["y".repeat(11)]);
    }

    #[tokio::test]
    async fn a_view_ends_with_the_plant() {
        let log = log(10);
        let mut live = watch(&log, log.newest(), &[]);
        log.tell(created("x", 1));
        assert!(matches!(live.next().await, Some(LiveItem::Update(_))));
        drop(log);
        assert_eq!(live.next().await, None);
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for (text, expect) in
            [("7-3", true), ("-7-3", true), ("1700000000000000", false), ("x-1", false), ("1-x", false)]
        {
            assert_eq!(
                text.parse::<LivePlace>().map(|place| place.to_string()).ok().as_deref(),
                expect.then_some(text)
            );
        }
    }
}
