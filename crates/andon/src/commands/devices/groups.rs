//! `andon devices groups`: devices that belong together.

use std::process::ExitCode;

use andon_devices::DeviceName;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::definitions::{Page, Shelf};
use crate::client::Client;
use crate::output::Output;

/// Store, list, show and delete groups, and put devices into them
#[derive(Debug, Subcommand)]
pub(crate) enum Groups {
    /// List groups; their devices are listed by `andon devices list --label group:<name>`
    List(Page),
    /// Show a group
    Show {
        /// Its name
        name: String,
    },
    /// Store a group; one of the same name is replaced
    Put(Put),
    /// Delete a group that no device has
    Delete {
        /// Its name
        name: String,
    },
    /// Put devices into a group
    Add(Members),
    /// Take devices out of a group
    Remove(Members),
}

/// The group to store.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// Its name
    name: String,
    /// What it is, for people
    #[arg(long, default_value = "")]
    description: String,
    /// A policy that all of its devices have; may be repeated
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<String>,
}

/// A group and devices.
#[derive(Debug, Args)]
pub(crate) struct Members {
    /// Name of the group
    name: String,
    /// Names of the devices
    #[arg(required = true)]
    devices: Vec<DeviceName>,
}

pub(super) async fn run(groups: Groups, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
    match groups {
        Groups::List(page) => Shelf::Groups.list(&page, client, output).await?,
        Groups::Show { name } => Shelf::Groups.show(&name, client, output).await?,
        Groups::Put(put) => {
            let body = json!({ "description": put.description, "policies": put.policies });
            Shelf::Groups.put(&put.name, &body, client, output).await?;
        }
        Groups::Delete { name } => Shelf::Groups.delete(&name, client, output).await?,
        Groups::Add(members) => change(&members, "join", client, output).await?,
        Groups::Remove(members) => change(&members, "leave", client, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One device after the other; what was done stays done when one is not there.
async fn change(members: &Members, verb: &str, client: &Client, output: Output) -> anyhow::Result<()> {
    for device in &members.devices {
        let body = json!({ verb: [members.name] });
        let _: Value = client.submit(Method::PUT, &super::path(device, ""), &body).await?;
    }
    let (count, name) = (members.devices.len(), &members.name);
    let word = if verb == "join" { "into" } else { "out of" };
    output.say(&json!({ "group": name, verb: members.devices }), |_| format!("{count} devices put {word} {name}"))
}
