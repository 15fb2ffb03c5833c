//! `andon devices change`: what a device is.

use andon_devices::DeviceName;
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{DeviceView, facts, path};
use crate::client::Client;
use crate::output::Output;

/// What is to change; what is left out stays.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Name of the device
    device: DeviceName,
    /// Another profile
    #[arg(long)]
    profile: Option<String>,
    /// A group to join; may be repeated
    #[arg(long = "join", value_name = "GROUP")]
    join: Vec<String>,
    /// A group to leave; may be repeated
    #[arg(long = "leave", value_name = "GROUP")]
    leave: Vec<String>,
    /// A policy; all of them are named, and replace those that it has; may be repeated
    #[arg(long = "policy", value_name = "POLICY", conflicts_with = "no_policies")]
    policies: Vec<String>,
    /// No policy of its own any more
    #[arg(long)]
    no_policies: bool,
    /// An attribute, as in `plant=1710`; `plant=` removes it; may be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = super::pair)]
    attributes: Vec<(String, String)>,
    /// A device that this gateway speaks for; all of them are named; may be repeated
    #[arg(long = "speaks-for", value_name = "DEVICE", conflicts_with = "no_speaking")]
    on_behalf_of: Vec<DeviceName>,
    /// Speaks for no other device any more
    #[arg(long)]
    no_speaking: bool,
}

impl Change {
    fn to_json(&self) -> Value {
        let attributes: Map<String, Value> = self.attributes.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        let mut body = json!({ "join": self.join, "leave": self.leave, "attributes": attributes });
        if let Some(profile) = &self.profile {
            body["profile"] = json!(profile);
        }
        if self.no_policies || !self.policies.is_empty() {
            body["policies"] = json!(self.policies);
        }
        if self.no_speaking || !self.on_behalf_of.is_empty() {
            body["speaks_for"] = json!(self.on_behalf_of);
        }
        body
    }
}

pub(super) async fn run(change: &Change, client: &Client, output: Output) -> anyhow::Result<()> {
    let view: DeviceView = client.submit(Method::PUT, &path(&change.device, ""), &change.to_json()).await?;
    output.show(&view, facts)
}
