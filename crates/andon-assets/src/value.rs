//! Values: their types, their quality, and points in time that have one.

use std::sync::Arc;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest text that a property takes, in bytes; the limit of AWS IoT SiteWise.
pub const MAX_TEXT_BYTES: usize = 1_024;

/// The type of a property's values, in the words of AWS IoT SiteWise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DataType {
    /// A whole number of 64 bits, signed.
    Integer,
    /// A finite number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Text of at most [`MAX_TEXT_BYTES`].
    String,
}

/// How far a value can be trusted. Only [`Quality::Good`] counts in transforms, metrics and alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Quality {
    /// What is meant when nothing is said.
    #[default]
    Good,
    /// Known to be wrong.
    Bad,
    /// Perhaps wrong.
    Uncertain,
}

/// A value as it is kept. JSON form: the bare value; a [`Scalar::Double`] always has a fraction or exponent there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Double(f64),
    /// Text.
    String(Arc<str>),
}

/// A value as it comes in, before it has a property's type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given<'a> {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Double(f64),
    /// Text.
    Text(&'a str),
}

/// A value at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When it was measured, or what time it was computed for.
    pub ts: Timestamp,
    /// What.
    pub value: Scalar,
    /// How far it can be trusted.
    pub quality: Quality,
}

impl Point {
    /// A point of good quality.
    pub const fn good(ts: Timestamp, value: Scalar) -> Self {
        Self { ts, value, quality: Quality::Good }
    }

    /// What it takes in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let text = if let Scalar::String(text) = &self.value { text.len() } else { 0 };
        size_of::<Self>() + text
    }
}

impl Scalar {
    /// As a number: `true` is 1 and `false` 0, as in SiteWise; text has none.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Boolean(truth) => Some(if *truth { 1.0 } else { 0.0 }),
            Self::Integer(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::String(_) => None,
        }
    }

    /// The same value, not yet typed.
    pub fn given(&self) -> Given<'_> {
        match self {
            Self::Boolean(truth) => Given::Boolean(*truth),
            Self::Integer(number) => Given::Integer(*number),
            Self::Double(number) => Given::Double(*number),
            Self::String(text) => Given::Text(text),
        }
    }
}

impl DataType {
    /// The value as one of this type, or `None` when it is none. Devices send numbers as text (`"20.75"`) and flags as
    /// 0 and 1; the quickstart's `cast(… as Double)` takes them as what they mean, and so does this.
    pub fn accept(self, given: Given<'_>) -> Option<Scalar> {
        match self {
            Self::Boolean => truth(given).map(Scalar::Boolean),
            Self::Integer => integer(given).map(Scalar::Integer),
            Self::Double => double(given).filter(|number| number.is_finite()).map(Scalar::Double),
            Self::String => text(given).map(Scalar::String),
        }
    }
}

fn truth(given: Given<'_>) -> Option<bool> {
    match given {
        Given::Boolean(truth) => Some(truth),
        Given::Integer(number) => Some(number != 0),
        Given::Double(number) => number.is_finite().then_some(number != 0.0),
        Given::Text(text) => match text.trim() {
            "true" | "True" | "TRUE" | "1" => Some(true),
            "false" | "False" | "FALSE" | "0" => Some(false),
            _ => None,
        },
    }
}

fn integer(given: Given<'_>) -> Option<i64> {
    match given {
        Given::Boolean(truth) => Some(truth.into()),
        Given::Integer(number) => Some(number),
        Given::Double(number) => whole(number),
        Given::Text(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
    }
}

/// Numbers up to here are whole without loss in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, reason = "the number is whole and in the range that was checked")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn double(given: Given<'_>) -> Option<f64> {
    match given {
        Given::Boolean(truth) => Some(f64::from(u8::from(truth))),
        Given::Integer(number) => Some(number as f64),
        Given::Double(number) => Some(number),
        Given::Text(text) => text.trim().parse().ok(),
    }
}

fn text(given: Given<'_>) -> Option<Arc<str>> {
    let text: Arc<str> = match given {
        Given::Boolean(truth) => truth.to_string().into(),
        Given::Integer(number) => number.to_string().into(),
        Given::Double(number) => number.to_string().into(),
        Given::Text(text) if text.len() > MAX_TEXT_BYTES => return None,
        Given::Text(text) => text.into(),
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data_type: DataType, given: Given<'_>, expect: impl Into<Option<Scalar>>) {
        assert_eq!(data_type.accept(given), expect.into(), "{given:?} as {data_type:?}");
    }

    #[test]
    fn values_are_taken_as_what_they_mean() {
        use DataType::{Boolean, Double, Integer, String};
        check(Double, Given::Text(" 20.75"), Some(Scalar::Double(20.75)));
        check(Double, Given::Integer(3), Some(Scalar::Double(3.0)));
        check(Double, Given::Boolean(true), Some(Scalar::Double(1.0)));
        check(Double, Given::Text("NaN"), None);
        check(Double, Given::Text("warm"), None);
        check(Double, Given::Double(f64::INFINITY), None);
        check(Integer, Given::Text("-80"), Some(Scalar::Integer(-80)));
        check(Integer, Given::Text("3.0"), Some(Scalar::Integer(3)));
        check(Integer, Given::Double(3.5), None);
        check(Integer, Given::Double(1e300), None);
        check(Boolean, Given::Integer(0), Some(Scalar::Boolean(false)));
        check(Boolean, Given::Text("true"), Some(Scalar::Boolean(true)));
        check(Boolean, Given::Text("on"), None);
        check(String, Given::Double(1.5), Some(Scalar::String("1.5".into())));
        check(String, Given::Text(&"x".repeat(MAX_TEXT_BYTES + 1)), None);
    }

    #[test]
    fn json_keeps_the_type() {
        for value in [Scalar::Boolean(true), Scalar::Integer(2), Scalar::Double(2.0), Scalar::String("2".into())] {
            let text = serde_json::to_string(&value).expect("serialises");
            assert_eq!(serde_json::from_str::<Scalar>(&text).expect("reads"), value, "{text}");
        }
    }
}
