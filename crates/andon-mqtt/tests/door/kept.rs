//! What a broker keeps its payloads and its memory in, in the memory of the test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use andon_journal::{Arrival, DoorMemory, Keeper, KeeperError, MemoryChange, MemoryEntry, MemoryError, MemoryKind};
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::plant::PATIENCE;

/// How a lane behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Keeps,
    Waits,
    Fails,
}

/// A lane in memory.
pub(crate) struct MemoryLane {
    pub mood: watch::Sender<Mood>,
    kept: watch::Sender<Vec<Arrival>>,
    asked: watch::Sender<usize>,
}

impl MemoryLane {
    pub(crate) fn new() -> Self {
        let (mood, kept) = (watch::Sender::new(Mood::Keeps), watch::Sender::new(Vec::new()));
        Self { mood, kept, asked: watch::Sender::new(0) }
    }

    pub(crate) fn kept(&self) -> Vec<Arrival> {
        self.kept.borrow().clone()
    }

    /// Waits until it keeps `count` readings, and hands them over as (device, topic, payload).
    pub(crate) async fn until(&self, count: usize) -> Vec<(String, String, String)> {
        let mut kept = self.kept.subscribe();
        let waited = tokio::time::timeout(PATIENCE, kept.wait_for(|kept| kept.len() >= count)).await;
        let readings = waited.expect("readings come in time").expect("the lane lives").clone();
        let text = |reading: &Arrival| String::from_utf8_lossy(&reading.payload).into_owned();
        readings.iter().map(|r| (r.device.clone(), r.topic.clone(), text(r))).collect()
    }

    /// How often it was asked to keep something.
    pub(crate) fn asked_already(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until it was asked to keep something for the `count`th time.
    pub(crate) async fn asked(&self, count: usize) {
        let mut asked = self.asked.subscribe();
        let waited = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| *asked >= count)).await;
        waited.expect("it is asked in time").expect("the lane lives");
    }
}

#[async_trait]
impl Keeper for MemoryLane {
    async fn append(&self, readings: Vec<Arrival>) -> Result<(), KeeperError> {
        self.asked.send_modify(|asked| *asked += 1);
        let mut mood = self.mood.subscribe();
        let mood = *mood.wait_for(|mood| *mood != Mood::Waits).await.expect("the lane lives");
        if mood == Mood::Fails {
            return Err(KeeperError::Failed("the disk is full".to_owned()));
        }
        self.kept.send_modify(|kept| kept.extend(readings));
        Ok(())
    }
}

/// What outlives a broker, in memory.
#[derive(Default)]
pub(crate) struct Notes {
    entries: Mutex<BTreeMap<(MemoryKind, String, String), String>>,
    pub full: AtomicBool,
}

impl Notes {
    pub(crate) fn count(&self) -> usize {
        self.entries.lock().len()
    }

    /// Waits until there is nothing any more.
    pub(crate) async fn until_nothing(&self) {
        let look = async {
            while self.count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("forgotten in time");
    }

    /// How many messages wait for clients.
    pub(crate) fn waiting(&self) -> usize {
        self.entries.lock().keys().filter(|(kind, ..)| *kind == MemoryKind::Waiting).count()
    }

    /// Waits until this many messages wait for clients: they are forgotten in the background.
    pub(crate) async fn until_waiting(&self, count: usize) {
        let look = async {
            while self.waiting() != count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("forgotten in time");
    }
}

#[async_trait]
impl DoorMemory for Notes {
    async fn load(&self) -> Result<Vec<MemoryEntry>, MemoryError> {
        let entry = |((kind, owner, name), value): (&(MemoryKind, String, String), &String)| MemoryEntry {
            kind: *kind,
            owner: owner.clone(),
            name: name.clone(),
            value: value.clone(),
        };
        Ok(self.entries.lock().iter().map(entry).collect())
    }

    async fn change(&self, changes: Vec<MemoryChange>) -> Result<(), MemoryError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(MemoryError("the disk is full".to_owned()));
        }
        let mut entries = self.entries.lock();
        for change in changes {
            match change {
                MemoryChange::Keep(entry) => {
                    entries.insert((entry.kind, entry.owner, entry.name), entry.value);
                }
                MemoryChange::Forget { kind, owner, name } => {
                    entries.remove(&(kind, owner, name));
                }
                MemoryChange::ForgetClient(client) => {
                    entries.retain(|(kind, owner, _), _| *kind == MemoryKind::Retained || *owner != client);
                }
            }
        }
        Ok(())
    }
}
