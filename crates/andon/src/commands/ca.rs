//! `andon ca`: the certificate authority of devices.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_devices::registry::{AuthorityRecord, AuthorityRole};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::commands::Context;
use crate::output::{Grid, utc_time};
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
}

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
    /// The issuing authorities too
    #[arg(long)]
    all: bool,
    /// Write into this file instead
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is replaced.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The root too; devices need the new one before servers use it
    #[arg(long)]
    root: bool,
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
            let all: Vec<AuthorityRecord> = client.submit(Method::POST, "/api/v1/authorities", &plan.to_json()).await?;
            context.output.show(&all, |all| table(all))?;
        }
        Ca::Export(export) => {
            let all: Vec<AuthorityRecord> = client.get("/api/v1/authorities").await?;
            let wanted = all.iter().filter(|known| export.all || known.role == AuthorityRole::Root);
            let text: String = wanted.map(|known| known.certificate.as_str()).collect();
            match &export.out {
                Some(file) => std::fs::write(file, text).map_err(|error| local(file, error.to_string()))?,
                None => crate::output::Output::bytes(text.as_bytes())?,
            }
        }
        Ca::Rotate(rotate) => {
            let mut body = rotate.plan.to_json();
            body.insert("root".to_owned(), json!(rotate.root));
            let all: Vec<AuthorityRecord> = client.submit(Method::POST, "/api/v1/authorities/rotate", &body).await?;
            context.output.show(&all, |all| table(all))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(all: &[AuthorityRecord]) -> Grid {
    let mut grid = Grid::new(["authority", "made", "ends", "retired"], "no authorities");
    for known in all {
        let retired = known.retired.map(utc_time).unwrap_or_default();
        grid.row([
            known.name.as_str().into(),
            utc_time(known.created).into(),
            utc_time(known.not_after).into(),
            retired.into(),
        ]);
    }
    grid
}
