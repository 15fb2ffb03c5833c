//! `andon devices onboard`: the key is made on this machine, and only a signing request travels.
//!
//! **Life of an onboarding.** With `--out` the key is written into the folder first, for its owner alone. Then the request
//! goes to the server; certificate and root follow the key into the folder. Killed anywhere, the same command finds the key
//! again and comes to the same device. Without a folder there is nowhere to keep a key: the server makes one and hands it
//! over once, unless there is a signing request or a key already.

use std::path::{Path, PathBuf};

use andon_devices::DeviceName;
use andon_devices::pki::{KeyKind, SigningRequest};
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{DeviceView, bundle, csr, keys, letters, pair, refuse_taken};
use crate::client::Client;
use crate::commands::Context;
use crate::scenario::local;

/// The device to onboard.
#[derive(Debug, Args)]
pub(crate) struct Onboard {
    /// Its name: a-z A-Z 0-9 : _ -
    device: DeviceName,
    /// Its signing request in PEM, when it has made its key itself
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "server_key"])]
    csr: Option<PathBuf>,
    /// Its private key in PEM (PKCS #8); it is read here and does not leave this machine
    #[arg(long, value_name = "FILE", conflicts_with = "server_key")]
    key: Option<PathBuf>,
    /// Let the server make the key and hand it over once, instead of making it here
    #[arg(long)]
    server_key: bool,
    /// Its profile
    #[arg(long)]
    profile: Option<String>,
    /// A group that it joins; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// An attribute, as in `plant=1710`; may be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// A device that this gateway speaks for; may be repeated
    #[arg(long = "speaks-for", value_name = "DEVICE")]
    on_behalf_of: Vec<DeviceName>,
    /// Write key, certificate and root into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    mailing: letters::Mailing,
}

pub(super) async fn run(wanted: &Onboard, client: &Client, context: &Context) -> anyhow::Result<()> {
    let mut body = Map::new();
    body.insert("device".to_owned(), json!(wanted.device));
    body.insert("groups".to_owned(), json!(wanted.groups));
    body.insert("on_behalf_of".to_owned(), json!(wanted.on_behalf_of));
    let attributes: Map<String, Value> = wanted.attributes.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    body.insert("attributes".to_owned(), Value::Object(attributes));
    if let Some(profile) = &wanted.profile {
        body.insert("profile".to_owned(), json!(profile));
    }
    body.extend(csr(wanted.csr.as_ref())?);
    if wanted.server_key {
        refuse_taken(&wanted.device, None, wanted.out.as_deref())?;
    }
    let key_file = key_file(wanted)?;
    if let Some(file) = &key_file {
        body.insert("csr".to_owned(), json!(request_for(file)?));
    }
    let view: DeviceView = client.submit(Method::POST, "/api/v1/devices", &body).await?;
    bundle::hand_over(&view, wanted.out.as_deref(), key_file.as_deref(), client, context).await?;
    letters::write(&wanted.mailing, wanted.device.as_str(), client, context.output).await
}

/// The file with the device's key, if that is on this machine: the one that is named, or one in the bundle, which is made
/// if it is not there yet.
fn key_file(wanted: &Onboard) -> anyhow::Result<Option<PathBuf>> {
    match (&wanted.key, &wanted.out) {
        (Some(file), _) => Ok(Some(file.clone())),
        (None, Some(folder)) if wanted.csr.is_none() && !wanted.server_key => {
            let file = bundle::file_of(folder, &wanted.device, "key");
            keys::prepare_folder(folder)?;
            keys::of_file(&file, KeyKind::default())?;
            keys::sync_folder(folder)?;
            Ok(Some(file))
        }
        _ => Ok(None),
    }
}

fn request_for(file: &Path) -> anyhow::Result<String> {
    Ok(SigningRequest::of(&keys::read(file)?).map_err(|error| local(file, error.to_string()))?)
}
