//! What the plant lane and those who look at the plant share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use andon_assets::definition::PlantDefinition;
use andon_assets::{DefinitionError, Limits, OperationError, Plant, Snapshot};
use andon_model::{IngestId, Problem, Timestamp};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};

use super::live::LiveLog;
use super::wish::Wish;
use super::{PlantSettings, telemetry};

/// Wishes that wait for the lane; who has more waits.
const WISHES: usize = 256;

/// How the plant lane is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlantStatus {
    /// Whether it follows the log.
    pub running: bool,
    /// The place behind the last reading that is in the plant.
    pub next: IngestId,
    /// The place up to which the plant is saved.
    pub saved: IngestId,
    /// When it was saved last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Timestamp>,
    /// Assets.
    pub assets: usize,
    /// Memory of the recent values, in bytes.
    pub recent_bytes: usize,
    /// Values that wait for the table of values.
    pub waiting_values: usize,
    /// What keeps it from going on, or from being saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The plant, and the ways to its lane.
pub(crate) struct PlantShared {
    pub(super) plant: RwLock<Plant>,
    definition: Mutex<PlantDefinition>,
    limits: Limits,
    /// What has changed, for whoever watches.
    pub(super) live: Arc<LiveLog>,
    pub(super) wishes: mpsc::Sender<Wish>,
    /// Taken by the lane.
    inbox: Mutex<Option<mpsc::Receiver<Wish>>>,
    /// Other definitions are in force.
    pub(super) redefined: Notify,
    pub(super) status: Mutex<PlantStatus>,
    pub(super) next: AtomicU64,
    /// Why SAP's names of assets are not known, by asset.
    pub(super) unlinked: Mutex<BTreeMap<String, Problem>>,
}

impl PlantShared {
    /// A plant with nothing in it, in a process that began at `began`.
    pub(crate) fn new(settings: &PlantSettings, began: Timestamp) -> Result<Self, DefinitionError> {
        let definition = PlantDefinition::default();
        let (wishes, inbox) = mpsc::channel(WISHES);
        Ok(Self {
            plant: RwLock::new(Plant::new(&definition, settings.limits)?),
            definition: Mutex::new(definition),
            limits: settings.limits,
            live: Arc::new(LiveLog::new(began, settings.live_entries)),
            wishes,
            inbox: Mutex::new(Some(inbox)),
            redefined: Notify::new(),
            status: Mutex::default(),
            next: AtomicU64::new(IngestId::FIRST.0),
            unlinked: Mutex::default(),
        })
    }

    /// The wishes, for the one lane that there is.
    pub(super) fn take_inbox(&self) -> Option<mpsc::Receiver<Wish>> {
        self.inbox.lock().take()
    }

    /// A plant of the definitions in force, without values.
    pub(super) fn fresh(&self) -> Result<Plant, DefinitionError> {
        Plant::new(&self.definition.lock(), self.limits)
    }

    /// Puts definitions into force. Properties and alarms that there are before and after keep what they have.
    pub(crate) fn define(&self, definition: PlantDefinition) -> Result<(), DefinitionError> {
        let mut known = self.definition.lock();
        if *known == definition {
            return Ok(());
        }
        let mut fresh = Plant::new(&definition, self.limits)?;
        let mut plant = self.plant.write();
        let restored = fresh.restore(plant.snapshot());
        telemetry::defined(definition.models.len(), &restored);
        (*plant, *known) = (fresh, definition);
        self.redefined.notify_one();
        Ok(())
    }

    /// Takes an asset out that a reading had created.
    pub(super) fn remove(&self, asset: &str) -> Result<(), OperationError> {
        let known = self.definition.lock();
        let mut plant = self.plant.write();
        let view = plant.asset(asset).ok_or_else(|| OperationError::NoAsset(asset.to_owned()))?;
        if view.defined {
            return Err(OperationError::Defined(asset.to_owned()));
        }
        let mut fresh = Plant::new(&known, self.limits).map_err(|error| OperationError::Value(error.to_string()))?;
        fresh.restore(plant.snapshot().without(asset));
        *plant = fresh;
        telemetry::removed(asset);
        Ok(())
    }

    /// Makes the plant what it was when it was saved.
    pub(super) fn restore(&self, snapshot: Snapshot) -> Result<(), DefinitionError> {
        let known = self.definition.lock();
        let mut fresh = Plant::new(&known, self.limits)?;
        telemetry::defined(known.models.len(), &fresh.restore(snapshot));
        *self.plant.write() = fresh;
        Ok(())
    }

    pub(super) fn status(&self) -> PlantStatus {
        let (assets, recent_bytes) = {
            let plant = self.plant.read();
            (plant.asset_count(), plant.recent_bytes())
        };
        let next = IngestId(self.next.load(Ordering::Acquire));
        PlantStatus { next, assets, recent_bytes, ..self.status.lock().clone() }
    }
}
