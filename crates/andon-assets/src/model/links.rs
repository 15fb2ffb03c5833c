//! How assets are found in SAP.

use super::DEVICE;
use crate::definition::{LinksDefinition, ModelDefinition, PropertyKind};
use crate::error::DefinitionError;
use crate::pattern::{Template, TopicPattern};

/// Longest name of a field.
const MAX_FIELD_BYTES: usize = 40;
/// Asking SAP more often than this would help nobody.
const SHORTEST_REFRESH_SECONDS: u64 = 60;

/// The definition with its template, if there is one.
pub(super) fn compile(
    path: &str,
    definition: &ModelDefinition,
) -> Result<Option<(LinksDefinition, Template)>, DefinitionError> {
    let Some(links) = &definition.links else { return Ok(None) };
    let refused = |member: &str, what: &str| Err(DefinitionError::value(format!("{path}.links.{member}"), what));
    if !is_field(&links.field) {
        return refused("field", "the name of a field has 1 to 40 letters, digits and _");
    }
    if links.refresh.as_seconds() < SHORTEST_REFRESH_SECONDS {
        return refused("refresh", "an answer holds for 1m at least");
    }
    let template = match Template::parse(&links.value) {
        Ok(template) => template,
        Err(what) => return refused("value", &what),
    };
    let unknown = template.names().find(|name| !is_known(definition, name));
    match unknown {
        Some(name) => {
            refused("value", &format!("{{{name}}} is neither {DEVICE}, nor a level of a topic, nor an attribute"))
        }
        None => Ok(Some((links.clone(), template))),
    }
}

/// It stands in a filter as it is.
fn is_field(name: &str) -> bool {
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    legal && !name.is_empty() && name.len() <= MAX_FIELD_BYTES
}

fn is_known(definition: &ModelDefinition, name: &str) -> bool {
    let is_attribute = |kind: &PropertyKind| matches!(kind, PropertyKind::Attribute(_));
    let aliases = definition.properties.iter().filter_map(|property| match &property.kind {
        PropertyKind::Measurement(measurement) => measurement.alias.as_ref(),
        _ => None,
    });
    let topics = definition.discover.iter().flat_map(|discover| &discover.topics).chain(aliases);
    let patterns = topics.filter_map(|topic| TopicPattern::parse(topic).ok());
    name == DEVICE
        || definition.properties.iter().any(|property| property.name == name && is_attribute(&property.kind))
        || patterns.into_iter().any(|pattern| pattern.names().any(|known| known == name))
}
