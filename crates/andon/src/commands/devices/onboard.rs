//! `andon devices onboard`: the key is made on this machine, and only a signing request travels.
//!
//! **Life of an onboarding.** With `--out` the key is written into the folder first, for its owner alone. Then the request
//! goes to the server; certificate and root follow the key into the folder. Killed anywhere, the same command finds the key
//! again and comes to the same device. Without a folder there is nowhere to keep a key: the server makes one and hands it
//! over once, unless there is a signing request or a key already.

use std::path::PathBuf;

use andon_devices::pki::KeyKind;
use andon_devices::{Device, DeviceName, ProfileName};
use andon_model::Code;
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::bundle::{self, KeyPlace};
use super::{DeviceView, csr, keys, letters, pair, refuse_taken};
use crate::client::Client;
use crate::commands::Context;
use crate::output::Failure;

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
    profile: Option<ProfileName>,
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

impl Onboard {
    /// What is asked for, beside the key.
    fn to_json(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("device".to_owned(), json!(self.device));
        body.insert("groups".to_owned(), json!(self.groups));
        body.insert("speaks_for".to_owned(), json!(self.on_behalf_of));
        let attributes: Map<String, Value> = self.attributes.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        body.insert("attributes".to_owned(), Value::Object(attributes));
        body.extend(self.profile.as_ref().map(|profile| ("profile".to_owned(), json!(profile))));
        body
    }
}

pub(super) async fn run(wanted: &Onboard, client: &Client, context: &Context) -> anyhow::Result<()> {
    let letter = letters::check(&wanted.mailing, wanted.device.as_str(), client).await?;
    let mut body = wanted.to_json();
    if wanted.server_key {
        refuse_taken(&wanted.device, wanted.out.as_deref())?;
    }
    let theirs = csr(wanted.csr.as_ref())?;
    let key_file = key_file(wanted, client).await?;
    let (request, place) = match (&key_file, theirs) {
        (Some(file), _) => (Some(keys::request_for(file)?), KeyPlace::File(file)),
        (None, Some((pem, key))) => (Some(pem), KeyPlace::Device(key)),
        (None, None) => (None, KeyPlace::Server),
    };
    body.extend(request.map(|pem| ("csr".to_owned(), json!(pem))));
    let view: DeviceView = client.submit(Method::POST, "/api/v1/devices", &body).await?;
    if !view.differs.is_empty() {
        return Err(stays(&view).into());
    }
    bundle::hand_over(&view, &told(&view, &place), wanted.out.as_deref(), place, client, context).await?;
    match letter {
        Some(letter) => letters::write(&letter, client, context.output).await,
        None => Ok(()),
    }
}

/// What came of it, in a sentence.
fn told(view: &DeviceView, place: &KeyPlace<'_>) -> String {
    let name = &view.device.name;
    match (view.outcome.as_deref() == Some("unchanged"), place) {
        (false, _) => format!("device {name} is onboarded"),
        (true, KeyPlace::Server) => format!(
            "device {name} was there already; its key was shown once and is not shown again, \
             `andon devices rotate {name}` gives it another"
        ),
        (true, _) => format!("device {name} was there already"),
    }
}

/// The device was there, and is not what was asked for.
fn stays(view: &DeviceView) -> Failure {
    let stay: Vec<String> = view.differs.iter().map(|what| present(what, &view.device)).collect();
    let detail = format!("{} was there already and was not changed: {}", view.device.name, stay.join("; "));
    Failure::new(Code::Onboarding, detail).remedy("change it by `andon devices change`, or onboard it as it is")
}

/// What it has, of something that was asked for otherwise.
fn present(what: &str, device: &Device) -> String {
    let names = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(" ") };
    let attribute = |(name, value): (&str, &str)| format!("{name}={value}");
    match what {
        "profile" => format!("its profile stays {}", names(device.profile.iter().map(ToString::to_string).collect())),
        "groups" => format!("its groups stay {}", names(device.groups.iter().map(ToString::to_string).collect())),
        "attributes" => format!("its attributes stay {}", names(device.attributes.iter().map(attribute).collect())),
        "speaks_for" => {
            format!("it speaks for {}", names(device.on_behalf_of.iter().map(ToString::to_string).collect()))
        }
        other => format!("its {other} stays"),
    }
}

/// The file with the device's key, if that is on this machine: the one that is named, or one in the bundle, which is made
/// if it is not there yet.
async fn key_file(wanted: &Onboard, client: &Client) -> anyhow::Result<Option<PathBuf>> {
    match (&wanted.key, &wanted.out) {
        (Some(file), _) => Ok(Some(file.clone())),
        (None, Some(folder)) if wanted.csr.is_none() && !wanted.server_key => {
            let kind = kind(wanted.profile.as_ref(), client).await?;
            let file = bundle::file_of(folder, &wanted.device, "key");
            keys::prepare_folder(folder)?;
            keys::of_file(&file, kind)?;
            keys::sync_folder(folder)?;
            Ok(Some(file))
        }
        _ => Ok(None),
    }
}

/// The kind of key that is made here. Without its profile none is made: a key of another kind would stay in the folder.
async fn kind(profile: Option<&ProfileName>, client: &Client) -> anyhow::Result<KeyKind> {
    let Some(profile) = profile else { return Ok(KeyKind::default()) };
    let none = || {
        let failure = Failure::new(Code::DeviceValue, format!("there is no profile {profile}"));
        failure.remedy("store it first: `andon devices profiles put NAME FILE`")
    };
    Ok(keys::kind_of(profile, client).await?.ok_or_else(none)?)
}

#[cfg(test)]
mod tests {
    use andon_devices::DeviceId;
    use andon_model::Timestamp;

    use super::*;

    #[test]
    fn what_stays_is_named() {
        let mut device = Device::new(DeviceId::from_bits(1), "pump-01".parse().unwrap(), Timestamp::from_micros(0));
        let check = |device: &Device, what: &str, expect: &str| assert_eq!(present(what, device), expect);
        check(&device, "profile", "its profile stays none");
        check(&device, "speaks_for", "it speaks for none");
        device.profile = Some(ProfileName::new("s1").unwrap());
        device.attributes = device.attributes.merged(&[("plant".to_owned(), "1710".to_owned())].into()).unwrap();
        check(&device, "profile", "its profile stays s1");
        check(&device, "attributes", "its attributes stay plant=1710");
    }
}
