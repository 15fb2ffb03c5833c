//! Which asset a reading is for.
//!
//! First the asset that the device reports for, if there is one; else the first model, in the order of definition, one of
//! whose topics fits, or that is for the device's capability model: there the asset is found by its id, or made.

use std::sync::Arc;

use super::Plant;
use super::applied::{Measured, Refused, RefusedWhy};
use super::assets::{self, Making, is_id};
use super::state::Route;
use super::turn::Turn;
use crate::model::{DEVICE, Discover, Fields, Model};
use crate::pattern::Captures;
use crate::value::Given;

/// The field that names the device, where a gateway reports for several.
const DEVICE_FIELD: &str = "device.deviceid";
/// The field that names the capability model.
const CAPABILITY_FIELD: &str = "device.capabilitymodelid";

impl Plant {
    /// Whether a value with this alias, which no property has, makes the asset whose property has it.
    pub fn makes_alias(&self, alias: &str) -> bool {
        if !alias.starts_with('/') {
            return false;
        }
        let fits = |model: &Model| {
            let captures = model.ways.iter().find_map(|way| way.topic.matches(alias))?;
            Some(self.makes(model, &captures, alias))
        };
        self.models.all.iter().find_map(fits).unwrap_or(false)
    }

    fn makes(&self, model: &Model, captures: &Captures, alias: &str) -> bool {
        let id = model.discover.as_ref().and_then(|discover| discover.asset.fill(captures)).filter(|id| is_id(id));
        let is_new = |id: &str| !self.state.index.contains_key(id) && !self.state.devices.contains_key(id);
        let has_it = || assets::aliases(model, captures, &self.state).values().any(|made| **made == *alias);
        id.is_some_and(|id| is_new(&id) && has_it())
    }
}

impl Turn<'_> {
    /// Where the reading goes, if anywhere.
    pub(super) fn route(&mut self, measured: &Measured<'_>) -> Option<Route> {
        let device = device(measured);
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.extend([device, "\0", measured.topic]);
        let known = self.state.routes.get(key.as_str()).cloned();
        let route = known.or_else(|| {
            let found = self.find(device, measured)?;
            if self.state.routes.len() >= self.limits.routes {
                self.state.routes.clear();
            }
            self.state.routes.insert(key.as_str().into(), found.clone());
            Some(found)
        });
        self.key = key;
        route
    }

    fn find(&mut self, device: &str, measured: &Measured<'_>) -> Option<Route> {
        if let Some(route) = self.by_topic(device, measured.topic) {
            return Some(route);
        }
        if let Some(asset) = self.state.devices.get(device).copied() {
            let fields = Arc::clone(&self.models.all[self.state.assets[asset].model].fields);
            return Some(Route { asset, fields });
        }
        let capability = text(measured, CAPABILITY_FIELD)?;
        let models = self.models;
        let model = models.all.iter().position(|model| model.is_for(capability))?;
        let captures = [(DEVICE.to_owned(), device.to_owned())].into();
        let asset = self.asset(model, captures)?;
        Some(Route { asset, fields: Arc::clone(&models.all[model].fields) })
    }

    fn by_topic(&mut self, device: &str, topic: &str) -> Option<Route> {
        let (model, mut captures, fields) = self.way(topic)?;
        captures.entry(DEVICE.to_owned()).or_insert_with(|| device.to_owned());
        let asset = self.asset(model, captures)?;
        Some(Route { asset, fields })
    }

    /// The first model with a pattern that fits a topic or alias.
    fn way(&self, topic: &str) -> Option<(usize, Captures, Arc<Fields>)> {
        self.models.all.iter().enumerate().find_map(|(at, model)| {
            model.ways.iter().find_map(|way| Some((at, way.topic.matches(topic)?, Arc::clone(&way.fields))))
        })
    }

    /// The measurement of an alias that nobody has yet: its pattern may make the asset.
    pub(super) fn by_alias(&mut self, alias: &str) -> Option<(usize, usize)> {
        if !alias.starts_with('/') {
            return None;
        }
        let (model, captures, _) = self.way(alias)?;
        self.asset(model, captures)?;
        self.state.aliases.get(alias).copied()
    }

    /// The asset of a model that is named by captures; made when it is not there.
    fn asset(&mut self, model: usize, captures: Captures) -> Option<usize> {
        let models = self.models;
        let discover = models.all[model].discover.as_ref();
        let id = discover.map_or_else(|| captures.get(DEVICE).cloned(), |discover| discover.asset.fill(&captures))?;
        let by_id = self.state.index.get(id.as_str()).copied();
        let known = by_id.or_else(|| self.state.devices.get(id.as_str()).copied());
        if known.is_some() {
            return known.filter(|asset| self.state.assets[*asset].model == model);
        }
        self.create(model, discover?, id, captures)
    }

    fn create(&mut self, model: usize, discover: &Discover, id: String, captures: Captures) -> Option<usize> {
        if self.state.assets.len() >= self.limits.assets || !is_id(&id) {
            self.out.refused.push(Refused { asset: None, what: id, why: RefusedWhy::TooManyAssets });
            return None;
        }
        let (name, links) = assets::called(discover, &captures);
        let device = captures.get(DEVICE).cloned().unwrap_or_else(|| id.clone());
        let making =
            Making { id, name, model, device, links, captures, attributes: [].into(), defined: false, at: self.at };
        let asset = assets::make(self.models, self.state, making);
        assets::hang_discovered(self.models, self.state, asset, &discover.parent);
        assets::adopt(self.models, self.state, asset);
        self.out.created.push(Arc::clone(&self.state.assets[asset].id));
        Some(asset)
    }
}

/// The device whose reading it is: the one that the payload names, if its sender may report for that one.
fn device<'a>(measured: &Measured<'a>) -> &'a str {
    let named = text(measured, DEVICE_FIELD);
    named.filter(|named| measured.speaks_for.covers(measured.device, named)).unwrap_or(measured.device)
}

fn text<'a>(measured: &Measured<'a>, path: &str) -> Option<&'a str> {
    measured.fields.iter().find_map(|(known, given)| match given {
        Given::Text(text) if *known == path => Some(*text),
        _ => None,
    })
}
