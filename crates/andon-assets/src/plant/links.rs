//! What assets are called in SAP: as definitions, people, or SAP itself say.
//!
//! **Constraints.** What a person says holds. Otherwise what definitions say does, and SAP says the rest. Who asks SAP is
//! told what to ask, page by page; the plant asks nobody.

use std::time::Duration;

use super::Plant;
use super::assets;
use super::state::Asset;
use crate::definition::{LinkSearch, Links};
use crate::error::OperationError;
use crate::model::Model;
use crate::pattern::Captures;
use crate::value::Scalar;

/// What SAP is to be asked about an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkQuery {
    /// Id of the asset.
    pub asset: String,
    /// The destination that is asked.
    pub destination: String,
    /// What is searched.
    pub search: LinkSearch,
    /// The field that names it.
    pub field: String,
    /// The field's value; `None` where the asset has not all that it is made of.
    pub value: Option<String>,
    /// How long an answer holds.
    pub refresh: Duration,
}

impl Plant {
    /// Links an asset to what SAP calls it, on a person's behalf; both are set, what is absent is taken away.
    pub fn link(&mut self, asset: &str, links: Links) -> Result<(), OperationError> {
        assets::check_links(&links).map_err(OperationError::Value)?;
        let asset = self.linkable(asset)?;
        (asset.links, asset.linked) = (links, true);
        Ok(())
    }

    /// Takes over what SAP said of an asset, in place of what it said before.
    pub fn found(&mut self, asset: &str, links: Links) -> Result<(), OperationError> {
        assets::check_links(&links).map_err(OperationError::Value)?;
        self.linkable(asset)?.found = links;
        Ok(())
    }

    /// What SAP said of an asset.
    pub fn found_links(&self, asset: &str) -> Option<&Links> {
        let at = self.state.index.get(asset)?;
        Some(&self.state.assets[*at].found)
    }

    /// What SAP is to be asked about the assets at `count` positions from `from` on, and where the next page begins.
    pub fn link_queries(&self, from: usize, count: usize) -> (Vec<LinkQuery>, Option<usize>) {
        if self.models.all.iter().all(|model| model.links.is_none()) {
            return (Vec::new(), None);
        }
        let page = self.state.assets.iter().skip(from).take(count);
        let queries = page.filter_map(|asset| query(&self.models.all[asset.model], asset)).collect();
        let next = from.saturating_add(count);
        (queries, (next < self.state.assets.len()).then_some(next))
    }

    fn linkable(&mut self, asset: &str) -> Result<&mut Asset, OperationError> {
        let at = self.state.index.get(asset).copied();
        let at = at.ok_or_else(|| OperationError::NoAsset(asset.to_owned()))?;
        Ok(&mut self.state.assets[at])
    }
}

impl Asset {
    /// What it is called in SAP, whoever said so.
    pub(super) fn called(&self) -> Links {
        if self.linked { self.links.clone() } else { self.links.or(&self.found) }
    }
}

/// Nothing is asked about an asset that a person has linked, or of which everything is known.
fn query(model: &Model, asset: &Asset) -> Option<LinkQuery> {
    let (definition, template) = model.links.as_ref()?;
    let is_known = asset.links.equipment.is_some() && asset.links.functional_location.is_some();
    if asset.linked || is_known {
        return None;
    }
    Some(LinkQuery {
        asset: asset.id.to_string(),
        destination: definition.destination.clone(),
        search: definition.search,
        field: definition.field.clone(),
        value: template.fill(&names(model, asset, template.names())),
        refresh: definition.refresh.duration(),
    })
}

/// The values of names: what the topic says, and attributes.
fn names<'t>(model: &Model, asset: &Asset, wanted: impl Iterator<Item = &'t str>) -> Captures {
    let attribute = |name: &str| {
        let latest = asset.properties[model.property(name)?].latest.as_ref()?;
        Some(match &latest.value {
            Scalar::String(text) => text.to_string(),
            Scalar::Integer(number) => number.to_string(),
            Scalar::Double(number) => number.to_string(),
            Scalar::Boolean(truth) => truth.to_string(),
        })
    };
    let value = |name: &str| asset.captures.get(name).cloned().or_else(|| attribute(name));
    wanted.filter_map(|name| Some((name.to_owned(), value(name)?))).collect()
}
