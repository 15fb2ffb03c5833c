//! `andon devices rotate`: the next certificate of a device.
//!
//! **Life of a rotation.** With `--out` the next key is written into the folder first, then its signing request goes to the
//! server, and the certificate follows the key into the folder. Killed anywhere, the same command finds the key again: where
//! the server has its certificate already, that is handed over, and nothing is rotated a second time. A folder that holds
//! the key in use is refused, so that neither key is lost.

use std::path::{Path, PathBuf};

use andon_devices::pki::SigningRequest;
use andon_devices::{Certificate, CertificateStatus, Device, DeviceName};
use andon_model::{Code, Timestamp};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::bundle::{self, KeyPlace};
use super::{DeviceView, csr, keys, path, refuse_taken};
use crate::client::Client;
use crate::commands::Context;
use crate::output::{Failure, utc_time};
use crate::scenario::local;

/// The device whose certificate is rotated.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its name
    device: DeviceName,
    /// Its signing request in PEM, when it has made its next key itself
    #[arg(long, value_name = "FILE", conflicts_with = "server_key")]
    csr: Option<PathBuf>,
    /// Let the server make the key and hand it over once, instead of making it here
    #[arg(long)]
    server_key: bool,
    /// Write key, certificate and root into this folder, another than that of the key in use
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Let a device in again that is REVOKED or INACTIVE
    #[arg(long)]
    reinstate: bool,
}

impl Rotate {
    /// What is asked of the server.
    fn body(&self, csr: Option<&str>) -> Value {
        json!({ "csr": csr, "reinstate": self.reinstate })
    }
}

pub(super) async fn run(wanted: &Rotate, client: &Client, context: &Context) -> anyhow::Result<()> {
    let folder = wanted.out.as_deref();
    if let Some(folder) = folder.filter(|_| wanted.csr.is_none() && !wanted.server_key) {
        let (view, key) = with_own_key(wanted, folder, client).await?;
        return tell(&view, Some(folder), KeyPlace::File(&key), client, context).await;
    }
    if wanted.csr.is_none() {
        refuse_taken(&wanted.device, folder)?;
    }
    let request = csr(wanted.csr.as_ref())?;
    let place = request.as_ref().map_or(KeyPlace::Server, |(_, key)| KeyPlace::Device(key.clone()));
    let body = wanted.body(request.as_ref().map(|(pem, _)| pem.as_str()));
    let view: DeviceView = client.submit(Method::POST, &path(&wanted.device, "/rotate"), &body).await?;
    tell(&view, folder, place, client, context).await
}

/// Rotates to the key in the folder, which is made if it is not there yet; the device, and the file with its next key.
async fn with_own_key(wanted: &Rotate, folder: &Path, client: &Client) -> anyhow::Result<(DeviceView, PathBuf)> {
    let name = &wanted.device;
    let view: DeviceView = client.get(&path(name, "")).await?;
    let file = bundle::file_of(folder, name, "key");
    let kind = match &view.device.profile {
        Some(profile) => keys::kind_of(profile, client).await?.unwrap_or_default(),
        None => andon_devices::pki::KeyKind::default(),
    };
    keys::prepare_folder(folder)?;
    let (key, _) = keys::of_file(&file, kind)?;
    keys::sync_folder(folder)?;
    let public = key.public().map_err(|error| local(&file, error.to_string()))?.to_der();
    match bundle::certified(&view.device, &public).map(|known| is_successor(&view.device, known)) {
        Some(true) => return Ok((view, file)),
        Some(false) => return Err(in_use(&file).into()),
        None => {}
    }
    let request = SigningRequest::of(&key).map_err(|error| local(&file, error.to_string()))?;
    let rotated = client.submit(Method::POST, &path(name, "/rotate"), &wanted.body(Some(&request))).await?;
    Ok((rotated, file))
}

/// Whether another certificate retires in favour of this one: it is the outcome of a rotation whose overlap lasts.
fn is_successor(device: &Device, certificate: &Certificate) -> bool {
    certificate.retires.is_none() && former(device).is_some()
}

fn in_use(file: &Path) -> Failure {
    let detail = "this key is the one in use; a rotation takes another, and writes it beside neither";
    Failure::new(Code::CertificateState, detail)
        .at(file.display().to_string())
        .remedy("name another folder by --out, so that neither key is lost")
}

/// When the last of the former certificates is refused.
fn former(device: &Device) -> Option<Timestamp> {
    let active = device.certificates.iter().filter(|known| known.status == CertificateStatus::Active);
    active.filter_map(|known| known.retires).max()
}

async fn tell(
    view: &DeviceView,
    folder: Option<&Path>,
    place: KeyPlace<'_>,
    client: &Client,
    context: &Context,
) -> anyhow::Result<()> {
    let former = match former(&view.device) {
        Some(at) => format!("the former certificate is accepted until {}", utc_time(at)),
        None => "the former certificate is not accepted any more".to_owned(),
    };
    let told = format!("device {} is rotated; {former}", view.device.name);
    bundle::hand_over(view, &told, folder, place, client, context).await
}
