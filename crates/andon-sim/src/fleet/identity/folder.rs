//! The folder of identities: `<device>.crt` (with the issuing authorities), `<device>.key` and `root.crt`, as
//! `andon devices onboard --out` and `andon devices import --out` write them too.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use andon_model::Secret;

use super::{Identity, fresh_key};
use crate::fleet::error::FleetError;

/// What devices trust.
const ROOT_FILE: &str = "root.crt";
/// The authorities between root and devices.
const ISSUING_FILE: &str = "issuing.crt";
/// Only the owner may look in.
const FOLDER_MODE: u32 = 0o700;
/// Only the owner may read a key.
const KEY_MODE: u32 = 0o600;

/// A folder with the identities of a fleet.
#[derive(Debug, Clone)]
pub struct IdentityFolder {
    path: PathBuf,
}

impl IdentityFolder {
    /// Opens the folder, which is made if it is not there.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FleetError> {
        let path = path.into();
        let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&path);
        made.map_err(|source| FleetError::File { place: path.clone(), source })?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The devices that have both certificate and key, by name.
    pub fn devices(&self) -> Result<Vec<String>, FleetError> {
        let listed =
            fs::read_dir(&self.path).map_err(|source| FleetError::File { place: self.path.clone(), source })?;
        let names: BTreeSet<String> =
            listed.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let with_key = names.iter().filter_map(|name| name.strip_suffix(".key"));
        Ok(with_key.filter(|name| names.contains(&format!("{name}.crt"))).map(str::to_owned).collect())
    }

    /// The identity of a device.
    pub fn load(&self, device: &str) -> Result<Identity, FleetError> {
        let chain_pem = self.read(&format!("{device}.crt"))?;
        let key_pem = Secret::new(self.read(&format!("{device}.key"))?);
        Ok(Identity { device: device.to_owned(), chain_pem, key_pem })
    }

    /// The certificates that devices trust, in PEM.
    pub fn roots(&self) -> Result<String, FleetError> {
        self.read(ROOT_FILE)
    }

    /// Those of the authorities between root and devices; empty if they are not there.
    pub(super) fn issuing(&self) -> String {
        self.read(ISSUING_FILE).unwrap_or_default()
    }

    /// Keeps what devices trust and what is between.
    pub(super) fn keep_authorities(&self, roots: &str, issuing: &str) -> Result<(), FleetError> {
        self.write(ROOT_FILE, roots)?;
        self.write(ISSUING_FILE, issuing)
    }

    /// The key of a device; made, and on disk, if there was none.
    pub(super) fn key_of(&self, device: &str) -> Result<Secret, FleetError> {
        match self.read(&format!("{device}.key")) {
            Ok(text) => Ok(Secret::new(text)),
            Err(FleetError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let key = fresh_key()?;
                self.keep_key(device, &key)?;
                Ok(key)
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps a key; replaces what was there.
    pub(super) fn keep_key(&self, device: &str, key: &Secret) -> Result<(), FleetError> {
        let part = self.path.join(format!(".{device}.key.part"));
        let failed = |source| FleetError::File { place: part.clone(), source };
        let mut file = fs::OpenOptions::new();
        file.write(true).create(true).truncate(true).mode(KEY_MODE);
        let mut file = file.open(&part).map_err(failed)?;
        file.write_all(key.expose().as_bytes()).and_then(|()| file.sync_data()).map_err(failed)?;
        fs::rename(&part, self.path.join(format!("{device}.key"))).map_err(failed)
    }

    /// Keeps a device's certificate together with those between it and the root.
    pub(super) fn keep_certificate(&self, device: &str, certificate: &str, issuing: &str) -> Result<(), FleetError> {
        let gap = if certificate.ends_with('\n') { "" } else { "\n" };
        self.write(&format!("{device}.crt"), &format!("{certificate}{gap}{issuing}"))
    }

    fn read(&self, file: &str) -> Result<String, FleetError> {
        let place = self.path.join(file);
        fs::read_to_string(&place).map_err(|source| FleetError::File { place, source })
    }

    /// Written beside and renamed, so that a file is whole or not there.
    fn write(&self, file: &str, text: &str) -> Result<(), FleetError> {
        let part = self.path.join(format!(".{file}.part"));
        let place = self.path.join(file);
        let written = fs::write(&part, text).and_then(|()| fs::rename(&part, &place));
        written.map_err(|source| FleetError::File { place, source })
    }
}
