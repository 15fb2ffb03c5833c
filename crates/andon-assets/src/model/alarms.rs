//! From definitions to alarms.

use std::collections::HashMap;

use super::{Alarm, Property, Source};
use crate::alarm::{Condition, Limit};
use crate::definition::{AlarmDefinition, AlarmLimit, ModelDefinition, Operator, RateDefinition, ThresholdDefinition};
use crate::error::DefinitionError;
use crate::value::DataType;

/// The alarms of a model.
pub(super) fn compile(
    path: &str,
    definition: &ModelDefinition,
    names: &HashMap<String, usize>,
    properties: &[Property],
) -> Result<Vec<Alarm>, DefinitionError> {
    let one = |(at, alarm): (usize, &AlarmDefinition)| {
        let checked = Checked { path: format!("{path}.alarms[{at}]"), names, properties }.alarm(alarm);
        checked.map_err(|error| error.of("alarm", &alarm.name))
    };
    definition.alarms.iter().enumerate().map(one).collect()
}

struct Checked<'a> {
    path: String,
    names: &'a HashMap<String, usize>,
    properties: &'a [Property],
}

impl Checked<'_> {
    fn alarm(&self, alarm: &AlarmDefinition) -> Result<Alarm, DefinitionError> {
        let property = self.named("property", &alarm.property)?;
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !alarm.name.chars().all(legal) {
            return Err(self.wrong("name", "an alarm's name has a-z, A-Z, 0-9, '-', '_' and '.'"));
        }
        if matches!(self.properties[property].source, Source::Attribute { .. }) {
            return Err(self.wrong("property", "an attribute never changes, so it cannot be watched"));
        }
        let condition = self.condition(alarm)?;
        let needs_numbers = !matches!(condition, Condition::Silence { .. });
        if needs_numbers && self.properties[property].data_type == DataType::String {
            return Err(self.wrong("property", "text has no threshold and no rate of change; watch a number"));
        }
        Ok(Alarm { definition: alarm.clone(), name: alarm.name.as_str().into(), property, condition })
    }

    fn condition(&self, alarm: &AlarmDefinition) -> Result<Condition, DefinitionError> {
        match (&alarm.threshold, &alarm.rate, &alarm.silence) {
            (Some(threshold), None, None) => self.threshold(threshold),
            (None, Some(rate), None) => self.rate(rate),
            (None, None, Some(silence)) if silence.after.as_seconds() > 0 => {
                Ok(Condition::Silence { after: silence.after.micros() })
            }
            (None, None, Some(_)) => Err(self.wrong("silence.after", "is at least 1s")),
            _ => Err(DefinitionError::value(&self.path, "has exactly one of threshold, rate and silence")),
        }
    }

    fn threshold(&self, threshold: &ThresholdDefinition) -> Result<Condition, DefinitionError> {
        let ThresholdDefinition { operator, value, hysteresis } = threshold;
        self.band("threshold.hysteresis", *hysteresis)?;
        if *hysteresis > 0.0 && matches!(operator, Operator::Equal | Operator::NotEqual) {
            return Err(self.wrong("threshold.hysteresis", "has no meaning for equality"));
        }
        let limit = match value {
            AlarmLimit::Number(number) if number.is_finite() => Limit::Number(*number),
            AlarmLimit::Number(_) => return Err(self.wrong("threshold.value", "is a finite number")),
            AlarmLimit::Attribute { attribute } => Limit::Attribute(self.limit(attribute)?),
        };
        Ok(Condition::Threshold { operator: *operator, limit, hysteresis: *hysteresis })
    }

    fn limit(&self, attribute: &str) -> Result<usize, DefinitionError> {
        let at = self.named("threshold.value.attribute", attribute)?;
        match self.properties[at].source {
            Source::Attribute { .. } if self.properties[at].data_type != DataType::String => Ok(at),
            Source::Attribute { .. } => Err(self.wrong("threshold.value.attribute", "is a text, not a number")),
            _ => Err(self.wrong("threshold.value.attribute", "is not an attribute")),
        }
    }

    fn rate(&self, rate: &RateDefinition) -> Result<Condition, DefinitionError> {
        self.band("rate.hysteresis", rate.hysteresis)?;
        if !rate.change.is_finite() || rate.change <= 0.0 || rate.hysteresis > rate.change {
            return Err(self.wrong("rate.change", "is more than 0, and at least the hysteresis"));
        }
        if rate.within.as_seconds() == 0 {
            return Err(self.wrong("rate.within", "is at least 1s"));
        }
        let (change, within) = (rate.change, rate.within.micros());
        Ok(Condition::Rate { change, within, direction: rate.direction, hysteresis: rate.hysteresis })
    }

    fn band(&self, member: &str, hysteresis: f64) -> Result<(), DefinitionError> {
        if hysteresis.is_finite() && hysteresis >= 0.0 { Ok(()) } else { Err(self.wrong(member, "is 0 or more")) }
    }

    fn named(&self, member: &str, name: &str) -> Result<usize, DefinitionError> {
        let what = || format!("there is no property {name}");
        let found = self.names.get(name).copied();
        found.ok_or_else(|| DefinitionError::reference(format!("{}.{member}", self.path), what()))
    }

    fn wrong(&self, member: &str, what: &str) -> DefinitionError {
        DefinitionError::value(format!("{}.{member}", self.path), what)
    }
}
