//! `andon ca`: the certificate authority of devices.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_devices::registry::AuthorityRecord;
use andon_devices::registry::authorities::roots;
use andon_model::Code;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::output::{Failure, Grid, utc_time};
use crate::scenario::local;

/// Make, show and replace the certificate authority of devices
#[derive(Debug, Subcommand)]
pub(crate) enum Ca {
    /// Make a root and an issuing authority; without this, the first device makes them with the defaults
    Init(Plan),
    /// Print the certificates of the roots, which devices trust, or of all authorities
    Export(Export),
    /// Replace the issuing authority; what the old one signed stays good
    Rotate(Rotate),
    /// Trust an authority no more, nor what it signed; a root takes its issuing authorities with it
    #[command(alias = "retire")]
    Distrust {
        /// Its name, as in root-1; one that signs now is replaced first
        authority: String,
        /// Do it: it cannot be undone. Without this, it is said which devices would be cut off
        #[arg(long)]
        yes: bool,
    },
}

/// What to do when there is an authority.
const THERE_IS_ONE: &str =
    "`andon ca export --all` shows it; `andon ca rotate` replaces it, with `--root` the root too";

/// What to do when an authority is in use.
const STILL_SIGNS: &str = "replace it first: `andon ca rotate`, for a root with `--root`; then distrust the old one";

/// What the authorities are like.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Opens their common names
    #[arg(long)]
    name: Option<String>,
    /// The organization that runs them
    #[arg(long)]
    organization: Option<String>,
    /// Kind of their keys: `ecdsa_p256`, `ecdsa_p384`, `rsa_2048`, `rsa_3072` or `rsa_4096`
    #[arg(long)]
    key: Option<String>,
    /// Life of a root, in days
    #[arg(long)]
    root_days: Option<u32>,
    /// Life of an issuing authority, in days
    #[arg(long)]
    issuing_days: Option<u32>,
}

/// What is printed.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The issuing authorities too, and cross certificates
    #[arg(long)]
    all: bool,
    /// Write into this file instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is replaced.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The root too; the old one vouches for it, so that devices that trust the old one alone go on
    #[arg(long)]
    root: bool,
    /// The old root does not vouch: its key is lost, or somebody else has it. Devices that trust it alone are cut off
    #[arg(long, requires = "root")]
    no_cross: bool,
    #[command(flatten)]
    plan: Plan,
}

impl Plan {
    fn to_json(&self) -> Map<String, Value> {
        let texts = [("name", &self.name), ("organization", &self.organization), ("key", &self.key)];
        let texts = texts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?))));
        let days = [("root_days", self.root_days), ("issuing_days", self.issuing_days)];
        let days = days.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?))));
        texts.chain(days).collect()
    }
}

pub(crate) async fn run(ca: Ca, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match ca {
        Ca::Init(plan) => {
            let made = client.submit(Method::POST, "/api/v1/authorities", &plan.to_json()).await;
            let all: Vec<AuthorityRecord> =
                made.map_err(|error| Failure::advise(error, Code::Conflict, THERE_IS_ONE))?;
            context.output.show(&all, |all| table(all))?;
        }
        Ca::Export(export) => {
            let all: Vec<AuthorityRecord> = client.get("/api/v1/authorities").await?;
            let text = if export.all { everything(&all) } else { roots(&all) };
            if text.is_empty() {
                let none =
                    Failure::new(Code::NotFound, "there is no certificate authority yet, so that nothing is exported");
                return Err(none.remedy("make it: `andon ca init`, or onboard a device").into());
            }
            match &export.out {
                Some(file) => std::fs::write(file, text).map_err(|error| local(file, error.to_string()))?,
                None => crate::output::Output::bytes(text.as_bytes())?,
            }
        }
        Ca::Rotate(rotate) => {
            let mut body = rotate.plan.to_json();
            body.insert("root".to_owned(), json!(rotate.root));
            body.insert("cross".to_owned(), json!(!rotate.no_cross));
            let all: Vec<AuthorityRecord> = client.submit(Method::POST, "/api/v1/authorities/rotate", &body).await?;
            context.output.show(&all, |all| table(all))?;
        }
        Ca::Distrust { authority, yes: false } => {
            let cut_off = reached(&authority, &client).await?;
            context.output.note(&foretold(&authority, &cut_off))?;
            return Ok(ExitCode::FAILURE);
        }
        Ca::Distrust { authority, yes: true } => {
            let path = format!("/api/v1/authorities/{}/distrust", segment(&authority));
            let done = client.act(Method::POST, &path).await;
            let all: Vec<AuthorityRecord> =
                done.map_err(|error| Failure::advise(error, Code::Conflict, STILL_SIGNS))?;
            context.output.show(&all, |all| table(all))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Devices that are counted; more are `at least`.
const MAX_COUNTED: usize = 10_000;

/// Devices that are named.
const MAX_NAMED: usize = 5;

#[derive(Deserialize)]
struct Reached {
    devices: Vec<Named>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The devices that nobody but `authority` lets in, the first of them.
pub(super) async fn reached(authority: &str, client: &Client) -> anyhow::Result<Vec<String>> {
    let (mut names, mut after) = (Vec::new(), None);
    while names.len() < MAX_COUNTED {
        let query = [("authority", Some(authority.to_owned())), ("after", after), ("limit", Some("1000".to_owned()))];
        let page: Reached = client.list("/api/v1/devices", &query).await?;
        names.extend(page.devices.into_iter().map(|device| device.name));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(names)
}

/// How many were [`reached`]; who stops asking does not know them all.
pub(super) fn counted(reached: &[String]) -> String {
    let count = reached.len();
    if count < MAX_COUNTED { count.to_string() } else { format!("at least {count}") }
}

fn foretold(authority: &str, cut_off: &[String]) -> String {
    const DO_IT: &str = "nothing was done: say --yes to distrust it, for good";
    if cut_off.is_empty() {
        return format!("no device depends on {authority}\n{DO_IT}");
    }
    let named = cut_off.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = if cut_off.len() > MAX_NAMED { ", …" } else { "" };
    format!(
        "cut off would be {}: {named}{more}\n`andon devices list --authority {authority}` lists them, \
         `andon devices rotate` gives them other certificates\n{DO_IT}",
        counted(cut_off)
    )
}

/// Every certificate, those that are distrusted too.
fn everything(all: &[AuthorityRecord]) -> String {
    let cross = all.iter().filter_map(|known| known.cross.as_ref()).map(|cross| cross.certificate.as_str());
    all.iter().map(|known| known.certificate.as_str()).chain(cross).collect()
}

fn table(all: &[AuthorityRecord]) -> Grid {
    let header = ["authority", "made", "ends", "retired", "distrusted", "vouched for by"];
    let mut grid = Grid::new(header, "no authorities");
    for known in all {
        grid.row([
            known.name.as_str().into(),
            utc_time(known.created).into(),
            utc_time(known.not_after).into(),
            known.retired.map(utc_time).unwrap_or_default().into(),
            known.distrusted.map(utc_time).unwrap_or_default().into(),
            known.cross.as_ref().map(|cross| cross.by.clone()).unwrap_or_default().into(),
        ]);
    }
    grid
}
