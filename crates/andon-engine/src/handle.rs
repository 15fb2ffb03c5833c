//! The engine's door for the API: intake, people's wishes, configuration, status.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_act::TestLine;
use andon_journal::{
    Applied, Change, Configurations, Delivery, Document, EpisodeKey, Finding, IntakeAuth, JournalError, Views,
};
use andon_model::{Event, Name, Offset, Problem, Release, RunId};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::engine::Shared;
use crate::lane::Message;
use crate::plant::PlantHandle;
use crate::{ApplyError, Delivered, DryRun, IntakeError};

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
    /// Not in this state.
    #[error("{0}")]
    Conflict(String),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine is shutting down.
    #[error("the engine is stopping")]
    Stopping,
}

/// A source as the API needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its name.
    pub name: Name,
    /// How deliveries prove who sent them.
    pub auth: IntakeAuth,
    /// For people.
    pub description: String,
}

/// How the engine is, for readiness, metrics and `doctor`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether the lane is running and the journal took its last commit, and what came in last.
    pub ready: bool,
    /// What is wrong when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// Configuration revision in force.
    pub revision: i64,
    /// Events appended but not decided.
    pub backlog: i64,
    /// Unsettled runs.
    pub pending_runs: usize,
    /// Requests and probes under way.
    pub in_flight: usize,
    /// Destinations whose circuit is open.
    pub open_circuits: Vec<Name>,
    /// Pulled sources that failed last time, with the reason.
    pub failing_sources: BTreeMap<Name, Problem>,
}

/// Cheap to clone; every method may be called from any task.
#[derive(Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Handle {
    /// The assets with their values and alarms.
    pub fn plant(&self) -> PlantHandle {
        PlantHandle::new(self.shared.plant.clone())
    }

    /// Decodes a delivery by its source and stores what it holds. `Ok` means durable.
    pub async fn deliver(&self, source: &Name, delivery: Delivery) -> Result<Delivered, IntakeError> {
        crate::intake::deliver(&self.shared, source, delivery).await
    }

    /// Stores an event that Andon tells of itself, with a source that begins with `/andon/`, as no sender may. `Ok` means
    /// durable; the same event again is the same (J4).
    pub async fn tell_own(&self, event: Event) -> Result<(), IntakeError> {
        crate::intake::tell_own(&self.shared, event).await
    }

    /// Takes a quarantine entry through its source's decoder again.
    pub async fn replay_quarantine(&self, id: i64) -> Result<Delivered, IntakeError> {
        crate::intake::replay(&self.shared, id).await
    }

    /// A source that takes deliveries.
    pub fn source(&self, name: &Name) -> Option<SourceInfo> {
        self.shared.sources.read().get(name).map(|source| source.info.clone())
    }

    /// All sources.
    pub fn sources(&self) -> Vec<SourceInfo> {
        self.shared.sources.read().values().map(|source| source.info.clone()).collect()
    }

    /// Retries, resolves or cancels a run on behalf of `by`.
    pub async fn release(&self, run: &RunId, release: Release, by: &str) -> Result<(), HandleError> {
        self.ask(|reply| Message::Release { run: run.clone(), release, by: by.to_owned(), reply }).await
    }

    /// Closes an episode on behalf of `by`, whatever its destination says: the next event opens another.
    ///
    /// # Errors
    /// [`HandleError::Conflict`] while one of its runs is pending or parked.
    pub async fn close_episode(&self, id: EpisodeKey, by: &str) -> Result<(), HandleError> {
        self.ask(|reply| Message::CloseEpisode { id, by: by.to_owned(), reply }).await
    }

    /// Decides an event again whose decision failed or found no action.
    pub async fn decide_again(&self, event: Offset) -> Result<(), HandleError> {
        self.ask(|reply| Message::DecideAgain { event, reply }).await
    }

    /// Checks documents as they would be after the change, without storing anything.
    pub async fn check(&self, changes: Vec<Change>) -> Result<Vec<Finding>, HandleError> {
        Ok(crate::configure::check(&self.shared, changes).await?.findings)
    }

    /// Checks, stores and puts into force a change of configuration.
    pub async fn apply(&self, changes: Vec<Change>, author: &str) -> Result<(Applied, Vec<Finding>), ApplyError> {
        crate::configure::apply(&self.shared, changes, author).await
    }

    /// Decides a sample event and renders its requests as far as they are known, without storing or sending anything.
    pub fn dry_run(&self, event: &Event) -> DryRun {
        crate::dry_run::dry_run(&self.shared.catalog(), event, self.shared.clock.now())
    }

    /// Tries a destination.
    pub async fn test_destination(&self, name: &Name) -> Result<Vec<TestLine>, HandleError> {
        let target = self.shared.target();
        match target.limits(name) {
            Some(_) => Ok(target.test(name).await),
            None => Err(HandleError::NotFound(format!("destination {name}"))),
        }
    }

    /// Reads the metadata of a service of a destination.
    ///
    /// # Errors
    /// The outer error when there is no such destination; the inner one says why the service gave none.
    pub async fn fetch_metadata(&self, name: &Name, service: &str) -> Result<Result<String, Problem>, HandleError> {
        let target = self.shared.target();
        match target.limits(name) {
            Some(_) => Ok(target.metadata(name, service).await),
            None => Err(HandleError::NotFound(format!("destination {name}"))),
        }
    }

    /// Documents of the revision in force.
    pub async fn documents(&self) -> Result<Vec<Document>, HandleError> {
        let revision = self.shared.catalog().revision;
        let versions = self.shared.configurations.documents_at(revision).await?;
        Ok(versions.into_iter().map(|version| version.document).collect())
    }

    /// How the engine is.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// What people read.
    pub fn views(&self) -> &Arc<dyn Views> {
        &self.shared.views
    }

    /// Versions and history of the configuration.
    pub fn configurations(&self) -> &Arc<dyn Configurations> {
        &self.shared.configurations
    }

    async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, HandleError>>) -> Message,
    ) -> Result<T, HandleError> {
        let (reply, answer) = oneshot::channel();
        self.shared.lane.send(message(reply)).await.map_err(|_| HandleError::Stopping)?;
        answer.await.map_err(|_| HandleError::Stopping)?
    }
}
