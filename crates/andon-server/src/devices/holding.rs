//! Who holds which key: read, checked by the rules of [`KeyUse`], and noted in the commit that stores the device.

use std::collections::BTreeSet;

use andon_devices::pki::KeyFingerprint;
use andon_devices::registry::{Entry, Expected, KeyUse, Kind, RegistryError, Versioned, Write, expecting, get, put};
use andon_devices::{Certificate, CertificateId, Device, DeviceName};
use andon_model::Problem;

use super::{Office, Trouble};

impl Office {
    /// What is known of a key.
    pub(super) async fn key_use(&self, key: &KeyFingerprint) -> Result<Option<Versioned<KeyUse>>, RegistryError> {
        get(self.registry.as_ref(), key.as_str()).await
    }

    /// Whether a device may have a certificate for a key of which this is known.
    pub(super) async fn may_hold(&self, device: &DeviceName, known: Option<&Versioned<KeyUse>>) -> Result<(), Problem> {
        let Some(Versioned { value: known, .. }) = known else { return Ok(()) };
        let mut owner = None;
        if known.device != *device {
            owner = get::<Device>(self.registry.as_ref(), known.device.as_str()).await?;
        }
        known.check(device, owner.as_ref().map(|owner| &owner.value), self.now())
    }

    /// What notes that these keys of a device are known to others.
    pub(super) async fn compromising(
        &self,
        device: &Device,
        keys: BTreeSet<KeyFingerprint>,
    ) -> Result<Vec<Write>, Trouble> {
        let (mut writes, now) = (Vec::new(), self.now());
        for (key, stored) in self.key_uses(keys).await? {
            let fresh = || KeyUse::new(key, device.name.clone());
            let known = stored.as_ref().map_or_else(fresh, |stored| stored.value.clone());
            let since = known.compromised.or(Some(now));
            writes.push(put(&KeyUse { compromised: since, ..known }, None, expecting(stored.as_ref()))?);
        }
        Ok(writes)
    }

    /// What forgets the keys of a device that goes: those that others may have from now on.
    pub(super) async fn releasing(&self, device: &Device) -> Result<Vec<Write>, Trouble> {
        let keys = device.certificates.iter().filter_map(Certificate::key_fingerprint).collect();
        let stored = self.key_uses(keys).await?.into_iter().filter_map(|(_, stored)| stored);
        let free = stored.filter(|known| known.value.device == device.name && known.value.compromised.is_none());
        let remove = |known: Versioned<KeyUse>| {
            let (key, expected) = (known.value.key.as_str().to_owned(), Expected::Revision(known.revision));
            Write::Remove { kind: Kind::KeyUse, key, expected }
        };
        Ok(free.map(remove).collect())
    }

    async fn key_uses(
        &self,
        keys: BTreeSet<KeyFingerprint>,
    ) -> Result<Vec<(KeyFingerprint, Option<Versioned<KeyUse>>)>, RegistryError> {
        let wanted: Vec<(Kind, String)> = keys.iter().map(|key| (Kind::KeyUse, key.as_str().to_owned())).collect();
        let found = self.registry.several(&wanted).await?;
        let read = |entry: Option<Entry>| entry.as_ref().map(Versioned::of).transpose();
        keys.into_iter().zip(found).map(|(key, entry)| Ok((key, read(entry)?))).collect()
    }
}

/// What notes that a device has a key, of which this was known.
pub(super) fn taking(
    device: &DeviceName,
    key: KeyFingerprint,
    known: Option<&Versioned<KeyUse>>,
) -> Result<Write, RegistryError> {
    put(&KeyUse::new(key, device.clone()), None, expecting(known))
}

/// The keys of these certificates, and every certificate of the device that is for one of them.
pub(super) fn sharing_keys(device: &Device, ids: &[CertificateId]) -> (BTreeSet<KeyFingerprint>, Vec<CertificateId>) {
    let meant = device.certificates.iter().filter(|known| ids.contains(&known.id));
    let keys: BTreeSet<_> = meant.filter_map(Certificate::key_fingerprint).collect();
    let has_one = |known: &&Certificate| known.key_fingerprint().is_some_and(|key| keys.contains(&key));
    let sharing = device.certificates.iter().filter(has_one).map(|known| known.id.clone()).collect();
    (keys, sharing)
}
