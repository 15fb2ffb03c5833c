//! A device: its name, what it is, and its certificates. The JSON form of [`Device`] is what a registry stores.

use std::collections::BTreeSet;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Attributes, Certificate, DeviceError, DeviceName, GroupName, PolicyName, ProfileName};
use crate::pki::{CertificateId, RevocationReason, RevokedEntry};

/// Version tag of the stored form.
const FORMAT: u8 = 1;

/// Most certificates of one device. Of the revoked and expired ones the newest are kept, as far as they have places.
pub const MAX_CERTIFICATES: usize = 16;

/// Most groups of one device.
pub const MAX_GROUPS: usize = 10;

/// Most policies that are attached to one device itself.
pub const MAX_POLICIES: usize = 10;

/// Most devices that one gateway speaks for.
pub const MAX_BEHIND_GATEWAY: usize = 1_000;

/// What identifies a device for good, even when its name is given to another later: a UUID in its text form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(String);

impl DeviceId {
    /// From 128 bits that were never handed out before (an `IdSource` gives them): a UUID of version 4.
    pub fn from_bits(bits: u128) -> Self {
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Self(parts.join("-"))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A device as the registry keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Version tag of this form.
    pub v: u8,
    /// Its identity.
    pub id: DeviceId,
    /// Its name, unique among the devices.
    pub name: DeviceName,
    /// Its profile: what kind of device it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Its groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    /// Policies of its own, beside those of its profile and groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub policies: BTreeSet<PolicyName>,
    /// Devices in whose names it may speak, when it is a gateway. Builds before this one stored them as `on_behalf_of`.
    #[serde(rename = "speaks_for", alias = "on_behalf_of", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_behalf_of: BTreeSet<DeviceName>,
    /// Its certificates, oldest first.
    pub certificates: Vec<Certificate>,
    /// When it was onboarded.
    pub created: Timestamp,
}

impl Device {
    /// A device without anything yet.
    pub fn new(id: DeviceId, name: DeviceName, now: Timestamp) -> Self {
        Self {
            v: FORMAT,
            id,
            name,
            profile: None,
            attributes: Attributes::default(),
            groups: BTreeSet::new(),
            policies: BTreeSet::new(),
            on_behalf_of: BTreeSet::new(),
            certificates: Vec::new(),
            created: now,
        }
    }

    /// Reads the stored form and checks its limits.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let device: Self = serde_json::from_str(text)?;
        if device.v != FORMAT {
            let why = format!("device of format {}, this program reads {FORMAT}", device.v);
            return Err(serde::de::Error::custom(why));
        }
        device.check_limits().map_err(serde::de::Error::custom)?;
        Ok(device)
    }

    /// Whether every list is within its limit.
    pub fn check_limits(&self) -> Result<(), DeviceError> {
        let lists = [
            ("certificates", self.certificates.len(), MAX_CERTIFICATES),
            ("groups", self.groups.len(), MAX_GROUPS),
            ("policies", self.policies.len(), MAX_POLICIES),
            ("devices behind a gateway", self.on_behalf_of.len(), MAX_BEHIND_GATEWAY),
        ];
        let over = lists.into_iter().find(|(_, count, limit)| count > limit);
        over.map_or(Ok(()), |(what, count, limit)| Err(DeviceError::TooMany { what, count, limit }))
    }

    /// The certificate with this fingerprint.
    pub fn certificate(&self, id: &CertificateId) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| certificate.id == *id)
    }

    /// The newest certificate that opens the door at `now`.
    pub fn current(&self, now: Timestamp) -> Option<&Certificate> {
        self.certificates.iter().rev().find(|certificate| certificate.check(now).is_ok())
    }

    /// Adds a certificate. To keep within [`MAX_CERTIFICATES`], revoked and expired ones make room, oldest first. What it
    /// returns stays in the revocation list.
    pub fn add(&mut self, certificate: Certificate, now: Timestamp) -> Result<Vec<RevokedEntry>, DeviceError> {
        if self.certificate(&certificate.id).is_some() {
            return Err(DeviceError::KnownCertificate(certificate.id));
        }
        let listed = self.make_room(now);
        if self.certificates.len() >= MAX_CERTIFICATES {
            let count = self.certificates.len() + 1;
            return Err(DeviceError::TooMany { what: "certificates", count, limit: MAX_CERTIFICATES });
        }
        self.certificates.push(certificate);
        Ok(listed)
    }

    /// Forgets what never opens the door again, until there is a place or nothing more of it.
    fn make_room(&mut self, now: Timestamp) -> Vec<RevokedEntry> {
        let is_over = |known: &Certificate| known.revocation.is_some() || now > known.not_after;
        let mut listed = Vec::new();
        while self.certificates.len() >= MAX_CERTIFICATES
            && let Some(oldest) = self.certificates.iter().position(is_over)
        {
            let entry = self.certificates.remove(oldest).revoked_entry();
            listed.extend(entry.filter(|entry| now <= entry.not_after));
        }
        listed
    }

    /// Makes a certificate active.
    pub fn activate(&mut self, id: &CertificateId, now: Timestamp) -> Result<(), DeviceError> {
        self.certificate_mut(id)?.activate(now)
    }

    /// Makes a certificate inactive; its live session is to be closed.
    pub fn deactivate(&mut self, id: &CertificateId) -> Result<(), DeviceError> {
        self.certificate_mut(id)?.deactivate()
    }

    /// Revokes a certificate, for good; its live session is to be closed. Doing it again changes nothing.
    pub fn revoke(&mut self, id: &CertificateId, reason: RevocationReason, now: Timestamp) -> Result<(), DeviceError> {
        self.certificate_mut(id)?.revoke(reason, now);
        Ok(())
    }

    /// Forgets a certificate that is not active. What it returns stays in the revocation list.
    pub fn delete(&mut self, id: &CertificateId) -> Result<Option<RevokedEntry>, DeviceError> {
        let certificate = self.certificate_mut(id)?;
        if certificate.status == super::CertificateStatus::Active {
            return Err(DeviceError::InUse);
        }
        let entry = certificate.revoked_entry();
        self.certificates.retain(|certificate| certificate.id != *id);
        Ok(entry)
    }

    /// Takes the device out of service: every certificate is revoked. What it returns stays in the revocation list
    /// after the device is gone.
    pub fn retire(mut self, reason: RevocationReason, now: Timestamp) -> Vec<RevokedEntry> {
        self.certificates.iter_mut().for_each(|certificate| certificate.revoke(reason, now));
        self.certificates.iter().filter_map(Certificate::revoked_entry).collect()
    }

    pub(super) fn certificate_mut(&mut self, id: &CertificateId) -> Result<&mut Certificate, DeviceError> {
        let found = self.certificates.iter_mut().find(|certificate| certificate.id == *id);
        found.ok_or_else(|| DeviceError::NoCertificate(id.clone()))
    }
}
