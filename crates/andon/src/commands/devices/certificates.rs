//! `andon devices deactivate` and `activate`: certificates out of use, and back.

use andon_devices::{Certificate, CertificateId, CertificateStatus, DeviceName};
use andon_model::Code;
use clap::Args;
use reqwest::Method;

use super::{DeviceView, path};
use crate::client::Client;
use crate::output::{Failure, Output};

/// Which certificates of a device.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Name of the device
    device: DeviceName,
    /// Fingerprint of one certificate; all that can be changed when left out
    #[arg(long)]
    certificate: Option<CertificateId>,
}

pub(super) async fn deactivate(chosen: &Chosen, client: &Client, output: Output) -> anyhow::Result<()> {
    turn(chosen, "deactivate", CertificateStatus::Active, client, output).await
}

pub(super) async fn activate(chosen: &Chosen, client: &Client, output: Output) -> anyhow::Result<()> {
    turn(chosen, "activate", CertificateStatus::Inactive, client, output).await
}

/// One certificate after the other; those that are `from` when none is named.
async fn turn(
    chosen: &Chosen,
    verb: &str,
    from: CertificateStatus,
    client: &Client,
    output: Output,
) -> anyhow::Result<()> {
    let device = &chosen.device;
    let mut ids: Vec<CertificateId> = chosen.certificate.iter().cloned().collect();
    if ids.is_empty() {
        let view: DeviceView = client.get(&path(device, "")).await?;
        let fitting = view.device.certificates.into_iter().filter(|known: &Certificate| known.status == from);
        ids.extend(fitting.map(|known| known.id));
    }
    let mut turned = None;
    for id in &ids {
        let address = path(device, &format!("/certificates/{id}/{verb}"));
        turned = Some(client.act::<DeviceView>(Method::POST, &address).await?);
    }
    let none = || Failure::new(Code::CertificateState, format!("no certificate of {device} is {from}"));
    output.say(&turned.ok_or_else(none)?, |view| format!("device {device} is {}", view.status))
}
