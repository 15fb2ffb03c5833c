//! The registry in memory, for tests and simulations: keeps the promises of the SQL store (it passes the same contract).
//!
//! Clones share the state; nothing outlives the test. [`MemoryRegistry::fail_commit`] lets a commit fail before or after
//! it happened, as a crash would.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use andon_devices::pki::RevokedEntry;
use andon_devices::registry::{
    Change, Changes, DeviceFilter, Entry, Expected, Kind, MAX_ENTRIES, Presented, Record, Registry, RegistryError,
    Write,
};
use andon_devices::{Certificate, Device, Serial};
use andon_model::{Secret, Timestamp};
use async_trait::async_trait;

use crate::memory_journal::WriteFault;

/// What is stored under a name, also after it was removed.
#[derive(Clone, Default)]
struct Cell {
    revision: i64,
    body: Option<String>,
    secret: Option<Secret>,
}

#[derive(Clone, Default)]
struct State {
    revision: i64,
    cells: BTreeMap<(Kind, String), Cell>,
    revoked: BTreeMap<Serial, RevokedEntry>,
}

#[derive(Default)]
struct Shared {
    state: State,
    commits: u64,
    faults: HashMap<u64, WriteFault>,
}

/// A registry in memory. Cheap to clone.
#[derive(Clone, Default)]
pub struct MemoryRegistry(Arc<Mutex<Shared>>);

impl MemoryRegistry {
    /// Lets a coming commit fail: 0 is the next one, 1 the one after it.
    pub fn fail_commit(&self, in_commits: u64, fault: WriteFault) {
        let mut shared = self.guard();
        let number = shared.commits + in_commits;
        shared.faults.insert(number, fault);
    }

    /// How many commits were tried so far.
    pub fn commits(&self) -> u64 {
        self.guard().commits
    }

    fn guard(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn injected(when: &str) -> RegistryError {
    RegistryError::Storage { doing: "writing to the registry", cause: format!("injected {when} the commit") }
}

impl Shared {
    fn commit(&mut self, changes: &Changes) -> Result<i64, RegistryError> {
        let fault = self.faults.remove(&self.commits);
        self.commits += 1;
        if fault == Some(WriteFault::Before) {
            return Err(injected("before"));
        }
        let mut next = self.state.clone();
        next.apply(changes)?;
        self.state = next;
        if fault == Some(WriteFault::After) { Err(injected("after")) } else { Ok(self.state.revision) }
    }
}

impl State {
    fn apply(&mut self, changes: &Changes) -> Result<(), RegistryError> {
        let count = changes.writes.len() + changes.revoked.len();
        if count > MAX_ENTRIES {
            return Err(RegistryError::TooMany { count, limit: MAX_ENTRIES });
        }
        changes.writes.iter().try_for_each(|write| self.check(write))?;
        changes.writes.iter().try_for_each(|write| self.write(write))?;
        changes.revoked.iter().for_each(|entry| self.revoke(entry.clone()));
        Ok(())
    }

    fn check(&self, write: &Write) -> Result<(), RegistryError> {
        let (kind, key, expected) = write.target();
        let found = self.live(kind, key).map(|cell| cell.revision);
        let is_expected = match expected {
            Expected::Anything => true,
            Expected::Absent => found.is_none(),
            Expected::Revision(revision) => found == Some(revision),
        };
        if is_expected { Ok(()) } else { Err(RegistryError::Changed { kind, key: key.to_owned() }) }
    }

    fn live(&self, kind: Kind, key: &str) -> Option<&Cell> {
        self.cells.get(&(kind, key.to_owned())).filter(|cell| cell.body.is_some())
    }

    fn write(&mut self, write: &Write) -> Result<(), RegistryError> {
        match write {
            Write::Device { device, .. } => return self.put_device(device),
            Write::Entry { kind, key, body, secret, .. } => self.put(*kind, key, body.clone(), secret.clone()),
            Write::Remove { kind, key, .. } if self.live(*kind, key).is_some() => {
                self.revision += 1;
                let gone = Cell { revision: self.revision, ..Cell::default() };
                self.cells.insert((*kind, key.clone()), gone);
            }
            Write::Remove { .. } => {}
        }
        Ok(())
    }

    fn put(&mut self, kind: Kind, key: &str, body: String, secret: Option<Secret>) {
        self.revision += 1;
        let cell = self.cells.entry((kind, key.to_owned())).or_default();
        let secret = secret.or_else(|| cell.secret.take());
        *cell = Cell { revision: self.revision, body: Some(body), secret };
    }

    fn put_device(&mut self, device: &Device) -> Result<(), RegistryError> {
        let name = device.name.as_str();
        let others = self.devices()?.into_iter().filter(|(_, other)| other.name != device.name);
        let mut taken = others.flat_map(|(_, other)| other.certificates);
        if taken.any(|certificate| device.certificates.iter().any(|own| own.serial == certificate.serial)) {
            return Err(RegistryError::Taken { device: name.to_owned() });
        }
        let body = device.to_body().map_err(|cause| RegistryError::corrupt(Kind::Device, name, &cause))?;
        self.put(Kind::Device, name, body, None);
        device.certificates.iter().filter_map(Certificate::revoked_entry).for_each(|entry| self.revoke(entry));
        Ok(())
    }

    fn revoke(&mut self, entry: RevokedEntry) {
        self.revoked.entry(entry.serial.clone()).or_insert(entry);
    }

    fn entries(&self, kind: Kind) -> impl Iterator<Item = Entry> + '_ {
        let of_kind = self.cells.iter().filter(move |((found, _), _)| *found == kind);
        of_kind.filter_map(|((_, key), cell)| {
            Some(Entry { key: key.clone(), revision: cell.revision, body: cell.body.clone()? })
        })
    }

    fn devices(&self) -> Result<Vec<(Entry, Device)>, RegistryError> {
        let read = |entry: Entry| {
            let device = Device::parse(&entry.body);
            let device = device.map_err(|cause| RegistryError::corrupt(Kind::Device, &entry.key, &cause))?;
            Ok((entry, device))
        };
        self.entries(Kind::Device).map(read).collect()
    }
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn revision(&self) -> Result<i64, RegistryError> {
        Ok(self.guard().state.revision)
    }

    async fn commit(&self, changes: Changes) -> Result<i64, RegistryError> {
        self.guard().commit(&changes)
    }

    async fn entry(&self, kind: Kind, key: &str) -> Result<Option<Entry>, RegistryError> {
        let found = self.guard().state.entries(kind).find(|entry| entry.key == key);
        Ok(found)
    }

    async fn entries(&self, kind: Kind, after: &str, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        let shared = self.guard();
        let later = shared.state.entries(kind).filter(|entry| entry.key.as_str() > after);
        Ok(later.take(limit.clamp(1, MAX_ENTRIES)).collect())
    }

    async fn secret(&self, kind: Kind, key: &str) -> Result<Option<Secret>, RegistryError> {
        Ok(self.guard().state.live(kind, key).and_then(|cell| cell.secret.clone()))
    }

    async fn devices(&self, filter: &DeviceFilter) -> Result<Vec<Entry>, RegistryError> {
        let devices = self.guard().state.devices()?;
        let found = devices.into_iter().filter(|(_, device)| filter.admits(device)).map(|(entry, _)| entry);
        Ok(found.take(filter.limit.clamp(1, MAX_ENTRIES)).collect())
    }

    async fn device_with(&self, certificate: &Presented) -> Result<Option<Entry>, RegistryError> {
        let names = |known: &Certificate| {
            known.serial == certificate.serial && certificate.fingerprint.as_ref().is_none_or(|id| *id == known.id)
        };
        let devices = self.guard().state.devices()?;
        Ok(devices.into_iter().find(|(_, device)| device.certificates.iter().any(names)).map(|(entry, _)| entry))
    }

    async fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        let shared = self.guard();
        let newer = shared.state.cells.iter().filter(|(_, cell)| cell.revision > after);
        let change = |((kind, key), cell): (&(Kind, String), &Cell)| Change {
            revision: cell.revision,
            kind: *kind,
            key: key.clone(),
            removed: cell.body.is_none(),
        };
        let mut changes: Vec<Change> = newer.map(change).collect();
        changes.sort_unstable_by_key(|change| change.revision);
        changes.truncate(limit.clamp(1, MAX_ENTRIES));
        Ok(changes)
    }

    async fn forget_removed(&self, up_to: i64, limit: usize) -> Result<usize, RegistryError> {
        let mut shared = self.guard();
        let removed = shared.state.cells.iter().filter(|(_, cell)| cell.body.is_none() && cell.revision <= up_to);
        let mut gone: Vec<_> = removed.map(|(name, cell)| (cell.revision, name.clone())).collect();
        gone.sort_unstable();
        gone.truncate(limit);
        for (_, name) in &gone {
            shared.state.cells.remove(name);
        }
        Ok(gone.len())
    }

    async fn revoked(&self, now: Timestamp, limit: usize) -> Result<Vec<RevokedEntry>, RegistryError> {
        let shared = self.guard();
        Ok(shared.state.revoked.values().filter(|entry| entry.not_after >= now).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct InMemory(MemoryRegistry);

    #[async_trait]
    impl crate::registry_contract::Fixture for InMemory {
        type Store = MemoryRegistry;

        async fn new() -> Self {
            Self(MemoryRegistry::default())
        }

        async fn open(&self) -> MemoryRegistry {
            self.0.clone()
        }
    }

    crate::registry_contract!(InMemory);
}
