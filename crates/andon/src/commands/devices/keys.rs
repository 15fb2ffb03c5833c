//! The private keys of devices that are made on this machine.
//!
//! A key is in its file, synced, before anybody hears of it: it is written under another name and takes its own when it is
//! whole, so that who is killed leaves a whole key or none. A key that is there is taken, never replaced.

use std::io::Write;
use std::path::Path;

use andon_devices::pki::{KeyKind, PrivateKey, SigningRequest};
use andon_devices::{KeySource, ProfileName, SystemEntropy};
use andon_model::{Code, Problem, Secret};
use serde::Deserialize;

use crate::client::{Client, segment};
use crate::output::Failure;
use crate::scenario::local;

/// Opens the names of keys that are being written.
const UNFINISHED: &str = ".andon-key-";

/// Makes the folder, and removes what was left of keys that nobody has heard of.
pub(super) fn prepare_folder(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| local(folder, error.to_string());
    std::fs::create_dir_all(folder).map_err(failed)?;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

/// The key in this file, and whether it was made now. A new one is there for good only after [`sync_folder`].
pub(super) fn of_file(file: &Path, kind: KeyKind) -> Result<(PrivateKey, bool), Failure> {
    if file.exists() {
        return Ok((read(file)?, false));
    }
    let key = SystemEntropy.generate(kind).map_err(Problem::from)?;
    match write(file, key.to_pem().expose()) {
        Ok(()) => Ok((key, true)),
        // Somebody else was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok((read(file)?, false)),
        Err(error) => Err(local(file, error.to_string())),
    }
}

/// Makes the names of new files last.
pub(super) fn sync_folder(folder: &Path) -> Result<(), Failure> {
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| local(folder, error.to_string()))
}

/// The key in a file of PEM.
pub(super) fn read(file: &Path) -> Result<PrivateKey, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
    PrivateKey::from_pem(&Secret::new(text)).map_err(|error| {
        local(file, error.to_string()).remedy("name a private key in PEM (PKCS #8), or another folder to make one in")
    })
}

/// A signing request for the key in a file.
pub(super) fn request_for(file: &Path) -> Result<String, Failure> {
    SigningRequest::of(&read(file)?).map_err(|error| Failure::from(Problem::from(error)).about(file))
}

/// The kind of key that devices of a profile have; none when there is no such profile.
pub(super) async fn kind_of(profile: &ProfileName, client: &Client) -> anyhow::Result<Option<KeyKind>> {
    #[derive(Deserialize)]
    struct Kind {
        key: KeyKind,
    }
    match client.get::<Kind>(&format!("/api/v1/device-rules/profiles/{}", segment(profile.as_str()))).await {
        Ok(Kind { key }) => Ok(Some(key)),
        Err(error) if Failure::of(&error).problem.code == Code::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// For its owner alone, which is how temporary files are made.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut made = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    made.write_all(text.as_bytes())?;
    made.as_file().sync_all()?;
    made.persist_noclobber(file).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pump-01.key");
        let (key, made) = of_file(&file, KeyKind::default()).unwrap();
        assert!(made && std::fs::metadata(&file).unwrap().permissions().mode().trailing_zeros() >= 7);
        let (again, made) = of_file(&file, KeyKind::Rsa2048).unwrap();
        assert!(!made && again.public().unwrap() == key.public().unwrap());
        assert_eq!(write(&file, "another").unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
        std::fs::write(&file, "torn").unwrap();
        assert!(of_file(&file, KeyKind::default()).is_err(), "it is told, not replaced");
    }

    #[test]
    fn what_was_not_finished_goes() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |name: &str| folder.path().join(name);
        for name in [".andon-key-x1", "pump-01.key", "notes"] {
            std::fs::write(inside(name), "x").unwrap();
        }
        prepare_folder(folder.path()).unwrap();
        assert!(!inside(".andon-key-x1").exists() && inside("pump-01.key").exists() && inside("notes").exists());
    }
}
