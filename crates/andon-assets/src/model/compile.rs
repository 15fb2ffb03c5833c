//! From definitions to models.

use std::collections::HashMap;
use std::sync::Arc;

use super::properties::Names;
use super::{Model, Models, alarms, graph, links, properties, ways};
use crate::definition::ModelDefinition;
use crate::error::DefinitionError;
use crate::limits::Limits;

/// Longest name, in bytes; the limit of SiteWise.
const MAX_NAME_BYTES: usize = 256;

impl Models {
    /// Compiles all models together: they refer to each other.
    pub(crate) fn compile(definitions: &[ModelDefinition], limits: &Limits) -> Result<Self, DefinitionError> {
        if definitions.len() > limits.models {
            return Err(DefinitionError::value("models", format!("there are more than {} models", limits.models)));
        }
        let by_name = unique(definitions.iter().map(|model| model.name.as_str()), |at| format!("models[{at}].name"))?;
        let names: Result<Vec<_>, _> =
            definitions.iter().enumerate().map(|(at, model)| names(at, model, &by_name, limits)).collect();
        let names = names?;
        no_circle_of_parts(&names)?;
        let all: Result<Vec<_>, _> =
            definitions.iter().enumerate().map(|(at, definition)| model(at, definition, &names)).collect();
        let mut models = Self { all: all?, by_name };
        graph::connect(&mut models)?;
        Ok(models)
    }
}

/// Positions by name; `path` is where the name at a position stands.
pub(super) fn unique<'a>(
    names: impl Iterator<Item = &'a str>,
    path: impl Fn(usize) -> String,
) -> Result<HashMap<String, usize>, DefinitionError> {
    let mut known = HashMap::new();
    for (at, name) in names.enumerate() {
        if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(DefinitionError::value(path(at), format!("a name has 1 to {MAX_NAME_BYTES} bytes of text")));
        }
        if known.insert(name.to_owned(), at).is_some() {
            return Err(DefinitionError::value(path(at), format!("{name} stands here a second time")));
        }
    }
    Ok(known)
}

fn names(
    at: usize,
    definition: &ModelDefinition,
    models: &HashMap<String, usize>,
    limits: &Limits,
) -> Result<Names, DefinitionError> {
    let path = format!("models[{at}]");
    for (list, count, limit) in [
        ("properties", definition.properties.len(), limits.properties_per_model),
        ("alarms", definition.alarms.len(), limits.alarms_per_model),
    ] {
        if count > limit {
            return Err(DefinitionError::value(format!("{path}.{list}"), format!("{count} of them, at most {limit}")));
        }
    }
    let properties =
        unique(definition.properties.iter().map(|p| p.name.as_str()), |n| format!("{path}.properties[{n}].name"))?;
    unique(definition.alarms.iter().map(|a| a.name.as_str()), |n| format!("{path}.alarms[{n}].name"))?;
    let known =
        unique(definition.hierarchies.iter().map(|h| h.name.as_str()), |n| format!("{path}.hierarchies[{n}].name"))?;
    let mut hierarchies = vec![(Arc::from(""), 0); known.len()];
    for (n, hierarchy) in definition.hierarchies.iter().enumerate() {
        let model = models.get(&hierarchy.model).copied().ok_or_else(|| {
            let what = format!("there is no model {}", hierarchy.model);
            DefinitionError::reference(format!("{path}.hierarchies[{n}].model"), what)
        })?;
        hierarchies[n] = (Arc::from(hierarchy.name.as_str()), model);
    }
    Ok(Names { properties, hierarchies })
}

/// A model may not be a part of itself.
fn no_circle_of_parts(names: &[Names]) -> Result<(), DefinitionError> {
    let parts = |model: usize| names[model].hierarchies.iter().map(|(_, part)| *part).collect::<Vec<_>>();
    match graph::circle(names.len(), parts) {
        Some(circle) => {
            let path = format!("models[{}].hierarchies", circle[0]);
            Err(DefinitionError::reference(path, "the model is, by way of its parts, a part of itself"))
        }
        None => Ok(()),
    }
}

fn model(at: usize, definition: &ModelDefinition, names: &[Names]) -> Result<Model, DefinitionError> {
    let path = format!("models[{at}]");
    let properties = properties::compile(at, definition, names)?;
    let alarms = alarms::compile(&path, definition, &names[at].properties, &properties)?;
    let (fields, ways) = ways::compile(&path, definition)?;
    let mut model = Model {
        definition: Arc::new(definition.clone()),
        name: definition.name.as_str().into(),
        properties,
        by_name: names[at].properties.clone(),
        alarms,
        hierarchies: names[at].hierarchies.clone(),
        fields,
        ways,
        capabilities: ways::capabilities(definition),
        discover: ways::discover(&path, definition)?,
        links: links::compile(&path, definition)?,
    };
    for (alarm, watched) in model.alarms.iter().map(|alarm| alarm.property).enumerate() {
        model.properties[watched].alarms.push(alarm);
    }
    Ok(model)
}
