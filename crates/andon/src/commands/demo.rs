//! `andon demo`: the whole job against a simulated SAP, in a scratch folder.

use std::process::ExitCode;
use std::time::Duration;

use andon_sim::FaultProfile;
use clap::Args;

use crate::commands::Context;
use crate::demo;

/// Show the whole job against a simulated SAP, in a scratch folder
///
/// Starts Andon and the simulator with generated credentials, applies the scenarios, plays their inputs while the
/// simulator misbehaves, lets devices with certificates publish while a machine overheats, and ends with tables: event,
/// decision with its row, document number; and the machine's way from the certificate to SAP, with the SQL that explains
/// it. On a terminal both keep running until Ctrl-C, so that you can look around. Fails when a document is lost or
/// duplicated, or a reading is not accounted for.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after the table, on a terminal as well
    #[arg(long)]
    pub(crate) once: bool,
    /// Keep the scratch folder
    #[arg(long)]
    pub(crate) keep: bool,
    /// Faults of the simulator, by kind and probability; `none` for a good day
    #[arg(
        long,
        value_name = "PROFILE",
        default_value = "commit_then_drop=0.15,commit_then_500=0.1,server_error=0.1,busy=0.05:1s,slow=0.1:100ms,token_expired=0.05"
    )]
    pub(crate) faults: FaultProfile,
    /// Seed of the faults and of what devices measure: the same seed misbehaves alike
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    pub(crate) seed: u64,
    /// Give up when not every run is settled after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    pub(crate) limit_seconds: u64,
}

impl Demo {
    /// How long the demo waits for every run to be settled.
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.limit_seconds)
    }
}

pub(crate) async fn run(options: Demo, context: &Context) -> anyhow::Result<ExitCode> {
    demo::run(&options, context.output).await
}
