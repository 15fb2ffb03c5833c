//! Formulas are computed with made-up values when they are written: what no reading is likely to make right is told then,
//! not value by value.
//!
//! **Constraints.** Made-up values prove nothing, so a formula is doubted and not refused: when none of the samples can be computed, or when a result is of another kind
//! than the property: text where a number is due. What depends on the numbers themselves (a fraction for a property of
//! whole ones, a root of a negative number) is for the readings to show.

use super::{Models, Property, Reference, Source};
use crate::error::DefinitionError;
use crate::formula::{Formula, Function, Slot};
use crate::value::{DataType, Scalar};

/// What numbers are tried; texts are written as digits, since those may be meant as numbers.
const NUMBERS: [i64; 5] = [0, 1, 25, -1, 10_000];

impl Models {
    /// Tries the formulas of all models; the error is that of the first that is doubted.
    pub(crate) fn try_formulas(&self) -> Result<(), DefinitionError> {
        check(self)
    }
}

/// About what time it is in the samples, in seconds since 1970.
const MADE_UP_TIME: i64 = 1_772_719_200;

fn check(models: &Models) -> Result<(), DefinitionError> {
    for (at, model) in models.all.iter().enumerate() {
        for (number, property) in model.properties.iter().enumerate() {
            let tried = match &property.source {
                Source::Transform { formula, inputs, .. } => {
                    let types = inputs.iter().map(|input| model.properties[*input].data_type).collect();
                    Some(("transform", formula, types))
                }
                Source::Metric { formula, inputs, .. } => Some(("metric", formula, types(models, inputs))),
                Source::Attribute { .. } | Source::Measurement { .. } => None,
            };
            if let Some((kind, formula, types)) = tried
                && let Some(what) = fault(formula, &types, property)
            {
                let path = format!("models[{at}].properties[{number}].type.{kind}.expression");
                return Err(DefinitionError::value(path, what).of("property", &property.name));
            }
        }
    }
    Ok(())
}

fn types(models: &Models, inputs: &[Reference]) -> Vec<DataType> {
    inputs.iter().map(|input| models.all[input.model].properties[input.property].data_type).collect()
}

/// Why the formula cannot be right.
fn fault(formula: &Formula, types: &[DataType], property: &Property) -> Option<String> {
    let mut fault = None;
    let mut is_computed = false;
    for round in 0..NUMBERS.len() {
        match formula.evaluate(|slot| sample(slot, types, round)) {
            Ok(Some(value)) if !fits(&value, property.data_type) => {
                let told = serde_json::to_string(&value).unwrap_or_default();
                return Some(format!("gives {told}, which is no value of type {:?}", property.data_type));
            }
            Ok(_) => is_computed = true,
            Err(what) => fault = Some(format!("cannot be computed: {what}")),
        }
    }
    fault.filter(|_| !is_computed)
}

/// A fraction may be a whole number next time.
fn fits(value: &Scalar, data_type: DataType) -> bool {
    let is_number = matches!(value, Scalar::Double(_)) && data_type == DataType::Integer;
    is_number || data_type.accept(value.given()).is_some()
}

/// What a slot has in a round; the inputs differ from each other.
fn sample(slot: &Slot, types: &[DataType], round: usize) -> Option<Scalar> {
    let of = |input: usize, data_type: DataType| made_up(data_type, NUMBERS[(round + input) % NUMBERS.len()]);
    match slot {
        Slot::Value(input) => Some(of(*input, *types.get(*input)?)),
        Slot::Time(_) => Some(Scalar::Integer(MADE_UP_TIME)),
        Slot::TimeOf(function, _) => Some(Scalar::Integer(MADE_UP_TIME + 60 * i64::from(*function as u8))),
        Slot::Aggregate(Function::Count, _) => Some(Scalar::Integer(3)),
        Slot::Aggregate(function, inputs) => {
            let input = *inputs.first()?;
            match *types.get(input)? {
                data_type if function.picks() => Some(of(input + *function as usize, data_type)),
                DataType::String => None,
                _ => Some(of(input + *function as usize, DataType::Double)),
            }
        }
    }
}

fn made_up(data_type: DataType, number: i64) -> Scalar {
    match data_type {
        DataType::Boolean => Scalar::Boolean(number > 0),
        DataType::Integer => Scalar::Integer(number),
        DataType::Double => Scalar::Double(number as f64 / 10.0),
        DataType::String => Scalar::String(number.clamp(0, 1).to_string().into()),
    }
}
