//! From JSON values to definitions, with the path of what does not fit.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{AssetDefinition, ModelDefinition, PlantDefinition};
use crate::error::DefinitionError;

/// Lists in a model whose elements are read one by one, so that faults name them; with SiteWise's names.
const LISTS: [(&str, &str); 3] =
    [("properties", "assetModelProperties"), ("hierarchies", "assetModelHierarchies"), ("alarms", "alarms")];

impl PlantDefinition {
    /// Reads `{"models": […], "assets": […]}`. A list may be absent.
    pub fn read(value: &Value) -> Result<Self, DefinitionError> {
        let members = value.as_object().ok_or_else(|| DefinitionError::shape("$", "an object is expected"))?;
        if let Some(unknown) = members.keys().find(|name| !["models", "assets"].contains(&name.as_str())) {
            return Err(DefinitionError::shape(unknown, "is not known here: models and assets are"));
        }
        Ok(Self {
            models: list(members, "models", ModelDefinition::read)?,
            assets: list(members, "assets", AssetDefinition::read)?,
        })
    }
}

impl ModelDefinition {
    /// Reads one model; `path` is where it stands.
    pub fn read(value: &Value, path: &str) -> Result<Self, DefinitionError> {
        let mut rest = value.clone();
        let members = rest.as_object_mut().ok_or_else(|| DefinitionError::shape(path, "an object is expected"))?;
        let [properties, hierarchies, alarms] = LISTS.map(|(ours, theirs)| {
            let (name, value) = members.remove_entry(ours).or_else(|| members.remove_entry(theirs))?;
            Some((format!("{path}.{name}"), value))
        });
        Ok(Self {
            properties: elements(properties)?,
            hierarchies: elements(hierarchies)?,
            alarms: elements(alarms)?,
            ..typed(rest, path)?
        })
    }
}

impl AssetDefinition {
    /// Reads one asset; `path` is where it stands.
    pub fn read(value: &Value, path: &str) -> Result<Self, DefinitionError> {
        typed(value.clone(), path)
    }
}

fn list<T>(
    members: &Map<String, Value>,
    name: &str,
    read: fn(&Value, &str) -> Result<T, DefinitionError>,
) -> Result<Vec<T>, DefinitionError> {
    let Some(value) = members.get(name) else { return Ok(Vec::new()) };
    let elements = value.as_array().ok_or_else(|| DefinitionError::shape(name, "a list is expected"))?;
    elements.iter().enumerate().map(|(at, value)| read(value, &format!("{name}[{at}]"))).collect()
}

fn elements<T: DeserializeOwned>(list: Option<(String, Value)>) -> Result<Vec<T>, DefinitionError> {
    let Some((path, value)) = list else { return Ok(Vec::new()) };
    let Value::Array(values) = value else { return Err(DefinitionError::shape(path, "a list is expected")) };
    values.into_iter().enumerate().map(|(at, value)| typed(value, &format!("{path}[{at}]"))).collect()
}

fn typed<T: DeserializeOwned>(value: Value, path: &str) -> Result<T, DefinitionError> {
    serde_json::from_value(value).map_err(|error| DefinitionError::shape(path, error.to_string()))
}
