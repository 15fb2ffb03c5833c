//! The one place that knows every crate: store, connectors, engine and server become a running Andon.

mod adapters;
#[cfg(debug_assertions)]
mod crash_points;
mod door;
mod folder;
#[cfg(debug_assertions)]
mod held_back;
mod instance;
mod lake;
mod mail;
mod outside;
mod plant_file;
mod readings;
pub(crate) mod secrets;
pub(crate) mod signals;
pub(crate) mod telemetry;
pub(crate) mod tokens;

use andon_journal::{Change, Finding};
use andon_model::Code;

pub(crate) use folder::write_private;
pub(crate) use instance::Instance;

use crate::config::Settings;

/// Bytes of randomness in a generated password.
const RANDOM_BYTES: usize = 16;

/// A text that nobody can guess: for generated passwords.
pub(crate) fn random_text() -> anyhow::Result<String> {
    let mut bytes = [0u8; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Checks a configuration as a server would, in a scratch folder that is gone afterwards. Which secrets are there, only
/// a server knows: nothing is said about them.
pub(crate) async fn check(changes: Vec<Change>) -> anyhow::Result<Vec<Finding>> {
    let scratch = tempfile::tempdir()?;
    let mut settings = Settings::default();
    settings.data.folder = scratch.path().to_owned();
    let mut findings = instance::check_changes(&settings, changes).await?;
    findings.retain(|finding| finding.problem.code != Code::MissingSecret);
    Ok(findings)
}
