//! The plant's state as data, to be kept with a checkpoint.
//!
//! Everything is named, not numbered: a snapshot can be restored under other definitions. What is no longer defined is
//! left out and counted, what is new begins empty, and what definitions say (attributes, parents, names, links that nobody
//! has set since) is as they say now. What they say of alarms holds from [`Plant::judge_anew`] on.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::assets::{self, Making};
use super::state::{Asset, Timer};
use super::{Applied, Plant};
use crate::alarm::AlarmRecord;
use crate::definition::{Links, ParentDefinition};
use crate::live::PropertyState;
use crate::model::{Property, Source};
use crate::value::DataType;

/// Version of the format.
const VERSION: u32 = 1;

/// The state of a plant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of the format: 1.
    v: u32,
    /// The plant's time.
    now: Timestamp,
    /// Its assets, the oldest first.
    assets: Vec<AssetSnapshot>,
}

/// The state of an asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssetSnapshot {
    id: String,
    name: String,
    model: String,
    device: String,
    links: Links,
    #[serde(default)]
    linked: bool,
    #[serde(default, skip_serializing_if = "Links::is_empty")]
    found: Links,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<ParentDefinition>,
    captures: BTreeMap<String, String>,
    defined: bool,
    properties: BTreeMap<String, (DataType, PropertyState)>,
    alarms: BTreeMap<String, AlarmRecord>,
}

/// What became of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Assets that have their state again.
    pub assets: usize,
    /// Ids of assets that were left out: their definition or model is gone, or the snapshot's version is not known.
    pub left_out: Vec<String>,
}

impl Snapshot {
    /// The plant's time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The same state without an asset that readings had created; its parts are at the top then. Restored into a new
    /// plant, it makes room for another. An asset that is defined begins anew.
    #[must_use]
    pub fn without(mut self, asset: &str) -> Self {
        self.assets.retain(|kept| kept.id != asset);
        self
    }
}

impl Plant {
    /// The state as data.
    pub fn snapshot(&self) -> Snapshot {
        let assets = self.state.assets.iter().map(|asset| self.asset_snapshot(asset)).collect();
        Snapshot { v: VERSION, now: self.state.now, assets }
    }

    /// Takes a state over, into a plant that is new. Assets of the snapshot that readings had created are created again.
    pub fn restore(&mut self, snapshot: Snapshot) -> Restored {
        let mut restored = Restored::default();
        if snapshot.v != VERSION {
            restored.left_out = snapshot.assets.into_iter().map(|asset| asset.id).collect();
            return restored;
        }
        self.state.now = self.state.now.max(snapshot.now);
        let mut discovered = Vec::new();
        for asset in snapshot.assets {
            match self.restored(&asset) {
                Some(at) => {
                    discovered.push((at, asset.parent.clone()));
                    self.overlay(at, asset);
                    restored.assets += 1;
                }
                None => restored.left_out.push(asset.id),
            }
        }
        for (asset, parent) in discovered {
            self.hang(asset, parent.as_ref());
        }
        restored
    }

    /// An asset that a reading created is under what its model says now, or else where it was. What is no longer defined
    /// leaves it at the top.
    fn hang(&mut self, at: usize, known: Option<&ParentDefinition>) {
        let asset = &self.state.assets[at];
        if asset.defined || asset.parent.is_some() {
            return;
        }
        let models = Arc::clone(&self.models);
        let parents = assets::parent_of(&models.all[asset.model]).into_iter().chain(known);
        assets::hang_discovered(&models, &mut self.state, at, parents);
    }

    fn asset_snapshot(&self, asset: &Asset) -> AssetSnapshot {
        let model = &self.models.all[asset.model];
        let properties = model.properties.iter().zip(&asset.properties);
        let alarms = model.alarms.iter().zip(&asset.alarms);
        AssetSnapshot {
            id: asset.id.to_string(),
            name: asset.name.to_string(),
            model: model.name.to_string(),
            device: asset.device.to_string(),
            links: asset.links.clone(),
            linked: asset.linked,
            found: asset.found.clone(),
            parent: self.parent(asset),
            captures: asset.captures.clone(),
            defined: asset.defined,
            properties: properties.map(|(p, state)| (p.name.to_string(), (p.data_type, state.clone()))).collect(),
            alarms: alarms.map(|(alarm, record)| (alarm.name.to_string(), record.clone())).collect(),
        }
    }

    /// The asset that a snapshot is of: there already, or made again.
    fn restored(&mut self, asset: &AssetSnapshot) -> Option<usize> {
        let model = self.models.named(&asset.model)?;
        if let Some(at) = self.state.index.get(asset.id.as_str()).copied() {
            return (self.state.assets[at].model == model).then_some(at);
        }
        if asset.defined || self.state.assets.len() >= self.limits.assets {
            return None;
        }
        let said = self.models.all[model].discover.as_ref().map(|discover| assets::called(discover, &asset.captures));
        let (name, links) = said.unwrap_or_else(|| (Some(asset.name.clone()), asset.links.clone()));
        let making = Making {
            id: asset.id.clone(),
            name,
            model,
            device: asset.device.clone(),
            links,
            captures: asset.captures.clone(),
            attributes: [].into(),
            defined: false,
            at: self.state.now,
        };
        Some(assets::make(&self.models, &mut self.state, making))
    }

    /// Puts the state of a snapshot into an asset.
    fn overlay(&mut self, at: usize, mut snapshot: AssetSnapshot) {
        let models = Arc::clone(&self.models);
        let model = &models.all[self.state.assets[at].model];
        for (property, defined) in model.properties.iter().enumerate() {
            if let Some((data_type, state)) = snapshot.properties.remove(defined.name.as_ref())
                && data_type == defined.data_type
            {
                self.overlay_property((at, property), defined, state);
            }
        }
        for (alarm, defined) in model.alarms.iter().enumerate() {
            if let Some(mut record) = snapshot.alarms.remove(defined.name.as_ref()) {
                record.enabled.get_or_insert(defined.definition.enabled);
                self.state.assets[at].alarms[alarm] = record;
                self.turn(&mut Applied::default()).arm_alarm(at, alarm);
            }
        }
        if model.links.is_some() {
            self.state.assets[at].found = snapshot.found;
        }
        if snapshot.linked {
            let asset = &mut self.state.assets[at];
            (asset.links, asset.linked) = (snapshot.links, true);
        }
    }

    fn overlay_property(&mut self, (asset, at): (usize, usize), defined: &Property, mut state: PropertyState) {
        let value = |state: &PropertyState| state.latest.as_ref().map(|point| point.value.clone());
        let is_attribute = matches!(defined.source, Source::Attribute { .. });
        if is_attribute && value(&state) != value(&self.state.assets[asset].properties[at]) {
            // The definition has another value by now.
            return;
        }
        state.windows = match &defined.source {
            Source::Metric { inputs, cut, .. } => state.windows.filter(|windows| windows.fits(inputs.len(), *cut)),
            _ => None,
        };
        self.state.bytes += state.bytes();
        let due = state.windows.as_ref().and_then(|windows| windows.wake());
        self.state.assets[asset].properties[at] = state;
        if let Some(due) = due {
            self.state.arm(Timer { due, rank: defined.rank, asset, slot: at });
        }
    }
}
