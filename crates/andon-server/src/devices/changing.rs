//! Changes of a device that is there: rotation, revocation, what it is, and its end.

use std::collections::{BTreeMap, BTreeSet};

use andon_devices::enrolment::{RequestedKey, not_locked_out};
use andon_devices::pki::{RevocationReason, SigningRequest};
use andon_devices::registry::{Changes, Expected, Kind, Versioned, Write, get};
use andon_devices::{CertificateId, Device, DeviceError, DeviceName, GroupName, PolicyName, ProfileName};
use andon_model::{Code, Problem};
use serde::Deserialize;

use super::holding::{sharing_keys, taking};
use super::{Issued, Names, Office, Onboarded, Trouble};

/// What is to change; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeviceChange {
    profile: Option<ProfileName>,
    groups: Option<BTreeSet<GroupName>>,
    /// Groups to join and to leave, beside `groups`.
    join: BTreeSet<GroupName>,
    leave: BTreeSet<GroupName>,
    policies: Option<BTreeSet<PolicyName>>,
    #[serde(rename = "speaks_for")]
    on_behalf_of: Option<BTreeSet<DeviceName>>,
    /// Attributes to set; an empty value removes.
    attributes: BTreeMap<String, String>,
}

impl DeviceChange {
    /// What the device is to have and may not have had before.
    fn names(&self) -> Names {
        let joined = self.groups.iter().flatten().chain(&self.join).filter(|group| !self.leave.contains(*group));
        Names::of_groups(joined).and(Names::of_policies(self.policies.iter().flatten()))
    }

    fn apply(&self, device: &mut Device) -> Result<(), DeviceError> {
        device.attributes = device.attributes.merged(&self.attributes)?;
        self.groups.clone().into_iter().for_each(|groups| device.groups = groups);
        device.groups.extend(self.join.iter().cloned());
        device.groups.retain(|group| !self.leave.contains(group));
        self.policies.clone().into_iter().for_each(|policies| device.policies = policies);
        self.on_behalf_of.clone().into_iter().for_each(|names| device.on_behalf_of = names);
        device.check_limits()
    }
}

/// Which certificate is revoked, and why.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RevokeRequest {
    /// All of them when left out.
    certificate: Option<CertificateId>,
    reason: RevocationReason,
}

impl Office {
    /// The device of this name.
    pub(crate) async fn device(&self, name: &DeviceName) -> Result<Versioned<Device>, Problem> {
        let found = get::<Device>(self.registry.as_ref(), name.as_str()).await?;
        found.ok_or_else(|| Problem::new(Code::NotFound, format!("the device {name} does not exist")))
    }

    /// Gives the device a new certificate; the old one is accepted until the overlap is over. One that is locked out gets
    /// one only if it is said that it is to come in again.
    pub(crate) async fn rotate(
        &self,
        name: &DeviceName,
        request: Option<&SigningRequest>,
        reinstate: bool,
    ) -> Result<Onboarded, Problem> {
        unraced!(async {
            let Versioned { revision, value: mut device } = self.device(name).await?;
            if !reinstate {
                not_locked_out(&device)?;
            }
            let held = match request {
                Some(request) => self.key_use(&request.key().fingerprint()).await?,
                None => None,
            };
            self.may_hold(name, held.as_ref()).await?;
            let profile = self.profile(device.profile.as_ref()).await?;
            let generate = || RequestedKey::Generate(profile.as_ref().map(|p| p.key).unwrap_or_default());
            let key = request.map_or_else(generate, |request| RequestedKey::Given(request.key().clone()));
            let Issued { certificate, private, key } = self.issue(name, profile.as_ref(), &key).await?;
            let id = certificate.id.clone();
            let days = |days: u32| std::time::Duration::from_hours(24 * u64::from(days));
            let overlap = profile.as_ref().map_or(self.settings.overlap(), |profile| days(profile.overlap_days));
            let revoked = device.rotate(certificate, overlap, self.now()).map_err(Problem::from)?;
            let expected = Expected::Revision(revision);
            let taken = taking(name, key, held.as_ref())?;
            let writes = vec![taken, Write::Device { device: Box::new(device.clone()), expected }];
            self.registry.commit(Changes { writes, revoked }).await?;
            let key = private.map(|private| (id, private));
            Ok(Onboarded { device, key, delivery: None, differs: Vec::new(), unchanged: false })
        })
    }

    /// Revokes one certificate, or all of them. A key that was compromised takes every certificate for it along, and is never
    /// certified again.
    pub(crate) async fn revoke(&self, name: &DeviceName, request: &RevokeRequest) -> Result<Device, Problem> {
        unraced!(async {
            let Versioned { revision, value: mut device } = self.device(name).await?;
            let all = device.certificates.iter().map(|certificate| certificate.id.clone()).collect();
            let mut ids: Vec<CertificateId> = request.certificate.clone().map_or(all, |id| vec![id]);
            let mut writes = Vec::new();
            if request.reason == RevocationReason::KeyCompromise {
                let (keys, sharing) = sharing_keys(&device, &ids);
                ids.extend(sharing);
                writes = self.compromising(&device, keys).await?;
            }
            let revoke = |id| device.revoke(id, request.reason, self.now());
            ids.iter().try_for_each(revoke).map_err(Problem::from)?;
            self.replace_and(&device, revision, writes).await?;
            Ok(device)
        })
    }

    /// Makes a certificate active again, or inactive. One that is so already stays so.
    pub(crate) async fn set_active(
        &self,
        name: &DeviceName,
        id: &CertificateId,
        active: bool,
    ) -> Result<Device, Problem> {
        unraced!(async {
            let Versioned { revision, value: mut device } = self.device(name).await?;
            let before = device.clone();
            let turned = if active { device.activate(id, self.now()) } else { device.deactivate(id) };
            turned.map_err(Problem::from)?;
            if device != before {
                self.replace(&device, revision).await?;
            }
            Ok(device)
        })
    }

    /// Changes what the device is.
    pub(crate) async fn change(&self, name: &DeviceName, change: &DeviceChange) -> Result<Device, Problem> {
        self.all_stored(change.names()).await?;
        unraced!(async {
            let Versioned { revision, value: mut device } = self.device(name).await?;
            let profile = self.profile(change.profile.as_ref().or(device.profile.as_ref())).await?;
            change.apply(&mut device).map_err(Problem::from)?;
            device.fit(profile.as_ref()).map_err(Problem::from)?;
            self.replace(&device, revision).await?;
            Ok(device)
        })
    }

    /// Takes the device out of service. `false`: there was none. Its certificates stay in the revocation list.
    pub(crate) async fn delete(&self, name: &DeviceName) -> Result<bool, Problem> {
        unraced!(async {
            let stored = get::<Device>(self.registry.as_ref(), name.as_str()).await?;
            let existed = stored.is_some();
            let expected = stored.as_ref().map_or(Expected::Absent, |stored| Expected::Revision(stored.revision));
            let mut writes = match &stored {
                Some(stored) => self.releasing(&stored.value).await?,
                None => Vec::new(),
            };
            let retire =
                |stored: Versioned<Device>| stored.value.retire(RevocationReason::CessationOfOperation, self.now());
            let revoked = stored.map(retire).unwrap_or_default();
            let key = name.as_str().to_owned();
            let device = Write::Remove { kind: Kind::Device, key: key.clone(), expected };
            let enrolment = Write::Remove { kind: Kind::Enrolment, key, expected: Expected::Anything };
            writes.extend([device, enrolment]);
            self.registry.commit(Changes { writes, revoked }).await?;
            Ok(existed)
        })
    }

    async fn replace(&self, device: &Device, revision: i64) -> Result<(), Trouble> {
        self.replace_and(device, revision, Vec::new()).await
    }

    /// Stores the device, and what goes with that.
    async fn replace_and(&self, device: &Device, revision: i64, mut writes: Vec<Write>) -> Result<(), Trouble> {
        let expected = Expected::Revision(revision);
        writes.push(Write::Device { device: Box::new(device.clone()), expected });
        self.registry.commit(Changes { writes, revoked: Vec::new() }).await?;
        Ok(())
    }
}
