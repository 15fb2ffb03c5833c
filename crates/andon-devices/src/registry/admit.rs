//! The question that the door asks: who is this, and by which policies may it act?

use andon_model::Timestamp;

use super::{Kind, PolicyRecord, Presented, Record, Registry, RegistryError, Versioned, get};
use crate::policy::{DefaultPolicies, Policy};
use crate::{CertificateId, Device, Group, NotAdmitted, PolicyName, PolicyNames, Profile};

/// A device that is let in.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The device.
    pub device: Device,
    /// The registry's newest revision before it was read: changes after it may concern this session.
    pub revision: i64,
    /// The certificate that opened the door.
    pub certificate: CertificateId,
    /// When the certificate stops opening it, if nothing else happens before.
    pub until: Timestamp,
    /// Its policies, to be bound to the connection by [`crate::policy::Permissions::bind`].
    pub policies: Vec<Policy>,
}

/// Why a device is not let in. What the other side learns is only that it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotLetIn {
    /// Its certificate does not open the door.
    #[error(transparent)]
    Certificate(#[from] NotAdmitted),
    /// A policy that it has is not stored or cannot be read. Going on without it might lift a Deny.
    #[error("the policy {name} cannot be used: {cause}")]
    Policy {
        /// Its name.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Its profile or one of its groups is not stored. It may have had the policy with the Deny.
    #[error("the {} {name} is not stored, and with it the policies that it may have had", kind.word())]
    Missing {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// The registry does not answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Looks up the device of a certificate, asks whether it opens the door at `now`, and collects its policies.
pub async fn admit(
    registry: &dyn Registry,
    presented: &Presented,
    defaults: &DefaultPolicies,
    now: Timestamp,
) -> Result<Admitted, NotLetIn> {
    let revision = registry.revision().await?;
    let entry = registry.device_with(presented).await?.ok_or(NotAdmitted::Unknown)?;
    let mut device = Versioned::<Device>::of(&entry)?.value;
    let certificate = device.certificates.iter().find(|known| presented.names(known)).ok_or(NotAdmitted::Unknown)?;
    certificate.check(now)?;
    let (certificate, until) = (certificate.id.clone(), certificate.ends());
    let profile = match &device.profile {
        Some(name) => Some(holder::<Profile>(registry, name.as_str()).await?),
        None => None,
    };
    let policies = policies_of(registry, &device, profile.as_ref(), defaults).await?;
    // The profile may have been changed since the device was.
    if !profile.is_some_and(|profile| profile.gateway) {
        device.on_behalf_of.clear();
    }
    Ok(Admitted { device, revision, certificate, until, policies })
}

impl Presented {
    fn names(&self, certificate: &crate::Certificate) -> bool {
        certificate.serial == self.serial && self.fingerprint.as_ref().is_none_or(|id| *id == certificate.id)
    }
}

async fn policies_of(
    registry: &dyn Registry,
    device: &Device,
    profile: Option<&Profile>,
    defaults: &DefaultPolicies,
) -> Result<Vec<Policy>, NotLetIn> {
    let mut groups = Vec::new();
    for name in &device.groups {
        groups.push(holder::<Group>(registry, name.as_str()).await?);
    }
    let names = PolicyNames::of(device, profile, &groups);
    let mut policies = Vec::new();
    for name in &names.named {
        policies.push(named(registry, name).await?);
    }
    policies.extend(default_policy(&names, defaults)?);
    Ok(policies)
}

/// What may have policies for the device.
async fn holder<R: Record>(registry: &dyn Registry, name: &str) -> Result<R, NotLetIn> {
    let stored = get::<R>(registry, name).await?;
    stored.map(|found| found.value).ok_or_else(|| NotLetIn::Missing { kind: R::KIND, name: name.to_owned() })
}

async fn named(registry: &dyn Registry, name: &PolicyName) -> Result<Policy, NotLetIn> {
    let unusable = |cause: String| NotLetIn::Policy { name: name.to_string(), cause };
    let stored = get::<PolicyRecord>(registry, name.as_str()).await?;
    let stored = stored.ok_or_else(|| unusable("it is not stored".to_owned()))?;
    Policy::parse(&stored.value.document).map_err(|error| unusable(error.to_string()))
}

fn default_policy(names: &PolicyNames, defaults: &DefaultPolicies) -> Result<Option<Policy>, NotLetIn> {
    let made = match (names.default, names.gateway) {
        (false, _) => return Ok(None),
        (true, false) => defaults.device(),
        (true, true) => defaults.gateway(),
    };
    made.map(Some).map_err(|error| NotLetIn::Policy { name: "default".to_owned(), cause: error.to_string() })
}
