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
    /// Fingerprint of one certificate, or how it begins; all that can be changed when left out
    #[arg(long)]
    certificate: Option<String>,
}

pub(super) async fn deactivate(chosen: &Chosen, client: &Client, output: Output) -> anyhow::Result<()> {
    turn(chosen, "deactivate", CertificateStatus::Active, client, output).await
}

pub(super) async fn activate(chosen: &Chosen, client: &Client, output: Output) -> anyhow::Result<()> {
    turn(chosen, "activate", CertificateStatus::Inactive, client, output).await
}

/// The only certificate whose fingerprint begins so.
pub(super) fn named(begin: &str, certificates: &[Certificate]) -> Result<CertificateId, Failure> {
    let mut fitting = certificates.iter().filter(|known| known.id.as_str().starts_with(begin));
    let refuse = |why: &str| {
        let failure = Failure::new(Code::NotFound, format!("{why} whose fingerprint begins with {begin:?}"));
        failure
            .at("--certificate")
            .remedy("`andon devices show` has the fingerprints; give as much of one as is needed")
    };
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.id.clone()),
        (Some(_), Some(_)) => Err(refuse("there are several certificates")),
        (None, _) => Err(refuse("the device has no certificate")),
    }
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
    let certificates = client.get::<DeviceView>(&path(device, "")).await?.device.certificates;
    let ids: Vec<CertificateId> = match &chosen.certificate {
        Some(begin) => vec![named(begin, &certificates)?],
        None => certificates.into_iter().filter(|known| known.status == from).map(|known| known.id).collect(),
    };
    let mut turned = None;
    for id in &ids {
        let address = path(device, &format!("/certificates/{id}/{verb}"));
        turned = Some(client.act::<DeviceView>(Method::POST, &address).await?);
    }
    let none = || Failure::new(Code::CertificateState, format!("no certificate of {device} is {from}"));
    output.say(&turned.ok_or_else(none)?, |view| format!("device {device} is {}", view.status))
}
