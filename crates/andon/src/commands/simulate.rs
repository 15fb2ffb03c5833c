//! `andon simulate`: stands in for outside systems and for devices, with nasty modes.

pub(crate) mod fleet;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use andon_model::{Code, Secret};
use andon_sim::{Access, FaultProfile, SapSimulator, SimulatorConfig};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::commands::Context;
use crate::output::{FREE_THE_ADDRESS, Failure};
use crate::scenario::local;
use crate::wiring::random_text;
use crate::wiring::signals::StopRequest;

/// Stand in for an outside system, or for devices
#[derive(Debug, Subcommand)]
pub(crate) enum Simulate {
    /// SAP S/4HANA and what stands around it, with faults on demand
    #[command(after_long_help = SYSTEMS)]
    Sap(Box<Sap>),
    /// A fleet of devices that connect with certificates and publish, with faults on demand
    #[command(after_long_help = fleet::FAULTS)]
    Fleet(Box<fleet::FleetOptions>),
}

/// What the simulator stands in for, for `--help`.
const SYSTEMS: &str = "\
Systems, all on one port:
  /sap/opu/odata/sap/    OData V2: API_MAINTNOTIFICATION, API_DEFECT_SRV, API_CV_ATTACHMENT_SRV,
                         API_EHS_REPORT_INCIDENT_SRV, API_PURCHASEREQ_PROCESS_SRV, API_EQUIPMENT,
                         API_FUNCTIONALLOCATION, ZSERVICE_PM_NOTIFICATION_SRV, ZAPI_QUAL_NOTIFICATION_SRV
  /sap/opu/odata4/sap/   OData V4: API_DEFECT, API_PURCHASEREQUISITION_2
  /oauth/token, /destination-configuration/, …/v2/rule-services      SAP BTP
  …/chat/completions, …/invoke, …/converse                           a language model
  /TOPIC/<topic>, /QUEUE/<queue>, /api/devices/<id>/properties       event mesh, devices
  /sim/books, /sim/faults, /sim/statistics, /sim/rules, /sim/mesh    for people and tests

Faults, as kind=probability[:span]:
  anywhere        server_error, slow[:200ms], commit_then_drop, drop_before, commit_then_500, unauthorized,
                  busy[:1s], refuse_to_connect[:300ms], slow_drip[:2s], html_error, xml_error, text_error
  OData           token_expired, etag_moved, precondition_required, locked, partial_batch
  SAP BTP         token_denied, auth_token_error, empty_result
  mesh            redeliver
  language model  llm_broken_json, llm_huge, llm_injection, llm_refusal, llm_silent[:60s], llm_rate_limited
  reads           reads";

/// How the simulator behaves.
#[derive(Debug, Args)]
pub(crate) struct Sap {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8481", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// User whom the services accept
    #[arg(long, default_value = "ANDON", value_name = "NAME")]
    user: String,
    /// File with the user's password; made up and written to it when the file does not exist
    #[arg(long, default_value = "sap-password", value_name = "FILE")]
    password_file: PathBuf,
    /// Faults by kind and probability, as in `commit_then_drop=0.1,slow=0.2:200ms`
    #[arg(long, default_value_t, value_name = "PROFILE")]
    faults: FaultProfile,
    /// Seed of the faults: the same seed misbehaves alike
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
}

pub(crate) async fn run(simulate: Simulate, context: &Context) -> anyhow::Result<ExitCode> {
    match simulate {
        Simulate::Sap(sap) => run_sap(*sap, context).await,
        Simulate::Fleet(options) => fleet::run(&options, context).await,
    }
}

async fn run_sap(sap: Sap, context: &Context) -> anyhow::Result<ExitCode> {
    let password = password(&sap.password_file)?;
    let config = SimulatorConfig {
        listen: sap.listen,
        access: Access::Basic { user: sap.user.clone(), password },
        seed: sap.seed,
        faults: sap.faults,
        ..SimulatorConfig::default()
    };
    let cannot_start = |error| {
        Failure::new(Code::Setting, format!("cannot start the simulator: {error}"))
            .at("--listen")
            .remedy(FREE_THE_ADDRESS)
    };
    let mut stop = StopRequest::listen()?;
    let simulator = SapSimulator::start(config).await.map_err(cannot_start)?;
    let address = simulator.base_url();
    let started = json!({ "address": address, "user": sap.user, "password_file": sap.password_file });
    context.output.say(&started, |_| introduction(&sap, &address))?;
    stop.received().await;
    simulator.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn introduction(sap: &Sap, address: &str) -> String {
    let file = sap.password_file.display();
    format!(
        "SAP simulator on {address}, faults: {}, seed {}\n\
         user {}; its password is in {file}, give it to Andon:\n  \
         andon secret set sap-password --from-file {file}\n\
         what was really created:\n  \
         curl {address}/sim/books\n\
         stop with Ctrl-C",
        sap.faults, sap.seed, sap.user
    )
}

/// The password in the file; a missing file gets a new one that only its owner can read.
fn password(file: &PathBuf) -> anyhow::Result<Secret> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = random_text()?;
            crate::wiring::write_private(file, &text)?;
            Ok(Secret::new(text))
        }
        Err(error) => Err(local(file, error.to_string()).into()),
    }
}
