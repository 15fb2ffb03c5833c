//! The unsettled runs: what the lane knows of each, and the order within a subject.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use andon_act::{RunContext, RunState};
use andon_journal::EpisodeKey;
use andon_model::{Event, Name, Offset, RunId, Timestamp};

use crate::episodes::Episodes;
use crate::tables::Pinned;

/// The heavy part of a run; absent while it sleeps.
pub(crate) struct Loaded {
    pub(crate) state: RunState,
    pub(crate) action: Arc<Pinned>,
    pub(crate) event: Arc<Event>,
    pub(crate) offset: Offset,
}

impl Loaded {
    pub(crate) fn context(&self) -> RunContext<'_> {
        self.action.context(&self.event, self.offset)
    }
}

/// One unsettled run.
pub(crate) struct Slot {
    pub(crate) event: Offset,
    pub(crate) subject: String,
    /// The episode that it belongs to.
    pub(crate) episode: Option<EpisodeKey>,
    /// Whether it waits to be told about its episode.
    pub(crate) joins: bool,
    pub(crate) loaded: Option<Box<Loaded>>,
    /// The destination it wants a place at.
    pub(crate) wants: Option<Name>,
    /// How long it waits there at most.
    pub(crate) patience: Option<Duration>,
    /// When it stops waiting; set once it stands at the gate.
    pub(crate) gives_up_at: Option<Timestamp>,
}

/// Where a run stands among the others.
pub(crate) struct Place {
    pub(crate) event: Offset,
    pub(crate) subject: String,
    pub(crate) episode: Option<EpisodeKey>,
}

/// All unsettled runs.
#[derive(Default)]
pub(crate) struct Slots {
    runs: HashMap<RunId, Slot>,
    /// Runs of one subject in the order of their events; only the first may move on.
    subjects: BTreeMap<String, VecDeque<RunId>>,
    episodes: Episodes,
    loaded: usize,
}

impl Slots {
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn get(&self, run: &RunId) -> Option<&Slot> {
        self.runs.get(run)
    }

    pub(crate) fn get_mut(&mut self, run: &RunId) -> Option<&mut Slot> {
        self.runs.get_mut(run)
    }

    /// Adds a run at the end of its subject and of its episode. A run that is there already stays as it is.
    pub(crate) fn insert(&mut self, run: RunId, place: Place, loaded: Option<Box<Loaded>>) -> bool {
        if self.runs.contains_key(&run) {
            return false;
        }
        let Place { event, subject, episode } = place;
        self.enter_subject(&run, &subject);
        if let Some(episode) = &episode {
            self.episodes.enter(&run, episode);
        }
        self.loaded += usize::from(loaded.is_some());
        let slot =
            Slot { event, subject, episode, joins: false, loaded, wants: None, patience: None, gives_up_at: None };
        self.runs.insert(run, slot);
        true
    }

    /// At the end, but a run that holds its episode stands before those that may wait for it: behind the first,
    /// unless that one waits itself. Otherwise each could wait for the other.
    fn enter_subject(&mut self, run: &RunId, subject: &str) {
        if subject.is_empty() {
            return;
        }
        let first = self.subjects.get(subject).and_then(VecDeque::front).cloned();
        let queue = self.subjects.entry(subject.to_owned()).or_default();
        if !self.episodes.holds(run) {
            return queue.push_back(run.clone());
        }
        let moves = |first: &RunId| {
            let episode = self.runs.get(first).and_then(|slot| slot.episode.as_ref());
            episode.is_none_or(|episode| self.episodes.first(episode) == Some(first))
        };
        queue.insert(usize::from(first.as_ref().is_some_and(moves)), run.clone());
    }

    /// A run that was found holding its episode at start; it need not be among the unsettled ones.
    pub(crate) fn hold(&mut self, run: RunId, episode: EpisodeKey) {
        self.episodes.hold(run, episode);
    }

    /// Removes a settled run; returns the runs that may move on, or must be told whom they wait for. With
    /// `keeps_episode` the run goes on holding its episode.
    pub(crate) fn remove(&mut self, run: &RunId, keeps_episode: bool) -> Vec<RunId> {
        let Some(slot) = self.runs.remove(run) else { return Vec::new() };
        self.loaded -= usize::from(slot.loaded.is_some());
        let mut next: Vec<RunId> = self.leave_subject(run, &slot.subject).into_iter().collect();
        match slot.episode {
            Some(episode) if keeps_episode => next.extend(self.episodes.park(run, episode)),
            Some(episode) => next.extend(self.episodes.leave(run, &episode)),
            None => {}
        }
        next
    }

    fn leave_subject(&mut self, run: &RunId, subject: &str) -> Option<RunId> {
        let queue = self.subjects.get_mut(subject)?;
        let was_first = queue.front() == Some(run);
        queue.retain(|other| other != run);
        let next = queue.front().cloned();
        if next.is_none() {
            self.subjects.remove(subject);
        }
        next.filter(|_| was_first)
    }

    /// A run that is not among the unsettled ones holds its episode no longer; the run that may move on.
    pub(crate) fn let_go(&mut self, run: &RunId) -> Option<RunId> {
        self.episodes.let_go(run)
    }

    /// Whether no earlier run of the same subject is unsettled, and none of the same episode is under way or parked.
    pub(crate) fn is_first(&self, run: &RunId) -> bool {
        let Some(slot) = self.runs.get(run) else { return false };
        self.subjects.get(&slot.subject).is_none_or(|queue| queue.front() == Some(run))
            && self.ahead_in_episode(run).is_none()
    }

    /// The run of an episode that is under way or parked, or whose turn comes next.
    pub(crate) fn first_in_episode(&self, id: &EpisodeKey) -> Option<&RunId> {
        self.episodes.first(id)
    }

    /// The run of the same episode whose turn it is, when that is another one.
    pub(crate) fn ahead_in_episode(&self, run: &RunId) -> Option<RunId> {
        let episode = self.runs.get(run)?.episode.as_ref()?;
        self.episodes.first(episode).filter(|first| *first != run).cloned()
    }

    /// Puts the heavy part in.
    pub(crate) fn wake(&mut self, run: &RunId, loaded: Loaded) {
        if let Some(slot) = self.runs.get_mut(run) {
            self.loaded += usize::from(slot.loaded.is_none());
            slot.loaded = Some(Box::new(loaded));
        }
    }

    /// Takes the heavy part out again if more than `limit` are in memory.
    pub(crate) fn put_to_sleep(&mut self, run: &RunId, limit: usize) {
        if self.loaded <= limit {
            return;
        }
        if let Some(slot) = self.runs.get_mut(run).filter(|slot| slot.loaded.is_some()) {
            slot.loaded = None;
            self.loaded -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> RunId {
        RunId::new(text)
    }

    fn key(text: &str) -> EpisodeKey {
        EpisodeKey { action: Name::new("notify").expect("a name"), key: text.to_owned() }
    }

    fn add(slots: &mut Slots, id: &str, subject: &str, episode: Option<&str>) -> bool {
        let place = Place { event: Offset(1), subject: subject.into(), episode: episode.map(key) };
        slots.insert(run(id), place, None)
    }

    #[test]
    fn only_the_first_of_a_subject_moves() {
        let mut slots = Slots::default();
        for (id, subject) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("n1", ""), ("n2", "")] {
            assert!(add(&mut slots, id, subject, None));
        }
        assert!(!add(&mut slots, "a1", "a", None), "known runs are left alone");
        let first = |slots: &Slots| ["a1", "a2", "b1", "n1", "n2"].map(|id| slots.is_first(&run(id)));
        assert_eq!(first(&slots), [true, false, true, true, true]);
        assert_eq!(slots.remove(&run("a1"), false), [run("a2")]);
        assert_eq!(first(&slots), [false, true, true, true, true]);
        assert_eq!(slots.remove(&run("a2"), false), []);
        assert_eq!(slots.remove(&run("n1"), false), []);
        assert_eq!(slots.len(), 2);
    }

    #[test]
    fn removing_from_the_middle_wakes_nobody() {
        let mut slots = Slots::default();
        for id in ["1", "2", "3"] {
            assert!(add(&mut slots, id, "s", None));
        }
        assert_eq!(slots.remove(&run("2"), false), []);
        assert_eq!(slots.remove(&run("1"), false), [run("3")]);
    }

    #[test]
    fn an_episode_is_worked_on_by_one_run_across_subjects() {
        let mut slots = Slots::default();
        add(&mut slots, "a", "s", Some("e"));
        add(&mut slots, "b", "t", Some("e"));
        add(&mut slots, "c", "t", None);
        assert_eq!(["a", "b", "c"].map(|id| slots.is_first(&run(id))), [true, false, false]);
        assert_eq!(slots.ahead_in_episode(&run("b")), Some(run("a")));
        assert_eq!(slots.remove(&run("a"), true), [run("b")], "it is told that the other one is parked");
        assert!(!slots.is_first(&run("b")));
        assert_eq!(slots.let_go(&run("a")), Some(run("b")));
        assert!(slots.is_first(&run("b")));
    }

    #[test]
    fn a_holder_that_comes_back_is_not_held_up_by_those_who_wait_for_it() {
        let mut slots = Slots::default();
        add(&mut slots, "holder", "s", Some("e"));
        slots.remove(&run("holder"), true);
        add(&mut slots, "waits", "s", Some("e"));
        add(&mut slots, "holder", "s", Some("e"));
        assert_eq!(["holder", "waits"].map(|id| slots.is_first(&run(id))), [true, false]);
        slots.remove(&run("holder"), true);
        slots.remove(&run("waits"), false);
        add(&mut slots, "moves", "s", None);
        add(&mut slots, "holder", "s", Some("e"));
        assert_eq!(["moves", "holder"].map(|id| slots.is_first(&run(id))), [true, false]);
    }
}
