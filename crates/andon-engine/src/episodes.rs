//! Whose turn it is in each episode: runs of one action and key never overlap, whatever their subjects.
//!
//! A run *holds* its episode from when its turn has come until it comes to a defined end, also while it is parked and
//! no longer among the unsettled runs: it may have made a document that nobody knows of. The others stand behind it
//! in the order in which they came.

use std::collections::{HashMap, HashSet, VecDeque};

use andon_journal::EpisodeKey;
use andon_model::RunId;

/// The queues; an episode without a run has none.
#[derive(Default)]
pub(crate) struct Episodes {
    queues: HashMap<EpisodeKey, VecDeque<RunId>>,
    /// Runs that stand in their queue although they are not, or not yet, among the unsettled ones.
    holders: HashMap<RunId, EpisodeKey>,
}

impl Episodes {
    /// A run that was found holding its episode at start: it stands before those that have not begun.
    pub(crate) fn hold(&mut self, run: RunId, key: EpisodeKey) {
        if self.holders.insert(run.clone(), key.clone()).is_none() {
            self.queues.entry(key).or_default().push_front(run);
        }
    }

    /// Puts a run at the end of its episode, unless it holds it.
    pub(crate) fn enter(&mut self, run: &RunId, key: &EpisodeKey) {
        if self.holders.remove(run).is_none() {
            self.queues.entry(key.clone()).or_default().push_back(run.clone());
        }
    }

    pub(crate) fn holds(&self, run: &RunId) -> bool {
        self.holders.contains_key(run)
    }

    /// The run whose turn it is.
    pub(crate) fn first(&self, key: &EpisodeKey) -> Option<&RunId> {
        self.queues.get(key).and_then(VecDeque::front)
    }

    /// A parked run keeps its place; those that stand behind it.
    pub(crate) fn park(&mut self, run: &RunId, key: EpisodeKey) -> Vec<RunId> {
        let behind = self.queues.get(&key).into_iter().flatten().filter(|other| *other != run).cloned().collect();
        self.holders.insert(run.clone(), key);
        behind
    }

    /// Takes a run out that holds its episode without being unsettled; the run whose turn it is then.
    pub(crate) fn let_go(&mut self, run: &RunId) -> Option<RunId> {
        let key = self.holders.remove(run)?;
        self.leave(run, &key)
    }

    /// Takes a run out; the run whose turn it is then, if the turn has changed.
    pub(crate) fn leave(&mut self, run: &RunId, key: &EpisodeKey) -> Option<RunId> {
        let queue = self.queues.get_mut(key)?;
        let was_first = queue.front() == Some(run);
        if was_first {
            queue.pop_front();
        } else {
            queue.retain(|other| other != run);
        }
        let next = queue.front().cloned();
        if next.is_none() {
            self.queues.remove(key);
        }
        next.filter(|_| was_first)
    }
}

/// Runs that are to be told how they stand in their episode, each once, in order.
#[derive(Default)]
pub(crate) struct Asking {
    order: VecDeque<RunId>,
    known: HashSet<RunId>,
}

impl Asking {
    pub(crate) fn push(&mut self, run: RunId) {
        if self.known.insert(run.clone()) {
            self.order.push_back(run);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<RunId> {
        let run = self.order.pop_front()?;
        self.known.remove(&run);
        Some(run)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use andon_model::Name;

    use super::*;

    fn run(text: &str) -> RunId {
        RunId::new(text)
    }

    fn key(text: &str) -> EpisodeKey {
        EpisodeKey { action: Name::new("notify").expect("a name"), key: text.to_owned() }
    }

    #[test]
    fn one_after_the_other() {
        let (mut episodes, key) = (Episodes::default(), key("p"));
        for id in ["1", "2", "3"] {
            episodes.enter(&run(id), &key);
        }
        assert_eq!(episodes.first(&key), Some(&run("1")));
        assert_eq!(episodes.leave(&run("2"), &key), None, "whoever leaves from behind moves nobody");
        assert_eq!(episodes.leave(&run("1"), &key), Some(run("3")));
        assert_eq!(episodes.leave(&run("3"), &key), None);
        assert!(episodes.queues.is_empty());
    }

    #[test]
    fn a_parked_run_keeps_its_place() {
        let (mut episodes, key) = (Episodes::default(), key("p"));
        for id in ["1", "2"] {
            episodes.enter(&run(id), &key);
        }
        assert_eq!(episodes.park(&run("1"), key.clone()), [run("2")]);
        assert_eq!(episodes.first(&key), Some(&run("1")));
        episodes.enter(&run("1"), &key);
        assert!(!episodes.holds(&run("1")), "it is among the unsettled ones again");
        assert_eq!(episodes.leave(&run("1"), &key), Some(run("2")));
    }

    #[test]
    fn a_start_finds_holders_first() {
        let (mut episodes, key) = (Episodes::default(), key("p"));
        episodes.hold(run("2"), key.clone());
        for id in ["1", "2"] {
            episodes.enter(&run(id), &key);
        }
        assert_eq!(episodes.first(&key), Some(&run("2")));
        assert_eq!(episodes.leave(&run("2"), &key), Some(run("1")));
    }

    #[test]
    fn each_asks_once() {
        let mut asking = Asking::default();
        for id in ["1", "2", "1"] {
            asking.push(run(id));
        }
        assert_eq!((asking.pop(), asking.pop(), asking.pop()), (Some(run("1")), Some(run("2")), None));
    }
}
