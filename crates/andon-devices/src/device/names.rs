//! Names of devices, profiles and groups: what AWS IoT Core accepts as the name of a thing, its type and its group.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::DeviceError;

/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// Longest common name of a certificate, in characters (RFC 5280, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

/// Characters of a shortened common name before its digest.
const SHORTENED: usize = 47;

/// What names of things are made of.
const THING: &str = "a-z, A-Z, 0-9, : _ -";

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $characters:expr, $legal:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` against the rules of the name.
            pub fn new(text: &str) -> Result<Self, DeviceError> {
                let legal: fn(u8) -> bool = $legal;
                if (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(legal) {
                    return Ok(Self(text.into()));
                }
                Err(DeviceError::name($what, $characters, text))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = DeviceError;
            fn from_str(text: &str) -> Result<Self, DeviceError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = DeviceError;
            fn try_from(text: String) -> Result<Self, DeviceError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.to_string()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

names! {
    /// The name of a device: 1 to 128 of `a-z A-Z 0-9 : _ -`, upper and lower case told apart. None of these means
    /// anything in a topic, a topic filter or a policy. Cheap to clone.
    DeviceName, "a device's name", THING, |b| b.is_ascii_alphanumeric() || b":_-".contains(&b);
    /// The name of a profile; the rules are those of a [`DeviceName`].
    ProfileName, "a profile's name", THING, |b| b.is_ascii_alphanumeric() || b":_-".contains(&b);
    /// The name of a group; the rules are those of a [`DeviceName`].
    GroupName, "a group's name", THING, |b| b.is_ascii_alphanumeric() || b":_-".contains(&b);
    /// The name of a policy: 1 to 128 of `a-z A-Z 0-9 _ + = , . @ -`.
    PolicyName, "a policy's name", "a-z, A-Z, 0-9, _ + = , . @ -", |b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
}

impl DeviceName {
    /// The common name of its certificates: the name itself or, as these have at most 64 characters, the beginning of
    /// it and a digest. The full name is in [`Self::urn`].
    pub fn common_name(&self) -> String {
        if self.0.len() <= MAX_COMMON_NAME {
            return self.0.to_string();
        }
        let digest = digest::digest(&digest::SHA256, self.0.as_bytes());
        format!("{}-{}", &self.0[..SHORTENED], hex::encode(&digest.as_ref()[..8]))
    }

    /// The name as a URI, for the alternative names of its certificates.
    pub fn urn(&self) -> String {
        format!("urn:andon:device:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let check = |text: &str, device: bool, policy: bool| {
            assert_eq!(DeviceName::new(text).is_ok(), device, "device {text:?}");
            assert_eq!(PolicyName::new(text).is_ok(), policy, "policy {text:?}");
        };
        check("DEV_00000001", true, true);
        check("line4:cam-01", true, false);
        check("a.b@c+d=e,f", false, true);
        check(&"x".repeat(128), true, true);
        check(&"x".repeat(129), false, false);
        for bad in ["", "a/b", "a b", "ä", "+", "#", "a*", "a?", "$aws", "a\0"] {
            assert!(DeviceName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn common_names_are_short_and_distinct() {
        let name = |text: &str| DeviceName::new(text).expect("a name").common_name();
        assert_eq!(name("pump-01"), "pump-01");
        assert_eq!(name(&"x".repeat(64)), "x".repeat(64));
        let (a, b) = (name(&("x".repeat(100) + "a")), name(&("x".repeat(100) + "b")));
        assert_eq!((a.len(), b.len()), (64, 64));
        assert_ne!(a, b);
    }
}
