//! Models as they are worked with: references are positions, formulas are compiled, and it is known what follows from
//! what.
//!
//! **Constraints.** Made once from definitions and never changed. What a property follows from has a lower rank, so that
//! going by rank computes everything once and from values that are up to date.

mod alarms;
mod compile;
mod graph;
mod inputs;
mod links;
mod properties;
mod trial;
mod ways;

use std::collections::HashMap;
use std::sync::Arc;

use crate::alarm::Condition;
use crate::definition::{AlarmDefinition, LinksDefinition, ModelDefinition, ParentDefinition};
use crate::formula::Formula;
use crate::live::Cut;
use crate::pattern::{Template, TopicPattern};
use crate::value::{DataType, Scalar};

pub(crate) use ways::DEVICE;

/// All models.
#[derive(Debug, Default)]
pub(crate) struct Models {
    /// In the order in which they are defined.
    pub(crate) all: Vec<Model>,
    by_name: HashMap<String, usize>,
}

/// Measurements by the path of their field.
pub(crate) type Fields = HashMap<Box<str>, Vec<usize>>;

/// A model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) definition: Arc<ModelDefinition>,
    pub(crate) name: Arc<str>,
    pub(crate) properties: Vec<Property>,
    by_name: HashMap<String, usize>,
    pub(crate) alarms: Vec<Alarm>,
    /// Name and model of the parts.
    pub(crate) hierarchies: Vec<(Arc<str>, usize)>,
    /// Its measurements, by field.
    pub(crate) fields: Arc<Fields>,
    /// How readings find its assets by topic.
    pub(crate) ways: Vec<Way>,
    /// Capability models that begin with a text, or are it.
    pub(crate) capabilities: Vec<(String, bool)>,
    /// How assets are created.
    pub(crate) discover: Option<Discover>,
    /// How assets are found in SAP: the definition, and its template.
    pub(crate) links: Option<(LinksDefinition, Template)>,
}

/// Readings of these topics are for assets of the model.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) topic: TopicPattern,
    pub(crate) fields: Arc<Fields>,
}

/// How an asset is created.
#[derive(Debug)]
pub(crate) struct Discover {
    pub(crate) asset: Template,
    pub(crate) name: Option<Template>,
    pub(crate) equipment: Option<Template>,
    pub(crate) functional_location: Option<Template>,
    pub(crate) parent: Option<ParentDefinition>,
}

/// A property.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: Arc<str>,
    pub(crate) data_type: DataType,
    pub(crate) unit: Option<Arc<str>>,
    pub(crate) source: Source,
    /// Higher than those of all that it follows from.
    pub(crate) rank: u32,
    /// What follows from it.
    pub(crate) dependents: Vec<Dependent>,
    /// Alarms that watch it.
    pub(crate) alarms: Vec<usize>,
}

/// Where values come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// Said once.
    Attribute { default: Option<Scalar>, from: Option<Template> },
    /// A device.
    Measurement { alias: Option<Template> },
    /// Other values of the asset.
    Transform { formula: Formula, inputs: Vec<usize>, pointwise: bool },
    /// Values within windows.
    Metric { formula: Formula, inputs: Vec<Reference>, cut: Cut },
}

/// A property that a formula reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) model: usize,
    pub(crate) property: usize,
    /// Of the parts in this hierarchy, or of the asset itself.
    pub(crate) hierarchy: Option<usize>,
}

/// What follows from a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dependent {
    /// A transform of the same asset.
    Transform(usize),
    /// A metric of the same asset, as this input.
    Metric { property: usize, input: usize },
    /// A metric of the asset of this model that has the asset in this hierarchy.
    OfParent { model: usize, hierarchy: usize, property: usize, input: usize },
}

/// An alarm.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub(crate) definition: AlarmDefinition,
    pub(crate) name: Arc<str>,
    pub(crate) property: usize,
    pub(crate) condition: Condition,
}

impl Models {
    /// The model of this name.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

impl Model {
    /// The property of this name.
    pub(crate) fn property(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The alarm of this name.
    pub(crate) fn alarm(&self, name: &str) -> Option<usize> {
        self.alarms.iter().position(|alarm| alarm.name.as_ref() == name)
    }

    /// The hierarchy of this name.
    pub(crate) fn hierarchy(&self, name: &str) -> Option<usize> {
        self.hierarchies.iter().position(|(known, _)| known.as_ref() == name)
    }

    /// Whether devices with this capability model are for it.
    pub(crate) fn is_for(&self, capability: &str) -> bool {
        self.capabilities
            .iter()
            .any(|(text, open)| if *open { capability.starts_with(text) } else { capability == text })
    }
}
