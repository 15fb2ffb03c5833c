//! The shapes of models and assets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AlarmDefinition, Span};
use crate::value::{DataType, Scalar};

/// All that is defined.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PlantDefinition {
    /// Models, in the order in which they are tried for a device that is new.
    pub models: Vec<ModelDefinition>,
    /// Assets that are there before any reading.
    pub assets: Vec<AssetDefinition>,
}

/// A kind of asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDefinition {
    /// Its name, unique.
    #[serde(alias = "assetModelName")]
    pub name: String,
    /// What it is, for people.
    #[serde(default, alias = "assetModelDescription")]
    pub description: String,
    /// The alias of each measurement that has none of its own, such as `{device}{property}`.
    #[serde(default)]
    pub alias: Option<String>,
    /// How assets of this model are created from readings; without it they are defined.
    #[serde(default)]
    pub discover: Option<DiscoverDefinition>,
    /// Where SAP says what its assets are called there; without it, definitions and people say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<LinksDefinition>,
    /// What its assets have.
    #[serde(default, alias = "assetModelProperties")]
    pub properties: Vec<PropertyDefinition>,
    /// What its assets consist of.
    #[serde(default, alias = "assetModelHierarchies")]
    pub hierarchies: Vec<HierarchyDefinition>,
    /// What is watched.
    #[serde(default)]
    pub alarms: Vec<AlarmDefinition>,
}

/// How an asset is created from the first reading of a device. Templates know `{device}` and the names in braces of the
/// topic's pattern.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscoverDefinition {
    /// Values of the field `device.capabilitymodelid`; one that ends in `*` stands for all that begin so.
    pub capability_models: Vec<String>,
    /// Topics, such as `plant/{line}/{device}`: each name in braces is one level.
    pub topics: Vec<String>,
    /// Template of the asset's id; `{device}` when absent.
    pub asset: Option<String>,
    /// Template of the asset's name; its id when absent.
    pub name: Option<String>,
    /// The asset that it is put under.
    pub parent: Option<ParentDefinition>,
    /// Template of the SAP equipment.
    pub equipment: Option<String>,
    /// Template of the SAP functional location.
    pub functional_location: Option<String>,
}

/// A property of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyDefinition {
    /// Its name, unique in the model.
    pub name: String,
    /// Type of its values.
    #[serde(alias = "dataType")]
    pub data_type: DataType,
    /// What its numbers count, such as `C`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where its values come from.
    #[serde(rename = "type")]
    pub kind: PropertyKind,
}

/// Where a property's values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PropertyKind {
    /// Said once per asset.
    Attribute(AttributeDefinition),
    /// Reported by a device.
    Measurement(MeasurementDefinition),
    /// Computed from the latest values, whenever one of them changes.
    Transform(TransformDefinition),
    /// Computed over windows of time.
    Metric(MetricDefinition),
}

/// A value that is said once per asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeDefinition {
    /// The value of assets that say none.
    #[serde(alias = "defaultValue", skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// Template of the value of assets that are created from readings, such as `{device}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A value that a device reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeasurementDefinition {
    /// Path in the payload, dotted and in lower case; `measurements.<name>` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Template of the alias. One that begins with `/` and names levels in braces, such as
    /// `/plant/{line}/{device}/temperature`, is also a pattern of topics: the last levels may be a path in the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// SiteWise's settings for gateways at the edge; they have no meaning here.
    #[serde(alias = "processingConfig", skip_serializing)]
    pub processing_config: Option<serde_json::Value>,
}

/// A value that follows from others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformDefinition {
    /// The formula.
    pub expression: String,
    /// Names in the formula; a name that is not listed is the property of that name.
    #[serde(default)]
    pub variables: Vec<VariableDefinition>,
    /// SiteWise's settings for gateways at the edge; they have no meaning here.
    #[serde(default, alias = "processingConfig", skip_serializing)]
    pub processing_config: Option<serde_json::Value>,
}

/// A value over windows of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricDefinition {
    /// The formula.
    pub expression: String,
    /// Names in the formula; a name that is not listed is the property of that name.
    #[serde(default)]
    pub variables: Vec<VariableDefinition>,
    /// SiteWise's settings for gateways at the edge; they have no meaning here.
    #[serde(default, alias = "processingConfig", skip_serializing)]
    pub processing_config: Option<serde_json::Value>,
    /// The windows.
    pub window: WindowDefinition,
}

/// A name in a formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableDefinition {
    /// The name: lower-case letters, digits and `_`.
    pub name: String,
    /// What it stands for.
    pub value: VariableValue,
}

/// The property that a name stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableValue {
    /// Name of the property.
    #[serde(alias = "propertyId")]
    pub property: String,
    /// The hierarchy whose assets have the property; of the asset itself when absent. In metrics only.
    #[serde(default, alias = "hierarchyId", skip_serializing_if = "Option::is_none")]
    pub hierarchy: Option<String>,
}

/// Kinds of windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowDefinition {
    /// Windows side by side.
    pub tumbling: Tumbling,
}

/// Windows side by side, each as long as the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tumbling {
    /// Length, from `1m` to `1w`. Days begin at midnight, weeks on Monday, in UTC.
    pub interval: Span,
    /// Moves the beginning, less than the interval.
    #[serde(default)]
    pub offset: Span,
    /// How long after its end a window still takes values, at most the interval; `10s` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Span>,
}

/// What assets of a model consist of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HierarchyDefinition {
    /// Its name, unique in the model.
    pub name: String,
    /// The model of the parts.
    #[serde(alias = "childAssetModelId")]
    pub model: String,
}

/// An asset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetDefinition {
    /// Its id, unique.
    #[serde(alias = "assetId")]
    pub id: String,
    /// Its name, for people; the id when absent.
    #[serde(default, alias = "assetName")]
    pub name: Option<String>,
    /// Its model.
    #[serde(alias = "assetModelId")]
    pub model: String,
    /// The device that reports for it; the id when absent.
    #[serde(default)]
    pub device: Option<String>,
    /// Equipment in SAP, see [`Links`].
    #[serde(default)]
    pub equipment: Option<String>,
    /// Functional location in SAP, see [`Links`].
    #[serde(default)]
    pub functional_location: Option<String>,
    /// Values of its attributes.
    #[serde(default)]
    pub attributes: BTreeMap<String, Scalar>,
    /// The asset that it is a part of.
    #[serde(default)]
    pub parent: Option<ParentDefinition>,
}

/// What an asset is called in SAP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Links {
    /// Equipment, as `API_EQUIPMENT` names it: at most 18 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equipment: Option<String>,
    /// Functional location, as `API_FUNCTIONALLOCATION` names it: at most 40 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functional_location: Option<String>,
}

impl Links {
    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.equipment.is_none() && self.functional_location.is_none()
    }

    /// What these say, and for the rest what `others` say.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        let either = |ours: &Option<String>, theirs: &Option<String>| ours.clone().or_else(|| theirs.clone());
        Self {
            equipment: either(&self.equipment, &others.equipment),
            functional_location: either(&self.functional_location, &others.functional_location),
        }
    }
}

/// How assets are found in SAP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinksDefinition {
    /// The destination that is asked.
    pub destination: String,
    /// What is searched.
    #[serde(default)]
    pub search: LinkSearch,
    /// The field of it that names the asset, such as `InventoryNumber`.
    pub field: String,
    /// Template of the field's value. It knows `{device}`, the names in braces of the topic's pattern, and attributes.
    pub value: String,
    /// How long an answer holds.
    #[serde(default = "a_day")]
    pub refresh: Span,
}

const fn a_day() -> Span {
    Span::seconds(86_400)
}

/// What is searched in SAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkSearch {
    /// Equipment, with the functional location where it is installed: `API_EQUIPMENT`.
    #[default]
    Equipment,
    /// A functional location: `API_FUNCTIONALLOCATION`.
    FunctionalLocation,
}

/// The asset that another is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentDefinition {
    /// Id of the asset.
    pub asset: String,
    /// The hierarchy of its model.
    pub hierarchy: String,
}
