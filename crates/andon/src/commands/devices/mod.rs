//! `andon devices`: onboarding and managing devices through the API of a running server.

mod bundle;
mod certificates;
mod change;
mod claims;
mod columns;
mod definitions;
mod groups;
mod import;
mod keys;
mod letters;
mod onboard;
mod rotate;

pub(crate) use bundle::below_root;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_devices::pki::SigningRequest;
use andon_devices::{CertificateStatus, Device, DeviceName, ExpiryLevel};
use andon_model::{Code, Problem, Timestamp};
use clap::{Args, Subcommand};
use definitions::Shelf;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::output::{Cell, Failure, Grid, Output, Tone, one_line, utc_time};
use crate::scenario::local;

/// Status of a device whose certificates in force are all of distrusted authorities.
const CUT_OFF: &str = "ACTIVE, cut off: its authority is distrusted";

/// Onboard, list, show, rotate, revoke and delete devices
#[derive(Debug, Subcommand)]
pub(crate) enum Devices {
    /// Onboard a device; with --out, its key is made here and only a signing request travels
    Onboard(onboard::Onboard),
    /// List devices
    List(List),
    /// Show a device with its certificates
    Show {
        /// Its name
        device: DeviceName,
    },
    /// Give a device its next certificate; the present one is accepted until the overlap is over
    Rotate(rotate::Rotate),
    /// Revoke the certificates of a device, or one of them, for good
    Revoke(Revoke),
    /// Make certificates INACTIVE: the device is out at once, until they are made active again
    Deactivate(certificates::Chosen),
    /// Make INACTIVE certificates active again
    Activate(certificates::Chosen),
    /// Take a device out of service and forget it
    Delete {
        /// Its name
        device: DeviceName,
    },
    /// Change profile, groups, policies or attributes of a device
    Change(change::Change),
    /// Kinds of devices: their keys, attributes and policies
    #[command(subcommand)]
    Profiles(definitions::Filed),
    /// Policies, in the form of AWS IoT Core
    #[command(subcommand)]
    Policies(definitions::Filed),
    /// Devices that belong together
    #[command(subcommand)]
    Groups(groups::Groups),
    /// Shared identities that may only onboard the devices on their list
    #[command(subcommand)]
    Claims(claims::Claims),
    /// List the files that were imported, with their reports
    Imports(definitions::Page),
    /// List letters to people: those that wait, and those of the last week
    Letters(letters::Letters),
    /// Onboard the devices of a file, CSV or JSON Lines; their keys are made here. Repeat it when it broke off
    Import(import::Import),
}

/// Which devices.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only names in which this text stands, in the same case
    #[arg(long)]
    contains: Option<String>,
    /// Only with this label: profile:, group:, status:, `speaks_for:` or `attribute:<name>=<value>`; may be repeated
    #[arg(long = "label")]
    labels: Vec<String>,
    /// Only devices whose last certificate is this close to its end, or closer
    #[arg(long, value_enum)]
    expiry: Option<Expiry>,
    /// Only devices that nobody but this authority lets in: with `ca distrust` of it they are, or will be, cut off
    #[arg(long, value_name = "NAME")]
    authority: Option<String>,
    /// Only names after this one
    #[arg(long)]
    after: Option<DeviceName>,
    /// Most rows, 1 to 1,000
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// How close the end of a certificate is, on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Expiry {
    /// 30 days, or as the settings say
    Notice,
    /// 7 days, or as the settings say
    Urgent,
    /// It has ended
    Expired,
}

impl From<Expiry> for ExpiryLevel {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Notice => Self::Notice,
            Expiry::Urgent => Self::Urgent,
            Expiry::Expired => Self::Expired,
        }
    }
}

/// What is revoked.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Name of the device
    device: DeviceName,
    /// Fingerprint of one certificate, or how it begins; all when left out
    #[arg(long)]
    certificate: Option<String>,
    /// `key_compromise`, `affiliation_changed`, `superseded`, `cessation_of_operation` or `privilege_withdrawn`
    #[arg(long)]
    reason: Option<String>,
}

/// A device as the API shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeviceView {
    status: CertificateStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry: Option<ExpiryLevel>,
    /// Its certificates in force are all of distrusted authorities.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut_off: bool,
    #[serde(flatten)]
    device: Device,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    /// In the answer to an onboarding: `onboarded` or `unchanged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// What was asked for and the device, which was there before, does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    differs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connection: Option<Door>,
}

/// Where the door for devices is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Door {
    endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    roots: String,
    chain: String,
}

impl DeviceView {
    fn standing(&self) -> Cell {
        if self.cut_off { Cell::toned(CUT_OFF, Tone::Bad) } else { self.status.to_string().into() }
    }
}

/// `GET /api/v1/devices`
#[derive(Debug, Serialize, Deserialize)]
struct DevicePage {
    devices: Vec<DeviceView>,
    next: Option<DeviceName>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

pub(crate) async fn run(devices: Devices, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match devices {
        Devices::Onboard(wanted) => onboard::run(&wanted, &client, context).await?,
        Devices::List(query) => list(&query, &client, context.output).await?,
        Devices::Show { device } => {
            let view: DeviceView = client.get(&path(&device, "")).await?;
            context.output.show(&view, facts)?;
        }
        Devices::Rotate(wanted) => rotate::run(&wanted, &client, context).await?,
        Devices::Revoke(wanted) => revoke(&wanted, &client, context.output).await?,
        Devices::Deactivate(chosen) => certificates::deactivate(&chosen, &client, context.output).await?,
        Devices::Activate(chosen) => certificates::activate(&chosen, &client, context.output).await?,
        Devices::Delete { device } => {
            let _: Value = client.act(Method::DELETE, &path(&device, "")).await?;
            context.output.say(&json!({ "deleted": device }), |_| format!("device {device} is deleted"))?;
        }
        Devices::Change(change) => change::run(&change, &client, context.output).await?,
        Devices::Profiles(filed) => return definitions::run(Shelf::Profiles, filed, &client, context.output).await,
        Devices::Policies(filed) => return definitions::run(Shelf::Policies, filed, &client, context.output).await,
        Devices::Groups(groups) => return groups::run(groups, &client, context.output).await,
        Devices::Claims(claims) => return claims::run(claims, &client, context.output).await,
        Devices::Letters(query) => letters::list(&query, &client, context.output).await?,
        Devices::Imports(page) => import::list(&page, &client, context.output).await?,
        Devices::Import(import) => return import::run(&import, &client, context.output).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn path(device: &DeviceName, rest: &str) -> String {
    format!("/api/v1/devices/{}{rest}", segment(device.as_str()))
}

/// A key is handed over once: where it is to go is looked at before it is asked for.
fn refuse_taken(device: &DeviceName, out: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = out else { return Ok(()) };
    let key = bundle::file_of(folder, device, "key");
    if key.exists() {
        let taken = local(&key, "there is a key already");
        return Err(taken.remedy("name another folder by --out, so that neither key is lost"));
    }
    Ok(())
}

/// A signing request as it is in its file, and the key that it is for, in DER.
fn csr(file: Option<&PathBuf>) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let Some(file) = file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
    let request = SigningRequest::from_pem(&text).map_err(|error| Failure::from(Problem::from(error)).about(file))?;
    Ok(Some((text, request.key().to_der())))
}

async fn revoke(wanted: &Revoke, client: &Client, output: Output) -> anyhow::Result<()> {
    let mut body = Map::new();
    if let Some(begin) = &wanted.certificate {
        let known: DeviceView = client.get(&path(&wanted.device, "")).await?;
        let id = certificates::named(begin, &known.device.certificates)?;
        body.insert("certificate".to_owned(), json!(id));
    }
    body.extend(wanted.reason.as_ref().map(|reason| ("reason".to_owned(), json!(reason))));
    let view: DeviceView = client.submit(Method::POST, &path(&wanted.device, "/revoke"), &body).await?;
    output.say(&view, |view| format!("device {} is {}", view.device.name, view.status))
}

async fn list(query: &List, client: &Client, output: Output) -> anyhow::Result<()> {
    if query.labels.iter().any(|label| label.contains(',')) {
        return Err(Failure::new(Code::BadRequest, "a label with a comma cannot be searched for").at("--label").into());
    }
    let labels = (!query.labels.is_empty()).then(|| query.labels.join(","));
    let parameters = [
        ("after", query.after.as_ref().map(ToString::to_string)),
        ("contains", query.contains.clone()),
        ("labels", labels),
        ("expiry", query.expiry.map(|level| ExpiryLevel::from(level).word().to_owned())),
        ("authority", query.authority.clone()),
        ("limit", Some(query.limit.to_string())),
    ];
    let page: DevicePage = client.list("/api/v1/devices", &parameters).await?;
    output.show(&page, table)?;
    match &page.next {
        Some(next) => output.note(&format!("there are more: --after {next}")),
        None => Ok(()),
    }
}

fn table(page: &DevicePage) -> Grid {
    let mut grid = Grid::new(["device", "status", "profile", "groups", "ends"], "no devices");
    for view in &page.devices {
        let device = &view.device;
        let groups: Vec<&str> = device.groups.iter().map(andon_devices::GroupName::as_str).collect();
        let profile = device.profile.as_ref().map(ToString::to_string).unwrap_or_default();
        grid.row([
            device.name.to_string().into(),
            view.standing(),
            profile.into(),
            groups.join(" ").into(),
            end_of(device).into(),
        ]);
    }
    grid
}

/// The end of the certificate that lives longest.
fn end_of(device: &Device) -> String {
    let active = device.certificates.iter().filter(|known| known.status == CertificateStatus::Active);
    active.map(|known| known.not_after).max().map(utc_time).unwrap_or_default()
}

fn facts(view: &DeviceView) -> Grid {
    let device = &view.device;
    let mut grid = Grid::pairs();
    grid.pair("device", device.name.to_string());
    grid.pair("identity", device.id.as_str());
    grid.pair("status", view.standing());
    if let Some(level) = view.expiry {
        grid.pair("ends soon", Cell::toned(level.word(), Tone::Warn));
    }
    if let Some(profile) = &device.profile {
        grid.pair("profile", profile.to_string());
    }
    for group in &device.groups {
        grid.pair("group", group.to_string());
    }
    for policy in &device.policies {
        grid.pair("policy", policy.to_string());
    }
    for behind in &device.on_behalf_of {
        grid.pair("speaks for", behind.to_string());
    }
    for (name, value) in device.attributes.iter() {
        grid.pair(&format!("attribute {name}"), one_line(value));
    }
    grid.pair("onboarded", utc_time(device.created));
    for known in &device.certificates {
        let retires = known.retires.map(|at: Timestamp| format!(", retires {}", utc_time(at))).unwrap_or_default();
        let text = format!("{} {}, ends {}{retires}", known.status, known.id.as_str(), utc_time(known.not_after));
        grid.pair("certificate", text);
    }
    grid
}
