//! Conditions of a statement: `{operator: {key: value or values}}`. Everything in them is known when a device connects,
//! so that a condition is evaluated once per connection.

use std::net::IpAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Connection;
use super::document::{Members, OneOrMany};
use super::matcher::Glob;
use super::template::Template;
use super::variable::Variable;

/// How a key is compared with the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equals,
    EqualsIgnoringCase,
    Like,
    Bool,
    InNetwork,
    Null,
}

/// Which of a key's several values must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    One,
    Any,
    All,
}

/// An operator, as a policy names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    quantifier: Quantifier,
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
}

const COMPARISONS: &[(&str, Comparison, bool)] = &[
    ("StringEquals", Comparison::Equals, false),
    ("StringNotEquals", Comparison::Equals, true),
    ("StringEqualsIgnoreCase", Comparison::EqualsIgnoringCase, false),
    ("StringNotEqualsIgnoreCase", Comparison::EqualsIgnoringCase, true),
    ("StringLike", Comparison::Like, false),
    ("StringNotLike", Comparison::Like, true),
    ("Bool", Comparison::Bool, false),
    ("IpAddress", Comparison::InNetwork, false),
    ("NotIpAddress", Comparison::InNetwork, true),
    ("Null", Comparison::Null, false),
];

impl Operator {
    fn parse(text: &str) -> Option<Self> {
        let (quantifier, name) = match text.split_once(':') {
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            Some(_) => return None,
            None => (Quantifier::One, text),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (_, comparison, negated) = COMPARISONS.iter().find(|(known, ..)| *known == name)?;
        Some(Self { quantifier, comparison: *comparison, negated: *negated, if_exists })
    }
}

/// One key of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    operator: Operator,
    key: Variable,
    values: Vec<Template>,
}

/// The conditions of a statement, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Conditions(Vec<Check>);

impl Conditions {
    /// Whether all of them hold on `connection`.
    pub(super) fn hold(&self, connection: &Connection<'_>) -> bool {
        self.0.iter().all(|check| check.holds(connection))
    }

    /// Whether a value holds a variable.
    pub(super) fn has_variable(&self) -> bool {
        self.0.iter().any(|check| check.values.iter().any(Template::has_variable))
    }
}

impl Check {
    fn holds(&self, connection: &Connection<'_>) -> bool {
        let actual = self.key.values(connection);
        if self.operator.comparison == Comparison::Null {
            return self.matches(&actual.is_empty().to_string(), connection);
        }
        if actual.is_empty() {
            return self.operator.if_exists || self.operator.negated || self.operator.quantifier == Quantifier::All;
        }
        let mut verdicts = actual.iter().map(|value| self.matches(value, connection) != self.operator.negated);
        match self.operator.quantifier {
            Quantifier::One | Quantifier::Any => verdicts.any(|holds| holds),
            Quantifier::All => verdicts.all(|holds| holds),
        }
    }

    fn matches(&self, actual: &str, connection: &Connection<'_>) -> bool {
        let mut expected = self.values.iter().flat_map(|template| template.bind(connection).globs);
        match self.operator.comparison {
            Comparison::Like => expected.any(|glob| glob.matches(actual)),
            comparison => expected.any(|glob| compare(comparison, actual, &glob.as_written())),
        }
    }
}

fn compare(comparison: Comparison, actual: &str, expected: &str) -> bool {
    match comparison {
        Comparison::Equals => actual == expected,
        Comparison::EqualsIgnoringCase => actual.to_lowercase() == expected.to_lowercase(),
        Comparison::Bool | Comparison::Null => actual.eq_ignore_ascii_case(expected),
        Comparison::InNetwork => actual.parse().is_ok_and(|address| in_network(address, expected)),
        Comparison::Like => false,
    }
}

fn in_network(address: IpAddr, network: &str) -> bool {
    let Some((base, bits)) = parse_network(network) else { return false };
    let (width, address, base) = match (address, base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => (32, u128::from(address.to_bits()), u128::from(base.to_bits())),
        (IpAddr::V6(address), IpAddr::V6(base)) => (128, address.to_bits(), base.to_bits()),
        _ => return false,
    };
    let differing = address ^ base;
    differing.checked_shr(width - bits).unwrap_or(0) == 0
}

/// An address with the number of bits that count: `10.1.0.0/16`, or all bits.
fn parse_network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
    (bits <= width).then_some((address, bits))
}

/// A value of a condition: a text, or a truth value that is taken as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Truth(bool),
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let operators = Members::<Members<OneOrMany<Value>>>::deserialize(deserializer)?;
        let mut checks = Vec::new();
        for (name, keys) in operators.0 {
            let operator = Operator::parse(&name);
            let operator = operator.ok_or_else(|| D::Error::custom(format!("{name} is not a condition operator")))?;
            for (key, values) in keys.0 {
                checks.push(check(operator, &key, values.0).map_err(D::Error::custom)?);
            }
        }
        Ok(Self(checks))
    }
}

fn check(operator: Operator, key: &str, values: Vec<Value>) -> Result<Check, String> {
    let variable = Variable::parse(key).ok_or_else(|| format!("{key} is not a condition key of devices"))?;
    if variable.is_list() && operator.quantifier == Quantifier::One && operator.comparison != Comparison::Null {
        return Err(format!("{key} has several values: put ForAnyValue: or ForAllValues: before the operator"));
    }
    let texts = values.into_iter().map(|value| match value {
        Value::Text(text) => text,
        Value::Truth(truth) => truth.to_string(),
    });
    let values: Vec<_> = texts.map(|text| checked(operator, &text)).collect::<Result<_, String>>()?;
    Ok(Check { operator, key: variable, values })
}

fn checked(operator: Operator, text: &str) -> Result<Template, String> {
    let truth = matches!(operator.comparison, Comparison::Bool | Comparison::Null);
    if truth && !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
        return Err(format!("{text:?} is neither true nor false"));
    }
    if operator.comparison == Comparison::InNetwork && parse_network(text).is_none() {
        return Err(format!("{text:?} is not an address or a network such as 10.1.0.0/16"));
    }
    Template::parse(text)
}

impl Glob {
    /// The pattern as a text, its wildcards written out: outside of `StringLike` they stand for themselves.
    fn as_written(&self) -> String {
        self.tokens().fold(String::new(), |text, token| text + token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_compared_by_their_bits() {
        let check = |address: &str, network: &str, expect: bool| {
            assert_eq!(in_network(address.parse().expect("an address"), network), expect, "{address} in {network}");
        };
        check("10.1.2.3", "10.1.0.0/16", true);
        check("10.2.2.3", "10.1.0.0/16", false);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.4", "10.1.2.3/32", false);
        check("192.0.2.1", "0.0.0.0/0", true);
        check("fe80::1", "fe80::/10", true);
        check("fe80::1", "::/0", true);
        check("10.1.2.3", "::/0", false);
        assert!(parse_network("10.0.0.0/33").is_none() && parse_network("10.0.0/8").is_none());
    }
}
