//! Planted bugs: each breaks one rule of the duplicate guard at a port, and the harness must notice.
//!
//! * *Skip the probe*: every search answers that nothing is there, so a lost request that did create its
//!   document is sent again. Found as A1.
//! * *Acknowledge before the write*: the source is told yes before the event is durable; a kill at that
//!   moment loses it. Found as J3.
//! * *Forget episodes*: what a settled run has opened is not written, so that the next event of the same episode
//!   makes another document. Found as A4.
//! * *Believe it is open*: every open check is answered with yes, so that an event joins a document that was closed
//!   before. Found as A4.
//! * *Free the parked*: a parked run no longer holds its episode after a restart, so that another makes a second
//!   document. Found as A4.
//! * *Re-send after lost*: a lost answer is taken for a busy one and repeated at once. Found as A1.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use andon_act::{Answer, DestinationLimits, Found, ProbeQuery, Request, Target, TestLine};
use andon_journal::{Append, Appended, Commit, Journal, JournalError, JournalLayer, Lease};
use andon_model::{Name, Offset, RunStatus};
use andon_testkit::memory_journal::MemoryJournal;
use async_trait::async_trait;

use crate::world::{Plant, run_schedule};

/// A destination port with a bug in it.
pub(crate) struct PlantedTarget {
    pub(crate) inner: Arc<dyn Target>,
    pub(crate) plant: Plant,
}

#[async_trait]
impl Target for PlantedTarget {
    async fn send(&self, destination: &Name, request: &Request) -> Answer {
        match self.inner.send(destination, request).await {
            Answer::Lost(problem) if self.plant == Plant::ResendAfterLost => {
                Answer::Busy { problem, after: Some(Duration::ZERO) }
            }
            Answer::Done(mut response) if self.plant == Plant::BelieveItIsOpen && request.method == "GET" => {
                response.body["phase"] = "open".into();
                Answer::Done(response)
            }
            answer => answer,
        }
    }

    async fn probe(&self, destination: &Name, query: &ProbeQuery) -> Found {
        match self.plant {
            Plant::SkipTheProbe => Found::Absent,
            _ => self.inner.probe(destination, query).await,
        }
    }

    async fn test(&self, destination: &Name) -> Vec<TestLine> {
        self.inner.test(destination).await
    }

    fn limits(&self, destination: &Name) -> Option<DestinationLimits> {
        self.inner.limits(destination)
    }
}

/// A journal with the bug *acknowledge before the write*.
pub(crate) struct HastyJournal {
    inner: Arc<MemoryJournal>,
    writes: Mutex<tokio::task::JoinSet<()>>,
}

impl HastyJournal {
    pub(crate) fn new(inner: Arc<MemoryJournal>) -> Self {
        Self { inner, writes: Mutex::default() }
    }
}

#[async_trait]
impl JournalLayer for HastyJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.inner
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        let known = append.events.iter().map(|_| (Offset(1), true)).collect();
        let inner = self.inner.clone();
        self.writes.lock().expect("not poisoned").spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            drop(inner.append(append).await);
        });
        Ok(Appended { events: known, quarantine: Vec::new() })
    }
}

/// A journal with the bug *forget episodes*: what a settled run has opened is not written.
pub(crate) struct ForgetfulJournal {
    pub(crate) inner: Arc<MemoryJournal>,
}

#[async_trait]
impl JournalLayer for ForgetfulJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.inner
    }

    async fn commit(&self, lease: Lease, mut commit: Commit) -> Result<(), JournalError> {
        commit.runs.iter_mut().filter_map(|run| run.episode.as_mut()).for_each(|part| part.put = None);
        self.inner.commit(lease, commit).await
    }
}

/// A journal with the bug *free the parked*: parked runs do not hold their episodes.
pub(crate) struct FreeingJournal {
    pub(crate) inner: Arc<MemoryJournal>,
}

#[async_trait]
impl JournalLayer for FreeingJournal {
    fn inner(&self) -> &dyn Journal {
        &*self.inner
    }

    async fn commit(&self, lease: Lease, mut commit: Commit) -> Result<(), JournalError> {
        let parked = commit.runs.iter_mut().filter(|run| run.status == RunStatus::Parked);
        parked.filter_map(|run| run.episode.as_mut()).for_each(|part| part.holds = false);
        self.inner.commit(lease, commit).await
    }
}

/// The first seed that notices the bug, and what it says.
fn first_failure(plant: Plant) -> (u64, String) {
    let found = (0..500).find_map(|seed| run_schedule(seed, plant).err().map(|failure| (seed, failure)));
    found.unwrap_or_else(|| panic!("{plant:?} was not noticed in 500 schedules"))
}

#[test]
fn skipping_the_probe_is_noticed() {
    let (_, failure) = first_failure(Plant::SkipTheProbe);
    assert!(failure.contains("A1 broken"), "{failure}");
}

#[test]
fn acknowledging_before_the_write_is_noticed() {
    let (_, failure) = first_failure(Plant::AcknowledgeBeforeWrite);
    assert!(failure.contains("J3 broken"), "{failure}");
}

#[test]
fn forgetting_episodes_is_noticed() {
    let (_, failure) = first_failure(Plant::ForgetEpisodes);
    assert!(failure.contains("A4 broken"), "{failure}");
}

#[test]
fn believing_that_documents_are_open_is_noticed() {
    let (_, failure) = first_failure(Plant::BelieveItIsOpen);
    assert!(failure.contains("A4 broken"), "{failure}");
}

#[test]
fn freeing_the_episodes_of_parked_runs_is_noticed() {
    let (_, failure) = first_failure(Plant::FreeTheParked);
    assert!(failure.contains("A4 broken"), "{failure}");
}

#[test]
fn resending_after_a_loss_is_noticed() {
    let (_, failure) = first_failure(Plant::ResendAfterLost);
    assert!(failure.contains("A1 broken"), "{failure}");
}
