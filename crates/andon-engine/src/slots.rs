//! The unsettled runs: what the lane knows of each, and the order within a subject.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use andon_act::{RunContext, RunState};
use andon_model::{Event, Name, Offset, RunId, Timestamp};

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
    pub(crate) loaded: Option<Box<Loaded>>,
    /// The destination it wants a place at.
    pub(crate) wants: Option<Name>,
    /// How long it waits there at most.
    pub(crate) patience: Option<Duration>,
    /// When it stops waiting; set once it stands at the gate.
    pub(crate) gives_up_at: Option<Timestamp>,
}

/// All unsettled runs.
#[derive(Default)]
pub(crate) struct Slots {
    runs: HashMap<RunId, Slot>,
    /// Runs of one subject in the order of their events; only the first may move on.
    subjects: BTreeMap<String, VecDeque<RunId>>,
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

    /// Adds a run at the end of its subject. A run that is there already stays as it is.
    pub(crate) fn insert(&mut self, run: RunId, event: Offset, subject: String, loaded: Option<Box<Loaded>>) -> bool {
        if self.runs.contains_key(&run) {
            return false;
        }
        if !subject.is_empty() {
            self.subjects.entry(subject.clone()).or_default().push_back(run.clone());
        }
        self.loaded += usize::from(loaded.is_some());
        self.runs.insert(run, Slot { event, subject, loaded, wants: None, patience: None, gives_up_at: None });
        true
    }

    /// Removes a settled run; returns the next run of its subject when that may now move on.
    pub(crate) fn remove(&mut self, run: &RunId) -> Option<RunId> {
        let slot = self.runs.remove(run)?;
        self.loaded -= usize::from(slot.loaded.is_some());
        let queue = self.subjects.get_mut(&slot.subject)?;
        let was_first = queue.front() == Some(run);
        queue.retain(|other| other != run);
        let next = queue.front().cloned();
        if next.is_none() {
            self.subjects.remove(&slot.subject);
        }
        next.filter(|_| was_first)
    }

    /// Whether no earlier run of the same subject is unsettled.
    pub(crate) fn is_first(&self, run: &RunId) -> bool {
        let Some(slot) = self.runs.get(run) else { return false };
        self.subjects.get(&slot.subject).is_none_or(|queue| queue.front() == Some(run))
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

    #[test]
    fn only_the_first_of_a_subject_moves() {
        let mut slots = Slots::default();
        for (id, subject) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("n1", ""), ("n2", "")] {
            assert!(slots.insert(run(id), Offset(1), subject.into(), None));
        }
        assert!(!slots.insert(run("a1"), Offset(1), "a".into(), None), "known runs are left alone");
        let first = |slots: &Slots| ["a1", "a2", "b1", "n1", "n2"].map(|id| slots.is_first(&run(id)));
        assert_eq!(first(&slots), [true, false, true, true, true]);
        assert_eq!(slots.remove(&run("a1")), Some(run("a2")));
        assert_eq!(first(&slots), [false, true, true, true, true]);
        assert_eq!(slots.remove(&run("a2")), None);
        assert_eq!(slots.remove(&run("n1")), None);
        assert_eq!(slots.len(), 2);
    }

    #[test]
    fn removing_from_the_middle_wakes_nobody() {
        let mut slots = Slots::default();
        (1..=3).for_each(|n| assert!(slots.insert(run(&n.to_string()), Offset(n), "s".into(), None)));
        assert_eq!(slots.remove(&run("2")), None);
        assert_eq!(slots.remove(&run("1")), Some(run("3")));
    }
}
