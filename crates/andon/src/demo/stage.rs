//! The stage: a scratch folder with a simulated SAP and an Andon, both on free ports of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use andon_model::{Code, Secret};
use andon_sim::{Access, SapSimulator, SimulatorConfig};
use tempfile::TempDir;

use super::progress::Progress;
use crate::client::{Client, TOKEN_FILE};
use crate::commands::demo::Demo;
use crate::config::Settings;
use crate::output::Failure;
use crate::wiring::{Instance, random_text, telemetry};

/// User whom the simulator accepts, as `destinations/s4.toml` names it.
const SAP_USER: &str = "ANDON";
/// How long the lake gathers readings for one commit.
const LAKE_GATHERS: Duration = Duration::from_millis(500);
/// Log of Andon, in the scratch folder.
const LOG_FILE: &str = "andon.log";

/// Everything that runs for the demo.
pub(super) struct Stage {
    scratch: TempDir,
    pub(super) simulator: SapSimulator,
    pub(super) sap_password: Secret,
    instance: Instance,
    pub(super) client: Client,
}

impl Stage {
    /// Starts both.
    pub(super) async fn open(options: &Demo, progress: &Progress) -> anyhow::Result<Self> {
        let scratch = tempfile::Builder::new().prefix("andon-demo-").tempdir()?;
        telemetry::install_log_file(&scratch.path().join(LOG_FILE))?;
        let sap_password = Secret::new(random_text()?);
        let simulator = SapSimulator::start(SimulatorConfig {
            access: Access::Basic { user: SAP_USER.to_owned(), password: sap_password.clone() },
            faults: options.faults,
            seed: options.seed,
            ..SimulatorConfig::default()
        })
        .await?;
        progress.say(&format!("SAP simulator on {}, faults {}", simulator.base_url(), options.faults));
        let settings = settings(&data_folder(scratch.path()));
        let instance = Instance::start(&settings, Arc::new(String::new)).await?;
        progress.say(&format!("Andon on {}", instance.url()));
        let token = instance.first_token().cloned();
        let token = token.ok_or_else(|| Failure::new(Code::Internal, "a new data folder had tokens already"))?;
        let client = Client::new(&instance.url(), Some(token), settings.client.timeout)?;
        Ok(Self { scratch, simulator, sap_password, instance, client })
    }

    /// The scratch folder.
    pub(super) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Andon's data folder.
    pub(super) fn data_folder(&self) -> PathBuf {
        data_folder(self.folder())
    }

    /// What a person can do while both run.
    pub(super) fn invitation(&self) -> String {
        let token = self.data_folder().join(TOKEN_FILE);
        format!(
            "\nBoth keep running. In another terminal:\n  \
             export ANDON_URL={}\n  export ANDON_TOKEN=$(cat {})\n  \
             andon events list\n  andon runs list\n  andon quarantine list\n  \
             andon assets show press-5\n  andon alarms list --state raised\n  andon lake status --devices\n  \
             andon queries run device-type-48h\n  \
             curl {}/sim/books\nCtrl-C ends the demo and removes its folder.",
            self.instance.url(),
            token.display(),
            self.simulator.base_url()
        )
    }

    /// Stops both; gives the scratch folder when it is kept.
    pub(super) async fn close(self, keep: bool) -> anyhow::Result<Option<PathBuf>> {
        self.instance.stop().await?;
        self.simulator.shutdown().await;
        Ok(keep.then(|| self.scratch.keep()))
    }
}

fn data_folder(scratch: &Path) -> PathBuf {
    scratch.join("data")
}

fn settings(data_folder: &Path) -> Settings {
    let mut settings = Settings::default();
    data_folder.clone_into(&mut settings.data.folder);
    settings.http.listen.set_port(0);
    settings.mqtt.listen.set_port(0);
    // The end of the demo waits for the last rows.
    settings.lake.gather = LAKE_GATHERS;
    settings
}
