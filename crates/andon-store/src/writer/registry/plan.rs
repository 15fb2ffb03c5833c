//! Who of a group is admitted, and what the registry looks like after all of them: pure.

use std::collections::{BTreeMap, HashMap};

use andon_devices::registry::{Expected, Kind, RegistryError};

use super::prepare::{Prepared, PreparedWrite, Put, RevocationRow};

/// What the registry holds of all that a group names.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Revisions of the entries that are there.
    pub(super) revisions: HashMap<(Kind, String), i64>,
    /// Who has which certificate, by serial number.
    pub(super) owners: HashMap<String, String>,
}

/// An entry as it is to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) revision: i64,
    /// None when it is removed.
    pub(super) body: Option<&'a str>,
    /// None keeps the secret that is there; nothing in it takes it away.
    pub(super) sealed: Option<&'a [u8]>,
}

/// What a group comes to so far. Borrows from the commits.
pub(super) struct Plan<'a> {
    revision: i64,
    /// Revisions as they are after those who were admitted; `None` for what they removed.
    revisions: HashMap<(Kind, &'a str), Option<i64>>,
    certificates: Certificates<'a>,
    known: Known,
    rows: Vec<Row<'a>>,
    places: HashMap<(Kind, &'a str), usize>,
    devices: BTreeMap<&'a str, Option<&'a Put>>,
    revoked: Vec<&'a RevocationRow>,
}

/// Changes of ownership: `None` for a certificate that was given up.
#[derive(Default)]
struct Certificates<'a> {
    owners: HashMap<&'a str, Option<&'a str>>,
    held: HashMap<&'a str, &'a [(String, String)]>,
}

impl<'a> Plan<'a> {
    /// A plan after which nothing has changed.
    pub(super) fn new(revision: i64, known: Known) -> Self {
        Self {
            revision,
            revisions: HashMap::new(),
            certificates: Certificates::default(),
            known,
            rows: Vec::new(),
            places: HashMap::new(),
            devices: BTreeMap::new(),
            revoked: Vec::new(),
        }
    }

    /// The revision of the last write.
    pub(super) fn revision(&self) -> i64 {
        self.revision
    }

    /// Entries to store, each once.
    pub(super) fn rows(&self) -> &[Row<'a>] {
        &self.rows
    }

    /// Devices with their labels and certificates; none for those that are gone.
    pub(super) fn devices(&self) -> &BTreeMap<&'a str, Option<&'a Put>> {
        &self.devices
    }

    /// Whether the device was there before the group.
    pub(super) fn was_there(&self, device: &str) -> bool {
        self.known.revisions.contains_key(&(Kind::Device, device.to_owned()))
    }

    /// Revocations, oldest first: the first of a certificate counts.
    pub(super) fn revoked(&self) -> &[&'a RevocationRow] {
        &self.revoked
    }

    /// Takes the changes of one caller, all or none.
    pub(super) fn admit(&mut self, commit: &'a Prepared) -> Result<i64, RegistryError> {
        commit.writes.iter().try_for_each(|write| self.check(write))?;
        let claimed = self.claim(&commit.writes)?;
        self.certificates.owners.extend(claimed.owners);
        self.certificates.held.extend(claimed.held);
        commit.writes.iter().for_each(|write| self.write(write));
        self.revoked.extend(&commit.revoked);
        Ok(self.revision)
    }

    fn current(&self, kind: Kind, name: &str) -> Option<i64> {
        match self.revisions.get(&(kind, name)) {
            Some(changed) => *changed,
            None => self.known.revisions.get(&(kind, name.to_owned())).copied(),
        }
    }

    fn check(&self, write: &PreparedWrite) -> Result<(), RegistryError> {
        let found = self.current(write.kind, &write.name);
        let is_expected = match write.expected {
            Expected::Anything => true,
            Expected::Absent => found.is_none(),
            Expected::Revision(revision) => found == Some(revision),
        };
        if is_expected { Ok(()) } else { Err(RegistryError::Changed { kind: write.kind, key: write.name.clone() }) }
    }

    /// What the devices of a caller give up and take; a certificate of another device is not to be had.
    fn claim(&self, writes: &'a [PreparedWrite]) -> Result<Certificates<'a>, RegistryError> {
        let mut claimed = Certificates::default();
        for write in writes.iter().filter(|write| write.kind == Kind::Device) {
            let device = write.name.as_str();
            let certificates = write.put.as_ref().map_or(&[][..], |put| &put.certificates);
            let held = claimed.held.get(device).or_else(|| self.certificates.held.get(device));
            if let Some(held) = held.copied() {
                claimed.owners.extend(held.iter().map(|(serial, _)| (serial.as_str(), None)));
            }
            for (serial, _) in certificates {
                let owner = self.owner(&claimed, serial).filter(|owner| *owner != device);
                let is_twice = claimed.owners.get(serial.as_str()).is_some_and(|owner| *owner == Some(device));
                if owner.is_some() || is_twice {
                    return Err(RegistryError::Taken { device: device.to_owned() });
                }
                claimed.owners.insert(serial, Some(device));
            }
            claimed.held.insert(device, certificates);
        }
        Ok(claimed)
    }

    /// Who has a certificate, as far as a caller has come.
    fn owner<'b>(&'b self, claimed: &Certificates<'b>, serial: &str) -> Option<&'b str> {
        let changed = claimed.owners.get(serial).or_else(|| self.certificates.owners.get(serial));
        match changed {
            Some(changed) => *changed,
            None => self.stored_owner(claimed, serial),
        }
    }

    /// A device that was written by this group has given up what it had before.
    fn stored_owner(&self, claimed: &Certificates<'_>, serial: &str) -> Option<&str> {
        let owner = self.known.owners.get(serial)?.as_str();
        let is_written = claimed.held.contains_key(owner) || self.certificates.held.contains_key(owner);
        (!is_written).then_some(owner)
    }

    fn write(&mut self, write: &'a PreparedWrite) {
        let (kind, name) = (write.kind, write.name.as_str());
        if kind == Kind::Device {
            self.devices.insert(name, write.put.as_ref());
        }
        // What is not there leaves no trace when it is removed.
        if write.put.is_none() && self.current(kind, name).is_none() {
            return;
        }
        self.revision += 1;
        self.revisions.insert((kind, name), write.put.as_ref().map(|_| self.revision));
        let sealed = match &write.put {
            None => Some(&[][..]),
            Some(put) => put.sealed.as_deref(),
        };
        let body = write.put.as_ref().map(|put| put.body.as_str());
        let row = Row { kind, name, revision: self.revision, body, sealed };
        if let Some(before) = self.places.get(&(kind, name)).and_then(|place| self.rows.get_mut(*place)) {
            *before = Row { sealed: row.sealed.or(before.sealed), ..row };
        } else {
            self.places.insert((kind, name), self.rows.len());
            self.rows.push(row);
        }
    }
}
