//! `andon devices claims`: shared identities that may only ask for the certificates of the devices on their list.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_model::Timestamp;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::definitions::{Page, Shelf};
use crate::client::Client;
use crate::output::{Failure, Output};
use crate::scenario::local;

/// Store, list, show and delete claims
#[derive(Debug, Subcommand)]
pub(crate) enum Claims {
    /// List claims
    List(Page),
    /// Show a claim
    Show {
        /// Id of its client
        client: String,
    },
    /// Store the claim of a client; one that it had is replaced
    Put(Put),
    /// Delete a claim; its client may onboard nothing more
    Delete {
        /// Id of its client
        client: String,
    },
}

/// The claim to store.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// Id of the client that makes use of it; it has the scope andon/claim
    client: String,
    /// A device that it may onboard; `*` and `?` stand for other characters; may be repeated
    #[arg(long = "allow", value_name = "NAME")]
    allow: Vec<String>,
    /// A file with one such name in a line
    #[arg(long, value_name = "FILE")]
    allow_file: Option<PathBuf>,
    /// A profile that may be asked for; the only one is that of every device; may be repeated
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// A group that every device of the claim joins; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// The name of an attribute that may be asked for; may be repeated
    #[arg(long = "attribute", value_name = "NAME")]
    attributes: Vec<String>,
    /// When it ends, as in 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// An address that is asked about each device
    #[arg(long, value_name = "URL")]
    hook: Option<String>,
    /// The name of the stored secret that signs what the hook is asked
    #[arg(long, value_name = "SECRET", requires = "hook")]
    hook_secret: Option<String>,
    /// Seconds that the hook has to answer, 1 to 20
    #[arg(long, value_name = "SECONDS", requires = "hook", default_value_t = 5)]
    hook_timeout: u8,
}

impl Put {
    fn to_json(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        body.insert("allow".to_owned(), json!(self.names()?));
        body.insert("profiles".to_owned(), json!(self.profiles));
        body.insert("groups".to_owned(), json!(self.groups));
        body.insert("attributes".to_owned(), json!(self.attributes));
        body.extend(self.expires.map(|ends| ("expires".to_owned(), json!(ends))));
        if let Some(url) = &self.hook {
            let mut hook = json!({ "url": url, "timeout_seconds": self.hook_timeout });
            if let Some(secret) = &self.hook_secret {
                hook["secret"] = json!(secret);
            }
            body.insert("hook".to_owned(), hook);
        }
        Ok(Value::Object(body))
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names = self.allow.clone();
        if let Some(file) = &self.allow_file {
            let text = std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
            names.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        }
        Ok(names)
    }
}

pub(super) async fn run(claims: Claims, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
    match claims {
        Claims::List(page) => Shelf::Claims.list(&page, client, output).await?,
        Claims::Show { client: id } => Shelf::Claims.show(&id, client, output).await?,
        Claims::Put(put) => Shelf::Claims.put(&put.client, &put.to_json()?, client, output).await?,
        Claims::Delete { client: id } => Shelf::Claims.delete(&id, client, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}
