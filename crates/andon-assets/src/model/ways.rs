//! How readings find assets of a model: by capability model, or by topic.

use std::sync::Arc;

use super::properties::template;
use super::{Discover, Fields, Way};
use crate::definition::{DiscoverDefinition, MeasurementDefinition, ModelDefinition, PropertyKind};
use crate::error::DefinitionError;
use crate::pattern::{Template, TopicPattern};

/// The name that templates have for the device.
pub(crate) const DEVICE: &str = "device";

/// The path of a payload that is a bare value.
const WHOLE: &str = "value";

/// The measurements by field, and the topics that lead to assets.
pub(super) fn compile(path: &str, definition: &ModelDefinition) -> Result<(Arc<Fields>, Vec<Way>), DefinitionError> {
    let mut fields = Fields::new();
    let mut ways: Vec<(TopicPattern, Fields)> = Vec::new();
    for (at, measurement) in measurements(definition) {
        let default = || format!("measurements.{}", definition.properties[at].name);
        let field = measurement.field.clone().unwrap_or_else(default).to_lowercase();
        fields.entry(field.into()).or_default().push(at);
        let Some(alias) = measurement.alias.as_ref().or(definition.alias.as_ref()) else { continue };
        let path = format!("{path}.properties[{at}].type.measurement.alias");
        by_alias(&mut ways, &path, &alias.replace("{property}", &definition.properties[at].name), at)?;
    }
    let topics = definition.discover.iter().flat_map(|discover| &discover.topics);
    for (at, topic) in topics.enumerate() {
        let pattern = TopicPattern::parse(topic)
            .map_err(|what| DefinitionError::value(format!("{path}.discover.topics[{at}]"), what))?;
        let way = way_to(&mut ways, pattern);
        for (field, found) in &fields {
            way.entry(field.clone()).or_default().extend(found);
        }
    }
    let ways = ways.into_iter().map(|(topic, fields)| Way { topic, fields: Arc::new(fields) }).collect();
    Ok((Arc::new(fields), ways))
}

fn measurements(definition: &ModelDefinition) -> impl Iterator<Item = (usize, &MeasurementDefinition)> {
    definition.properties.iter().enumerate().filter_map(|(at, property)| match &property.kind {
        PropertyKind::Measurement(measurement) => Some((at, measurement)),
        _ => None,
    })
}

/// An alias such as `/plant/{line}/{device}/temperature` is the topic `plant/…/…/temperature` with a bare value as well as
/// the topic `plant/…/…` with a field `temperature`.
fn by_alias(
    ways: &mut Vec<(TopicPattern, Fields)>,
    path: &str,
    alias: &str,
    property: usize,
) -> Result<(), DefinitionError> {
    if !alias.starts_with('/') || !alias.contains('{') {
        return Ok(());
    }
    let pattern = TopicPattern::parse(alias).map_err(|what| DefinitionError::value(path, what))?;
    for levels in pattern.named_levels()..=pattern.levels() {
        let (topic, field) = pattern.split(levels);
        let field = if field.is_empty() { WHOLE.to_owned() } else { field.join(".").to_lowercase() };
        way_to(ways, topic).entry(field.into()).or_default().push(property);
    }
    Ok(())
}

fn way_to(ways: &mut Vec<(TopicPattern, Fields)>, topic: TopicPattern) -> &mut Fields {
    let at = ways.iter().position(|(known, _)| *known == topic).unwrap_or_else(|| {
        ways.push((topic, Fields::new()));
        ways.len() - 1
    });
    &mut ways[at].1
}

/// Texts of capability models, and whether more may follow.
pub(super) fn capabilities(definition: &ModelDefinition) -> Vec<(String, bool)> {
    let texts = definition.discover.iter().flat_map(|discover| &discover.capability_models);
    texts.map(|text| text.strip_suffix('*').map_or((text.clone(), false), |begin| (begin.to_owned(), true))).collect()
}

/// How assets are created, if they are.
pub(super) fn discover(path: &str, definition: &ModelDefinition) -> Result<Option<Discover>, DefinitionError> {
    let Some(discover) = &definition.discover else { return Ok(None) };
    let path = format!("{path}.discover");
    let read = |member: &str, text: &Option<String>| template(&format!("{path}.{member}"), text.as_deref());
    let asset = read("asset", &discover.asset.clone().or_else(|| Some(format!("{{{DEVICE}}}"))))?;
    let Some(asset) = asset else { return Ok(None) };
    only_known_names(&path, discover, &asset)?;
    Ok(Some(Discover {
        asset,
        name: read("name", &discover.name)?,
        equipment: read("equipment", &discover.equipment)?,
        functional_location: read("functional_location", &discover.functional_location)?,
        parent: discover.parent.clone(),
    }))
}

/// An asset's id can always be told: from the device alone, or from each of the topics.
fn only_known_names(path: &str, discover: &DiscoverDefinition, asset: &Template) -> Result<(), DefinitionError> {
    let patterns: Vec<_> = discover.topics.iter().filter_map(|topic| TopicPattern::parse(topic).ok()).collect();
    for name in asset.names().filter(|name| *name != DEVICE) {
        let everywhere = patterns.iter().all(|pattern| pattern.names().any(|known| known == name));
        if !everywhere || !discover.capability_models.is_empty() {
            let what = format!("{{{name}}} is not known for every device: only {{{DEVICE}}}, and what all topics name");
            return Err(DefinitionError::value(format!("{path}.asset"), what));
        }
    }
    Ok(())
}
