//! A scratch folder with Andon's data, the identities of all devices, and what mosquitto needs.

use std::path::Path;

use andon_sim::fleet::{Identity, IdentityFolder};
use tempfile::TempDir;

use super::mosquitto::{Keeping, Mosquitto};
use crate::andon::Andon;

/// Limits of a device that would hold the load back; everything else is as it comes.
const LIMITS: [(&str, &str); 3] = [
    ("ANDON_MQTT__LIMITS__PUBLISH_RATE", "1000000"),
    ("ANDON_MQTT__LIMITS__PUBLISH_BURST", "1000000"),
    ("ANDON_MQTT__LIMITS__IN_FLIGHT", "256"),
];

/// The device whose session is away while mosquitto keeps messages for it.
pub(super) const ABSENT: &str = "absent";

pub(crate) struct Scene {
    pub(crate) andon: Andon,
    pub(super) identities: IdentityFolder,
    devices: Vec<Identity>,
    folder: TempDir,
}

impl Scene {
    /// Onboards so many devices through the API.
    pub(crate) async fn set(program: &Path, folder: Option<&Path>, devices: usize) -> anyhow::Result<Self> {
        Self::set_with(program, folder, devices, &[]).await
    }

    /// The same, with more variables in the environment of the program.
    pub(crate) async fn set_with(
        program: &Path,
        folder: Option<&Path>,
        devices: usize,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let folder = folder.map_or_else(TempDir::new, TempDir::new_in)?;
        let identities = IdentityFolder::open(folder.path().join("identities"))?;
        let mut andon = Andon::new(program, &folder.path().join("andon"), &[&LIMITS, settings].concat())?;
        let mut names: Vec<String> = (1..=devices).map(|number| format!("bench-{number:05}")).collect();
        names.push(ABSENT.to_owned());
        andon.onboard(&names, &identities).await?;
        names.pop();
        let devices = names.iter().map(|name| identities.load(name)).collect::<Result<_, _>>()?;
        Ok(Self { andon, identities, devices, folder })
    }

    /// The first so many devices.
    pub(crate) fn first(&self, count: usize) -> Vec<Identity> {
        self.devices.iter().take(count).cloned().collect()
    }

    /// The last so many devices.
    pub(super) fn last(&self, count: usize) -> Vec<Identity> {
        self.devices.iter().rev().take(count).cloned().collect()
    }

    /// A mosquitto with an empty database.
    pub(super) async fn mosquitto(&self, keeping: Keeping) -> anyhow::Result<Mosquitto> {
        let folder = TempDir::new_in(self.folder.path())?;
        Mosquitto::start(folder, &self.identities, keeping).await
    }

    /// A file in the scratch folder.
    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}
