//! From definitions to properties.

use std::collections::HashMap;
use std::sync::Arc;

use super::inputs::Surroundings;
use super::{Property, Reference, Source};
use crate::definition::{
    AttributeDefinition, MetricDefinition, ModelDefinition, PropertyDefinition, PropertyKind, Span, TransformDefinition,
};
use crate::error::DefinitionError;
use crate::formula::Place;
use crate::live::Cut;
use crate::pattern::Template;

/// Windows are from a minute to a week.
const INTERVALS: (Span, Span) = (Span::seconds(60), Span::seconds(7 * 86_400));
/// How long a window takes late values, when nothing is said.
const LATENESS: Span = Span::seconds(10);

/// Names in a model that others refer to.
pub(super) struct Names {
    pub(super) properties: HashMap<String, usize>,
    pub(super) hierarchies: Vec<(Arc<str>, usize)>,
}

/// The properties of a model, not yet connected.
pub(super) fn compile(
    model: usize,
    definition: &ModelDefinition,
    names: &[Names],
) -> Result<Vec<Property>, DefinitionError> {
    let compile = |(at, property): (usize, &PropertyDefinition)| {
        let path = format!("models[{model}].properties[{at}]");
        Ok(Property {
            name: property.name.as_str().into(),
            data_type: property.data_type,
            unit: property.unit.as_deref().map(Arc::from),
            source: source(&path, (model, definition, names), property)
                .map_err(|error| error.of("property", &property.name))?,
            rank: 0,
            dependents: Vec::new(),
            alarms: Vec::new(),
        })
    };
    definition.properties.iter().enumerate().map(compile).collect()
}

type Around<'a> = (usize, &'a ModelDefinition, &'a [Names]);

fn source(path: &str, around: Around<'_>, property: &PropertyDefinition) -> Result<Source, DefinitionError> {
    match &property.kind {
        PropertyKind::Attribute(attribute) => self::attribute(path, property, attribute),
        PropertyKind::Measurement(measurement) => {
            let alias = measurement.alias.as_ref().or(around.1.alias.as_ref());
            let at = format!("{path}.type.measurement.alias");
            Ok(Source::Measurement { alias: template(&at, alias.map(String::as_str))? })
        }
        PropertyKind::Transform(transform) => self::transform(path, around, transform),
        PropertyKind::Metric(metric) => self::metric(path, around, metric),
    }
}

/// A template, when there is one.
pub(super) fn template(path: &str, text: Option<&str>) -> Result<Option<Template>, DefinitionError> {
    text.map(|text| Template::parse(text).map_err(|what| DefinitionError::value(path, what))).transpose()
}

fn attribute(
    path: &str,
    property: &PropertyDefinition,
    attribute: &AttributeDefinition,
) -> Result<Source, DefinitionError> {
    let path = format!("{path}.type.attribute");
    let typed = |given: &crate::value::Scalar| {
        property.data_type.accept(given.given()).ok_or_else(|| {
            DefinitionError::value(format!("{path}.default"), format!("is no value of type {:?}", property.data_type))
        })
    };
    let default = attribute.default.as_ref().map(typed).transpose()?;
    Ok(Source::Attribute { default, from: template(&format!("{path}.from"), attribute.from.as_deref())? })
}

fn transform(path: &str, around: Around<'_>, transform: &TransformDefinition) -> Result<Source, DefinitionError> {
    let path = &format!("{path}.type.transform");
    let (model, definition, names) = around;
    let variables = &transform.variables;
    let surroundings = Surroundings { path, model, definition, names, variables, place: Place::Transform };
    let (formula, inputs) = surroundings.compile(&transform.expression)?;
    let is_attribute =
        |input: &&Reference| matches!(definition.properties[input.property].kind, PropertyKind::Attribute(_));
    let series = inputs.iter().filter(|input| !is_attribute(input)).count();
    if series == 0 {
        return Err(DefinitionError::value(format!("{path}.expression"), "reads no value that ever changes"));
    }
    let inputs = inputs.iter().map(|input| input.property).collect();
    Ok(Source::Transform { formula, inputs, pointwise: series == 1 })
}

fn metric(path: &str, around: Around<'_>, metric: &MetricDefinition) -> Result<Source, DefinitionError> {
    let path = &format!("{path}.type.metric");
    let (model, definition, names) = around;
    let variables = &metric.variables;
    let surroundings = Surroundings { path, model, definition, names, variables, place: Place::Metric };
    let (formula, inputs) = surroundings.compile(&metric.expression)?;
    if inputs.is_empty() {
        return Err(DefinitionError::value(format!("{path}.expression"), "reads no value that ever changes"));
    }
    Ok(Source::Metric { formula, inputs, cut: cut(path, metric)? })
}

fn cut(path: &str, metric: &MetricDefinition) -> Result<Cut, DefinitionError> {
    let tumbling = &metric.window.tumbling;
    let (shortest, longest) = INTERVALS;
    let lateness = tumbling.lateness.unwrap_or(LATENESS);
    let fault = if tumbling.interval < shortest || tumbling.interval > longest {
        Some(("interval", format!("is from {shortest} to {longest}")))
    } else if tumbling.offset >= tumbling.interval {
        Some(("offset", "is less than the interval".to_owned()))
    } else if lateness > tumbling.interval {
        Some(("lateness", "is at most the interval".to_owned()))
    } else {
        None
    };
    match fault {
        Some((member, what)) => Err(DefinitionError::value(format!("{path}.window.tumbling.{member}"), what)),
        None => Ok(Cut {
            interval: tumbling.interval.micros(),
            offset: tumbling.offset.micros(),
            lateness: lateness.micros(),
        }),
    }
}
