//! Profiles and groups: what devices of one kind, or of one place, have in common.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Attributes, Device, DeviceError, GroupName, PolicyName, ProfileName};
use crate::pki::{KeyKind, MAX_CERTIFICATE_DAYS};

/// Most attributes that a profile may ask for.
const MAX_REQUIRED: usize = 50;

/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 2_000;

const fn default_days() -> u32 {
    730
}

const fn default_overlap_days() -> u32 {
    7
}

/// A kind of device, and how its devices are onboarded. AWS IoT Core calls it a thing type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name; policies see it as `${iot:Connection.Thing.ThingTypeName}`.
    pub name: ProfileName,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The kind of key pair that is made where the device brings none.
    #[serde(default)]
    pub key: KeyKind,
    /// Life of its certificates, in days.
    #[serde(default = "default_days")]
    pub certificate_days: u32,
    /// How long an old certificate is accepted beside a new one, in days.
    #[serde(default = "default_overlap_days")]
    pub overlap_days: u32,
    /// Attributes that a device must have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub required_attributes: BTreeSet<String>,
    /// Attributes that a device has unless it says otherwise.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Policies of its devices; the default policy when empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub policies: BTreeSet<PolicyName>,
    /// Whether its devices are gateways, which speak for devices that they name.
    #[serde(default)]
    pub gateway: bool,
}

impl Profile {
    /// A profile with the defaults.
    pub fn new(name: ProfileName) -> Self {
        Self {
            name,
            description: String::new(),
            key: KeyKind::default(),
            certificate_days: default_days(),
            overlap_days: default_overlap_days(),
            required_attributes: BTreeSet::new(),
            attributes: Attributes::default(),
            policies: BTreeSet::new(),
            gateway: false,
        }
    }

    /// Whether its values are within their limits.
    pub fn check(&self) -> Result<(), DeviceError> {
        let limits = [
            ("days of a certificate's life", self.certificate_days as usize, MAX_CERTIFICATE_DAYS as usize),
            ("days of overlap", self.overlap_days as usize, 90),
            ("required attributes", self.required_attributes.len(), MAX_REQUIRED),
            ("policies", self.policies.len(), super::MAX_POLICIES),
            ("bytes of description", self.description.len(), MAX_DESCRIPTION),
        ];
        if self.certificate_days == 0 {
            return Err(DeviceError::NoLife);
        }
        let over = limits.into_iter().find(|(_, count, limit)| count > limit);
        over.map_or(Ok(()), |(what, count, limit)| Err(DeviceError::TooMany { what, count, limit }))
    }

    /// Makes `device` one of this profile: its defaults are filled in, what is required must be there.
    pub fn apply(&self, device: &mut Device) -> Result<(), DeviceError> {
        let attributes = device.attributes.or_defaults(&self.attributes)?;
        if let Some(name) = self.required_attributes.iter().find(|name| attributes.get(name).is_none()) {
            return Err(DeviceError::Attribute { name: name.clone(), why: "the profile asks for it" });
        }
        if !self.gateway && !device.on_behalf_of.is_empty() {
            return Err(DeviceError::NoGateway);
        }
        device.attributes = attributes;
        device.profile = Some(self.name.clone());
        Ok(())
    }
}

impl Device {
    /// Makes it one of `profile`, as [`Profile::apply`] does. Without a profile it is no gateway.
    pub fn fit(&mut self, profile: Option<&Profile>) -> Result<(), DeviceError> {
        match profile {
            Some(profile) => profile.apply(self),
            None if self.on_behalf_of.is_empty() => Ok(()),
            None => Err(DeviceError::NoGateway),
        }
    }
}

/// Which policies a device has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyNames {
    /// Those with a name: its own, those of its profile and those of its groups.
    pub named: BTreeSet<PolicyName>,
    /// Whether it has the default policy, because neither it nor its profile names one.
    pub default: bool,
    /// Whether the default policy is that of a gateway.
    pub gateway: bool,
}

impl PolicyNames {
    /// Collects the names for `device`, whose profile and groups are given.
    pub fn of(device: &Device, profile: Option<&Profile>, groups: &[Group]) -> Self {
        let profiled = profile.filter(|profile| device.profile.as_ref() == Some(&profile.name));
        let mut named = device.policies.clone();
        named.extend(profiled.iter().flat_map(|profile| profile.policies.iter().cloned()));
        let default = named.is_empty();
        let groups = groups.iter().filter(|group| device.groups.contains(&group.name));
        named.extend(groups.flat_map(|group| group.policies.iter().cloned()));
        Self { named, default, gateway: profiled.is_some_and(|profile| profile.gateway) }
    }
}

/// Devices that belong together, and policies that all of them have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Policies of its devices, beside their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub policies: BTreeSet<PolicyName>,
}
