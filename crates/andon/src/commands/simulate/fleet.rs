//! `andon simulate fleet`: onboards devices that are not there yet, lets them publish, and reports.

pub(crate) mod place;
mod progress;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use andon_model::Code;
use andon_sim::fleet::{
    Anomaly, DeviceFaults, Fleet, FleetError, FleetPlan, FleetReport, Identity, IdentityFolder, MAX_DEVICES, Onboarded,
    Onboarding, OnboardingWay, ProfileMix, Protocol, Qos, parse_span,
};
use clap::Args;
use serde::Serialize;

use crate::commands::Context;
use crate::commands::devices::below_root;
use crate::output::Failure;
use crate::wiring::signals::StopRequest;
use progress::Progress;

/// What can go wrong, for `--help`.
pub(super) const FAULTS: &str = "\
Faults, as kind=probability[:measure], with a comma between:
  connections  storm[:30s]     all are cut at once and come back at once; drawn once a period
               drop            cut after a message was written
  messages     duplicate       published twice
               resend          sent again with DUP before it is acknowledged (MQTT 5: after a reconnect)
               late[:10m]      measured earlier, by a part of the span
               silence[:30s]   nothing is said for the span
  clocks       skew[:5m]       wrong for good, by a part of the span to either side; drawn once a device
  payloads     not_json, truncated, wrong_types, binary, huge[:64k]

Profiles: s1, hobo-mx100, ruuvitag, rs40 (the sensors of AWS's quickstart), plain (one number)

Each payload has \"sequence\", which counts the messages of a device; the ledger has a line for each:
  {\"device\":\"sim-00001\",\"sequence\":7,\"qos\":1,\"acknowledged\":true}

Examples:
  andon simulate fleet --devices 20 --messages 100
  andon simulate fleet --devices 1000 --onboard bulk --rate 2 --duration 5m --mqtt 3.1.1,5
  andon simulate fleet --devices 50 --faults storm=1:20s,duplicate=0.01,binary=0.001 --ledger ledger.ndjson
  andon simulate fleet --devices 5 --anomaly 'sim-00001:temperature@60s+120s=40'";

/// What the fleet does.
#[derive(Debug, Args)]
pub(crate) struct FleetOptions {
    /// Number of devices, 1 to 20,000
    #[arg(long, default_value_t = 10, value_name = "NUMBER")]
    devices: usize,
    /// Folder with their certificates and keys; what is missing is made and onboarded
    #[arg(long, default_value = "fleet", value_name = "FOLDER")]
    folder: PathBuf,
    /// How devices that are not in the folder are onboarded: csr, bulk or quickstart; none takes those that are there
    #[arg(long, default_value = "csr", value_name = "WAY")]
    onboard: String,
    /// The names are this with a number
    #[arg(long, default_value = "sim", value_name = "TEXT")]
    prefix: String,
    /// The broker: mqtts://host:port, or mqtt://host:port without TLS [default: the server's door for devices]
    #[arg(long, value_name = "URL")]
    broker: Option<String>,
    /// Certificates to trust [default: root.crt in the folder]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Versions of MQTT, dealt to the devices in turn: 3.1.1, 5
    #[arg(long, default_value = "3.1.1", value_delimiter = ',', value_name = "VERSION")]
    mqtt: Vec<Protocol>,
    /// Qualities of service, dealt to the messages in turn: 0, 1, 2
    #[arg(long, default_value = "1", value_delimiter = ',', value_parser = qos)]
    qos: Vec<Qos>,
    /// Topic; {device} and {profile} are filled in [default: {device} below `[devices] root_topic`]
    #[arg(long)]
    topic: Option<String>,
    /// Kinds of devices in proportion, as in s1=3,rs40=1
    #[arg(long, default_value_t, value_name = "MIX")]
    profiles: ProfileMix,
    /// Messages per second of each device; max for as many as it can
    #[arg(long, default_value = "1", value_parser = rate, value_name = "NUMBER")]
    rate: f64,
    /// Messages per second of all devices together, in place of --rate
    #[arg(long, value_parser = rate, value_name = "NUMBER", conflicts_with = "rate")]
    total_rate: Option<f64>,
    /// Messages of each device; without this and --duration it goes on until Ctrl-C
    #[arg(long, value_name = "NUMBER")]
    messages: Option<u64>,
    /// How long messages are made, such as 30s or 5m
    #[arg(long, value_parser = parse_span, value_name = "SPAN")]
    duration: Option<Duration>,
    /// Unacknowledged publishes of a device
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..), value_name = "NUMBER")]
    in_flight: u16,
    /// First connects per second; max for all at once
    #[arg(long, default_value = "200", value_parser = rate, value_name = "NUMBER")]
    connects: f64,
    /// Publish only when all devices have tried to connect
    #[arg(long)]
    together: bool,
    /// Keep sessions across connects; otherwise each begins anew
    #[arg(long)]
    keep_sessions: bool,
    /// Keep-alive in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    keep_alive: u16,
    /// How long acknowledgements are waited for at the end
    #[arg(long, default_value = "10s", value_parser = parse_span, value_name = "SPAN")]
    drain: Duration,
    /// Faults by kind and probability, as in storm=1:20s,duplicate=0.01
    #[arg(long, default_value_t, value_name = "PROFILE")]
    faults: DeviceFaults,
    /// Something wrong with what is measured, as in `press-*:temperature@60s+120s=40`; may be repeated
    #[arg(long = "anomaly", value_name = "ANOMALY")]
    anomalies: Vec<Anomaly>,
    /// Seed of values and faults: the same seed misbehaves alike
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// Write what was acknowledged, message by message, as NDJSON
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Nothing when nobody was to be onboarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    onboarding: Option<Onboarded>,
    #[serde(flatten)]
    report: FleetReport,
}

pub(super) async fn run(options: &FleetOptions, context: &Context) -> anyhow::Result<ExitCode> {
    if !(1..=MAX_DEVICES).contains(&options.devices) {
        let what = format!("a fleet has 1 to {MAX_DEVICES} devices");
        return Err(Failure::new(Code::BadRequest, what).at("--devices").into());
    }
    crate::descriptors::allow_connections(options.devices)?;
    let mut stop = StopRequest::listen()?;
    let progress = Progress::new(context.output.is_json());
    let folder = IdentityFolder::open(&options.folder).map_err(failure)?;
    let (devices, onboarding) = members(options, &folder, context, &progress).await?;
    let identities: Result<Vec<Identity>, _> = devices.iter().map(|device| folder.load(device)).collect();
    let broker = match &options.broker {
        Some(broker) => broker.clone(),
        None => place::of_door(&context.client()?).await,
    };
    let topic = options.topic.clone().unwrap_or_else(|| below_root(&context.settings.devices.root_topic, "{device}"));
    let plan = plan(options, &folder, (broker, topic.clone()), devices.len())?;
    let fleet = Fleet::prepare(plan, identities.map_err(failure)?).await.map_err(failure)?;
    let watching = progress.watch(fleet.counters(), devices.len());
    let report = fleet.run(async { stop.received().await }).await;
    watching.end();
    let outcome = Outcome { onboarding, report: report.map_err(failure)? };
    context.output.show(&outcome, |outcome| table::messages(&outcome.report))?;
    context.output.aside(&table::facts(&outcome.report, outcome.onboarding.as_ref()))?;
    let total = &outcome.report.total;
    let got_through = outcome.report.connects.connected > 0 && (total.acknowledged > 0 || total.unsettled == 0);
    if !got_through && outcome.report.connects.connected > 0 {
        return Err(nothing_taken(&topic).into());
    }
    Ok(if got_through { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The names of the devices, all of them with an identity in the folder.
async fn members(
    options: &FleetOptions,
    folder: &IdentityFolder,
    context: &Context,
    progress: &Progress,
) -> anyhow::Result<(Vec<String>, Option<Onboarded>)> {
    if options.onboard == "none" {
        let mut there = folder.devices().map_err(failure)?;
        there.truncate(options.devices);
        return Ok((there, None));
    }
    let names: Vec<String> = (1..=options.devices).map(|number| format!("{}-{number:05}", options.prefix)).collect();
    let refused = |what: String| Failure::new(Code::BadRequest, what).at("--onboard");
    let way: OnboardingWay = options.onboard.parse().map_err(refused)?;
    let client = context.client()?;
    let there = folder.devices().map_err(failure)?;
    let token = match client.token() {
        Some(token) => token.clone(),
        None if names.iter().all(|name| there.binary_search(name).is_ok()) => andon_model::Secret::new(""),
        None => {
            let missing = Failure::new(Code::Unauthenticated, "devices are to be onboarded, and there is no token");
            return Err(missing.at("ANDON_TOKEN").into());
        }
    };
    let onboarding = Onboarding { api: client.base().to_owned(), token, way };
    let told = |done: usize| progress.onboarded(done, names.len());
    let onboarded = onboarding.complete(&names, folder, told).await.map_err(failure)?;
    Ok((names, Some(onboarded)))
}

/// Devices came in, and not one of their messages was acknowledged.
fn nothing_taken(topic: &str) -> Failure {
    let what = format!("devices connected, and no message to {topic} was acknowledged");
    let remedy =
        "allow the topic in the devices' policies (`andon devices policies list`), or name another with --topic";
    Failure::new(Code::BadRequest, what).at("--topic").remedy(remedy)
}

fn plan(
    options: &FleetOptions,
    folder: &IdentityFolder,
    (broker, topic): (String, String),
    devices: usize,
) -> anyhow::Result<FleetPlan> {
    let roots_pem = match &options.ca {
        Some(file) => std::fs::read_to_string(file).map_err(|error| crate::scenario::local(file, error.to_string()))?,
        None if broker.starts_with("mqtt:") => String::new(),
        None => folder.roots().map_err(failure)?,
    };
    let rate = options.total_rate.map_or(options.rate, |total| total / devices.max(1) as f64);
    Ok(FleetPlan {
        broker,
        roots_pem,
        protocols: options.mqtt.clone(),
        qos: options.qos.clone(),
        topic,
        profiles: options.profiles.clone(),
        rate: rate.is_finite().then_some(rate),
        messages: options.messages,
        duration: options.duration,
        in_flight: options.in_flight,
        connects_per_second: options.connects.is_finite().then_some(options.connects),
        together: options.together,
        clean: !options.keep_sessions,
        keep_alive: options.keep_alive,
        drain: options.drain,
        faults: options.faults,
        anomalies: options.anomalies.iter().cloned().map(Arc::new).collect(),
        seed: options.seed,
        ledger: options.ledger.clone(),
        ..FleetPlan::default()
    })
}

fn qos(text: &str) -> Result<Qos, String> {
    let number: u8 = text.parse().map_err(|_| format!("{text:?} is no quality of service: 0, 1 or 2"))?;
    Qos::try_from(number)
}

/// A positive number; infinite for `max`.
fn rate(text: &str) -> Result<f64, String> {
    let rate = if text == "max" { Ok(f64::INFINITY) } else { text.parse() };
    rate.ok().filter(|rate: &f64| *rate > 0.0).ok_or_else(|| format!("{text:?} is not a number above 0, nor max"))
}

/// What went wrong with a fleet, as people are told.
pub(crate) fn failure(error: FleetError) -> Failure {
    let what = error.to_string();
    match error {
        FleetError::File { place, source } => crate::scenario::local(&place, source.to_string()),
        FleetError::Unreachable { place, what } => Failure::new(Code::ServerUnreachable, what).at(place),
        FleetError::NotOnboarded { place, status, what } => {
            let code = match status {
                401 => Code::Unauthenticated,
                403 => Code::Forbidden,
                _ => Code::BadRequest,
            };
            Failure::new(code, format!("answered {status}: {what}")).at(place)
        }
        FleetError::Broker { address, what } => {
            Failure::new(Code::BadRequest, format!("{address}: {what}")).at("--broker")
        }
        _ => Failure::new(Code::BadRequest, what),
    }
}
