//! What can be asked of the plant.

use andon_model::Timestamp;
use serde::Serialize;

use super::Plant;
use super::state::Asset;
use crate::alarm::Evaluation;
use crate::definition::{AlarmState, Links, ParentDefinition};
use crate::model::{Model, Source};
use crate::value::{DataType, Point};

/// A model, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// How many properties, alarms and assets it has.
    pub properties: usize,
    /// Alarms.
    pub alarms: usize,
    /// Assets.
    pub assets: usize,
}

/// An asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssetView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its model.
    pub model: String,
    /// The device that reports for it.
    pub device: String,
    /// What it is called in SAP.
    #[serde(flatten)]
    pub links: Links,
    /// The asset that it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentDefinition>,
    /// Ids of its parts.
    pub parts: Vec<String>,
    /// Whether a definition says that it is there; else a reading created it.
    pub defined: bool,
    /// Its alarms that are neither normal nor disabled.
    pub alarms: usize,
    /// The newest time of its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<Timestamp>,
}

/// A property of an asset, with its latest value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueView {
    /// Id of the asset.
    pub asset: String,
    /// Name of the property.
    pub property: String,
    /// `attribute`, `measurement`, `transform` or `metric`.
    pub kind: &'static str,
    /// Type of its values.
    pub data_type: DataType,
    /// What its numbers count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The value with the newest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<Point>,
    /// Values taken, since the asset is there.
    pub values: u64,
    /// Of them, those that were older than the latest.
    pub late: u64,
    /// Values that were refused.
    pub refused: u64,
    /// Times that the formula could not be computed.
    pub faults: u64,
    /// Why the formula could not be computed, the last time that it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Values that came after the metric's window was closed.
    pub too_late: u64,
}

/// An alarm of an asset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlarmView {
    /// Id of the asset.
    pub asset: String,
    /// Name of the asset.
    pub asset_name: String,
    /// Name of the alarm.
    pub alarm: String,
    /// The property that it watches.
    pub property: String,
    /// Its state.
    pub state: AlarmState,
    /// Since when.
    pub since: Timestamp,
    /// Number of the last episode; 0 when there was none.
    pub episode: u64,
    /// When the present episode began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// Until when it is put aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Timestamp>,
    /// How severe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// How the condition was judged last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// What the asset is called in SAP.
    #[serde(flatten)]
    pub links: Links,
}

impl Plant {
    /// All models, in short.
    pub fn model_views(&self) -> Vec<ModelView> {
        let mut counts = vec![0; self.models.all.len()];
        self.state.assets.iter().for_each(|asset| counts[asset.model] += 1);
        let view = |(model, assets): (&Model, usize)| ModelView {
            name: model.name.to_string(),
            description: model.definition.description.clone(),
            properties: model.properties.len(),
            alarms: model.alarms.len(),
            assets,
        };
        self.models.all.iter().zip(counts).map(view).collect()
    }

    /// How many assets there are.
    pub fn asset_count(&self) -> usize {
        self.state.assets.len()
    }

    /// What all recent values take in memory, in bytes.
    pub const fn recent_bytes(&self) -> usize {
        self.state.bytes
    }

    /// All assets, the oldest first.
    pub fn assets(&self) -> impl Iterator<Item = AssetView> {
        self.state.assets.iter().map(|asset| self.asset_view(asset))
    }

    /// Assets that are not part of another: the tops of the tree. [`AssetView::parts`] leads down.
    pub fn roots(&self) -> impl Iterator<Item = AssetView> {
        self.state.assets.iter().filter(|asset| asset.parent.is_none()).map(|asset| self.asset_view(asset))
    }

    /// One asset.
    pub fn asset(&self, id: &str) -> Option<AssetView> {
        self.find(id).map(|asset| self.asset_view(asset))
    }

    /// The properties of an asset.
    pub fn values(&self, id: &str) -> Option<Vec<ValueView>> {
        let asset = self.find(id)?;
        Some((0..asset.properties.len()).map(|at| self.value_view(asset, at)).collect())
    }

    /// One property of an asset.
    pub fn value(&self, id: &str, property: &str) -> Option<ValueView> {
        let asset = self.find(id)?;
        let at = self.models.all[asset.model].property(property)?;
        Some(self.value_view(asset, at))
    }

    /// The recent values of a property, the oldest first.
    pub fn recent(&self, id: &str, property: &str) -> Option<impl Iterator<Item = &Point>> {
        let asset = self.find(id)?;
        let at = self.models.all[asset.model].property(property)?;
        Some(asset.properties[at].recent.iter())
    }

    /// The asset and property of an alias.
    pub fn alias(&self, alias: &str) -> Option<(&str, &str)> {
        let (asset, property) = *self.state.aliases.get(alias)?;
        let asset = &self.state.assets[asset];
        Some((&asset.id, &self.models.all[asset.model].properties[property].name))
    }

    /// All alarms of all assets.
    pub fn alarms(&self) -> impl Iterator<Item = AlarmView> {
        self.state.assets.iter().flat_map(|asset| self.alarm_views(asset))
    }

    /// The alarms of an asset.
    pub fn alarms_of(&self, id: &str) -> Option<Vec<AlarmView>> {
        self.find(id).map(|asset| self.alarm_views(asset).collect())
    }

    fn find(&self, id: &str) -> Option<&Asset> {
        self.state.index.get(id).map(|at| &self.state.assets[*at])
    }

    fn asset_view(&self, asset: &Asset) -> AssetView {
        let raised = |state| !matches!(state, AlarmState::Normal | AlarmState::Disabled);
        AssetView {
            id: asset.id.to_string(),
            name: asset.name.to_string(),
            model: self.models.all[asset.model].name.to_string(),
            device: asset.device.to_string(),
            links: asset.called(),
            parent: self.parent(asset),
            parts: asset.parts.iter().map(|part| self.state.assets[*part].id.to_string()).collect(),
            defined: asset.defined,
            alarms: asset.alarms.iter().filter(|alarm| raised(alarm.state)).count(),
            latest: asset.properties.iter().filter(|p| p.values > 0).filter_map(|p| Some(p.latest.as_ref()?.ts)).max(),
        }
    }

    /// The asset that another is a part of, by name.
    pub(super) fn parent(&self, asset: &Asset) -> Option<ParentDefinition> {
        let (above, hierarchy) = asset.parent?;
        let above = &self.state.assets[above];
        let hierarchy = self.models.all[above.model].hierarchies[hierarchy].0.to_string();
        Some(ParentDefinition { asset: above.id.to_string(), hierarchy })
    }

    fn value_view(&self, asset: &Asset, at: usize) -> ValueView {
        let property = &self.models.all[asset.model].properties[at];
        let state = &asset.properties[at];
        ValueView {
            asset: asset.id.to_string(),
            property: property.name.to_string(),
            kind: kind(&property.source),
            data_type: property.data_type,
            unit: property.unit.as_deref().map(str::to_owned),
            alias: asset.aliases.get(&at).map(ToString::to_string),
            latest: state.latest.clone(),
            values: state.values,
            late: state.late,
            refused: state.refused,
            faults: state.faults,
            fault: state.fault.as_deref().map(str::to_owned),
            too_late: state.windows.as_ref().map_or(0, |windows| windows.late),
        }
    }

    fn alarm_views<'a>(&'a self, asset: &'a Asset) -> impl Iterator<Item = AlarmView> + 'a {
        let model = &self.models.all[asset.model];
        model.alarms.iter().zip(&asset.alarms).map(|(alarm, record)| AlarmView {
            asset: asset.id.to_string(),
            asset_name: asset.name.to_string(),
            alarm: alarm.name.to_string(),
            property: model.properties[alarm.property].name.to_string(),
            state: record.state,
            since: record.since,
            episode: record.episode,
            opened_at: record.open.then_some(record.opened),
            snoozed_until: record.snoozed_until,
            severity: alarm.definition.severity,
            evaluation: record.evaluation.clone(),
            links: asset.called(),
        })
    }
}

const fn kind(source: &Source) -> &'static str {
    match source {
        Source::Attribute { .. } => "attribute",
        Source::Measurement { .. } => "measurement",
        Source::Transform { .. } => "transform",
        Source::Metric { .. } => "metric",
    }
}
