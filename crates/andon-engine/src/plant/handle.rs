//! The door to the plant, for the API.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_assets::definition::{Links, ModelDefinition};
use andon_assets::{AlarmView, ModelView, OperationError, OperationKind, Point, ValueView};
use andon_model::{Code, Problem};
use tokio::sync::oneshot;

use super::live::{LivePlace, LiveValues};
use super::query::{self, AlarmFilter, AlarmPage, AssetDetail, AssetFilter, AssetPage};
use super::shared::{PlantShared, PlantStatus};
use super::wish::{What, Wish};

/// Why the plant did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// There is no such asset or alarm, or not now.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// It is done, but could not be kept: a restart may forget it. Asking again is right.
    #[error("{0}")]
    NotKept(Problem),
    /// The plant lane does not run: the program starts or stops.
    #[error("the assets are not followed at present: the program starts or stops")]
    Stopping,
}

impl From<PlantError> for Problem {
    fn from(error: PlantError) -> Self {
        match error {
            PlantError::Operation(error) => Self::from(error),
            PlantError::NotKept(problem) => problem,
            PlantError::Stopping => Self::new(Code::BackPressure, error.to_string()),
        }
    }
}

/// Cheap to clone; every method may be called from any task. What is asked for is a copy of the present.
#[derive(Clone)]
pub struct PlantHandle {
    shared: Arc<PlantShared>,
}

impl PlantHandle {
    pub(crate) const fn new(shared: Arc<PlantShared>) -> Self {
        Self { shared }
    }

    /// All models, in short, in the order in which they are tried for new devices.
    pub fn models(&self) -> Vec<ModelView> {
        self.shared.plant.read().model_views()
    }

    /// One model, as it is defined.
    pub fn model(&self, name: &str) -> Option<ModelDefinition> {
        self.shared.plant.read().models().find(|model| model.name == name).cloned()
    }

    /// Some assets.
    pub fn assets(&self, filter: &AssetFilter) -> AssetPage {
        query::assets(&self.shared.plant.read(), filter)
    }

    /// All about one asset.
    pub fn asset(&self, id: &str) -> Option<AssetDetail> {
        let plant = self.shared.plant.read();
        let (asset, values, alarms) = (plant.asset(id)?, plant.values(id)?, plant.alarms_of(id)?);
        let unlinked = self.shared.unlinked.lock().get(id).filter(|_| asset.links.is_empty()).cloned();
        Some(AssetDetail { asset, values, alarms, unlinked: unlinked.map(|problem| problem.detail) })
    }

    /// One property of an asset, with its latest value.
    pub fn value(&self, asset: &str, property: &str) -> Option<ValueView> {
        self.shared.plant.read().value(asset, property)
    }

    /// The recent values of a property, the oldest first. How many there are is limited; the lake has them all.
    pub fn window(&self, asset: &str, property: &str) -> Option<Vec<Point>> {
        self.shared.plant.read().recent(asset, property).map(|points| points.cloned().collect())
    }

    /// The asset and property that an alias stands for.
    pub fn alias(&self, alias: &str) -> Option<(String, String)> {
        let plant = self.shared.plant.read();
        plant.alias(alias).map(|(asset, property)| (asset.to_owned(), property.to_owned()))
    }

    /// Whether a value with this alias, which no property has, makes the asset whose property has it.
    pub fn makes_alias(&self, alias: &str) -> bool {
        self.shared.plant.read().makes_alias(alias)
    }

    /// Some alarms.
    pub fn alarms(&self, filter: &AlarmFilter) -> AlarmPage {
        query::alarms(&self.shared.plant.read(), filter)
    }

    /// One alarm.
    pub fn alarm(&self, asset: &str, alarm: &str) -> Option<AlarmView> {
        self.shared.plant.read().alarms_of(asset)?.into_iter().find(|known| known.alarm == alarm)
    }

    /// Acknowledges, snoozes, resets, enables or disables an alarm on behalf of `by`. Durable when this returns; the alarm
    /// as it is then.
    ///
    /// # Errors
    /// [`OperationError::NotNow`] when the alarm's state does not allow it; a note has at most 128 characters.
    pub async fn operate(
        &self,
        asset: &str,
        alarm: &str,
        kind: OperationKind,
        (by, note): (&str, Option<String>),
    ) -> Result<AlarmView, PlantError> {
        let what = What::Operate { asset: asset.to_owned(), alarm: alarm.to_owned(), kind, by: by.to_owned(), note };
        self.ask(what).await?;
        let missing = || OperationError::NoAlarm { asset: asset.to_owned(), alarm: alarm.to_owned() };
        Ok(self.alarm(asset, alarm).ok_or_else(missing)?)
    }

    /// Says what an asset is called in SAP; both names are set, what is absent is taken away. Durable when this returns.
    pub async fn link(&self, asset: &str, links: Links) -> Result<(), PlantError> {
        self.ask(What::Link { asset: asset.to_owned(), links }).await
    }

    /// What changes from now on, of these assets, and of their values these properties. Empty sets leave nothing out.
    pub fn watch(&self, assets: BTreeSet<String>, properties: BTreeSet<String>) -> LiveValues {
        self.shared.live.watch(self.shared.live.newest(), assets, properties)
    }

    /// What has changed behind a place where a watcher was, and what changes from now on; `None` when that is too long ago
    /// or the place is of another process: then ask for the latest values.
    pub fn resume(
        &self,
        place: LivePlace,
        assets: BTreeSet<String>,
        properties: BTreeSet<String>,
    ) -> Option<LiveValues> {
        let live = &self.shared.live;
        live.has_all(place).then(|| live.watch(place, assets, properties))
    }

    /// How the lane is.
    pub fn status(&self) -> PlantStatus {
        self.shared.status()
    }

    /// Takes an asset out that a reading had created; a reading of its device creates it again. Durable when this returns.
    ///
    /// # Errors
    /// [`OperationError::Defined`] for one that a document defines.
    pub async fn remove(&self, asset: &str) -> Result<(), PlantError> {
        self.ask(What::Remove { asset: asset.to_owned() }).await
    }

    pub(super) async fn ask(&self, what: What) -> Result<(), PlantError> {
        // Without a lane nobody would ever answer.
        if !self.shared.status.lock().running {
            return Err(PlantError::Stopping);
        }
        let (reply, answer) = oneshot::channel();
        self.shared.wishes.send(Wish { what, reply }).await.map_err(|_| PlantError::Stopping)?;
        answer.await.unwrap_or(Err(PlantError::Stopping))
    }
}
