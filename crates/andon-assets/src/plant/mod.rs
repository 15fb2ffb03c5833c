//! The plant: all assets with their values and alarms.

mod alarms;
mod applied;
mod assets;
mod links;
mod operate;
mod put;
mod queries;
mod routes;
mod snapshot;
mod state;
mod time;
mod turn;

use std::sync::Arc;

use andon_model::Timestamp;

use crate::definition::{AssetDefinition, ModelDefinition, PlantDefinition};
use crate::error::DefinitionError;
use crate::limits::Limits;
use crate::model::Models;

pub use applied::{Applied, Change, Measured, Put, PutTo, Refused, RefusedWhy};
pub use links::LinkQuery;
pub use queries::{AlarmView, AssetView, ModelView, ValueView};
pub use snapshot::{AssetSnapshot, Restored, Snapshot};
use state::State;
use turn::Turn;

/// All assets, alive. Cheap to ask, one reading at a time to tell.
#[derive(Debug)]
pub struct Plant {
    models: Arc<Models>,
    limits: Limits,
    state: State,
}

impl Plant {
    /// A plant with the defined assets, and no values yet.
    pub fn new(definition: &PlantDefinition, limits: Limits) -> Result<Self, DefinitionError> {
        let models = Arc::new(Models::compile(&definition.models, &limits)?);
        let mut state = State::default();
        assets::define(&models, &mut state, &definition.assets, &limits)?;
        Ok(Self { models, limits, state })
    }

    /// What is right and does nothing as far as can be told: a formula that no made-up value can be put into, a place for
    /// assets under one that has none. The first of each.
    pub fn doubts(&self) -> Vec<DefinitionError> {
        let formula = self.models.try_formulas().err();
        formula.into_iter().chain(assets::check_parents(&self.models, &self.state).err()).collect()
    }

    /// The models, in the order in which they are tried for new devices.
    pub fn models(&self) -> impl Iterator<Item = &ModelDefinition> {
        self.models.all.iter().map(|model| model.definition.as_ref())
    }

    /// Takes a reading in.
    pub fn apply(&mut self, measured: &Measured<'_>) -> Applied {
        let mut applied = Applied::default();
        let mut turn = self.turn(&mut applied);
        turn.advance(measured.received);
        turn.measured(measured);
        applied
    }

    /// Takes values in that name their property: by alias, or by asset and name.
    pub fn put(&mut self, put: &Put<'_>) -> Applied {
        let mut applied = Applied::default();
        let mut turn = self.turn(&mut applied);
        turn.advance(put.received);
        turn.put(put);
        applied
    }

    /// Lets time pass, up to `now`. Going back does nothing.
    pub fn tick(&mut self, now: Timestamp) -> Applied {
        let mut applied = Applied::default();
        self.turn(&mut applied).advance(now);
        applied
    }

    /// When time that passes changes something, at the earliest. It may turn out that it does not.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.state.timers.first().map(|timer| timer.due)
    }

    /// The plant's time: that of the latest input.
    pub const fn now(&self) -> Timestamp {
        self.state.now
    }

    /// Adds an asset that is defined while the plant runs.
    pub fn define(&mut self, asset: &AssetDefinition) -> Result<(), DefinitionError> {
        assets::define(&self.models, &mut self.state, std::slice::from_ref(asset), &self.limits)?;
        if let Some(at) = self.state.index.get(asset.id.as_str()).copied() {
            assets::adopt(&self.models, &mut self.state, at);
        }
        Ok(())
    }

    /// Has alarms judge the latest values by the definitions in force, where they were judged by others: after
    /// [`Plant::restore`]. A second time nothing is left to be judged.
    pub fn judge_anew(&mut self) -> Applied {
        let mut applied = Applied::default();
        self.turn(&mut applied).judge_anew();
        applied
    }

    fn turn<'a>(&'a mut self, out: &'a mut Applied) -> Turn<'a> {
        Turn::new(&self.models, &mut self.state, &self.limits, out)
    }
}
