//! Attributes of devices: short texts by name, for searching and for policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DeviceError;

/// Most attributes of one device.
pub const MAX_ATTRIBUTES: usize = 50;

/// Longest name of an attribute, in bytes.
pub const MAX_ATTRIBUTE_NAME: usize = 128;

/// Longest value of an attribute, in bytes.
pub const MAX_ATTRIBUTE_VALUE: usize = 800;

/// Attributes by name, within the limits. Names are of `a-z A-Z 0-9 _ . , @ / : # -`; values are any text without
/// control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, with those of `changes` put over them; an empty value removes.
    pub fn merged(&self, changes: &BTreeMap<String, String>) -> Result<Self, DeviceError> {
        let mut merged = self.0.clone();
        for (name, value) in changes {
            if value.is_empty() {
                merged.remove(name);
            } else {
                merged.insert(name.clone(), value.clone());
            }
        }
        Self::try_from(merged)
    }

    /// These, and those of `defaults` that are missing here.
    pub fn or_defaults(&self, defaults: &Self) -> Result<Self, DeviceError> {
        let mut all = defaults.0.clone();
        all.extend(self.0.clone());
        Self::try_from(all)
    }
}

impl TryFrom<BTreeMap<String, String>> for Attributes {
    type Error = DeviceError;
    fn try_from(map: BTreeMap<String, String>) -> Result<Self, DeviceError> {
        if map.len() > MAX_ATTRIBUTES {
            return Err(DeviceError::TooMany { what: "attributes", count: map.len(), limit: MAX_ATTRIBUTES });
        }
        for (name, value) in &map {
            if let Some(why) = fault(name, value) {
                return Err(DeviceError::Attribute { name: name.chars().take(MAX_ATTRIBUTE_NAME).collect(), why });
            }
        }
        Ok(Self(map))
    }
}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0
    }
}

fn fault(name: &str, value: &str) -> Option<&'static str> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"_.,@/:#-".contains(&b);
    if !(1..=MAX_ATTRIBUTE_NAME).contains(&name.len()) || !name.bytes().all(legal) {
        return Some("its name must be 1 to 128 of a-z, A-Z, 0-9 and _ . , @ / : # -");
    }
    if value.len() > MAX_ATTRIBUTE_VALUE {
        return Some("its value is longer than 800 bytes");
    }
    value.chars().any(char::is_control).then_some("its value holds a control character")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn attributes_are_checked() {
        let check = |name: &str, value: &str, good: bool| {
            assert_eq!(Attributes::try_from(map(&[(name, value)])).is_ok(), good, "{name:?}={value:?}");
        };
        check("plant", "1710", true);
        check("a/b:c#d", "Ä ß", true);
        check("", "x", false);
        check("a b", "x", false);
        check("plant", "a\nb", false);
        check(&"n".repeat(129), "x", false);
        check("plant", &"v".repeat(801), false);
        let many: BTreeMap<_, _> = (0..=MAX_ATTRIBUTES).map(|i| (format!("a{i}"), String::new())).collect();
        assert!(matches!(Attributes::try_from(many), Err(DeviceError::TooMany { count: 51, .. })));
    }

    #[test]
    fn merging_sets_and_removes() {
        let base = Attributes::try_from(map(&[("a", "1"), ("b", "2")])).expect("legal");
        let merged = base.merged(&map(&[("a", ""), ("c", "3")])).expect("legal");
        assert_eq!(BTreeMap::from(merged), map(&[("b", "2"), ("c", "3")]));
        let defaults = Attributes::try_from(map(&[("b", "9"), ("d", "4")])).expect("legal");
        let with = base.or_defaults(&defaults).expect("legal");
        assert_eq!(BTreeMap::from(with), map(&[("a", "1"), ("b", "2"), ("d", "4")]));
    }
}
