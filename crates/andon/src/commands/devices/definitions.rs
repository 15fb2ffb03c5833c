//! `andon devices profiles|policies|groups|claims`: what devices are made by, each by its name.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_model::Code;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::columns;
use crate::client::{Client, segment};
use crate::output::{Failure, Grid, Output};
use crate::scenario::local;

/// Show, list, store and delete what is given as a file
#[derive(Debug, Subcommand)]
pub(crate) enum Filed {
    /// List them
    List(Page),
    /// Show one, as it is stored
    Show {
        /// Its name
        name: String,
    },
    /// Store one; one of the same name is replaced
    Put {
        /// Its name
        name: String,
        /// What it is: a file in JSON, or in TOML if it ends so
        file: PathBuf,
    },
    /// Delete one
    Delete {
        /// Its name
        name: String,
    },
}

/// Which page of a list.
#[derive(Debug, Args)]
pub(crate) struct Page {
    /// Only names after this one
    #[arg(long)]
    after: Option<String>,
    /// Most rows, 1 to 1,000
    #[arg(long, default_value_t = 100)]
    pub(super) limit: usize,
}

impl Page {
    pub(super) fn query(&self) -> [(&'static str, Option<String>); 2] {
        [("after", self.after.clone()), ("limit", Some(self.limit.to_string()))]
    }
}

/// What to do about what cannot be deleted.
const IN_USE: &str = "take it from those that the detail names: `andon devices groups remove`, `andon devices change`, or \
                      `put` what names it anew without it";

/// What to do about a file that cannot be read.
const CORRECT_IT: &str = "correct the file at the place named; it is JSON, or TOML if its name ends in .toml";

/// One of the four kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    Profiles,
    Policies,
    Groups,
    Claims,
}

impl Shelf {
    /// Its part of the address.
    fn word(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Policies => "policies",
            Self::Groups => "groups",
            Self::Claims => "claims",
        }
    }

    /// The member that names one.
    fn name_member(self) -> &'static str {
        if self == Self::Claims { "client" } else { "name" }
    }

    fn path(self, name: &str) -> String {
        format!("/api/v1/device-rules/{}/{}", self.word(), segment(name))
    }

    pub(super) async fn list(self, page: &Page, client: &Client, output: Output) -> anyhow::Result<()> {
        let all: Vec<Value> = client.list(&format!("/api/v1/device-rules/{}", self.word()), &page.query()).await?;
        output.show(&all, |all| columns::table(self, all))?;
        match all.last().filter(|_| all.len() == page.limit) {
            Some(last) => output.note(&format!("there may be more: --after {}", self.name_of(last))),
            None => Ok(()),
        }
    }

    pub(super) async fn show(self, name: &str, client: &Client, output: Output) -> anyhow::Result<()> {
        let found: Value = client.get(&self.path(name)).await?;
        match found["document"].as_str().filter(|_| self == Self::Policies && !output.is_json()) {
            Some(document) => output.note(&laid_out(document)),
            None => output.show(&found, pairs),
        }
    }

    /// Stores it, and says what is to be known about it.
    pub(super) async fn put(self, name: &str, body: &Value, client: &Client, output: Output) -> anyhow::Result<()> {
        let stored: Value = client.submit(Method::PUT, &self.path(name), body).await?;
        output.say(&stored, |_| format!("{name} is stored"))?;
        for warning in stored["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            output.note(warning)?;
        }
        Ok(())
    }

    pub(super) async fn delete(self, name: &str, client: &Client, output: Output) -> anyhow::Result<()> {
        let deleted = client.act(Method::DELETE, &self.path(name)).await;
        let _: Value = deleted.map_err(|error| Failure::advise(error, Code::Conflict, IN_USE))?;
        output.say(&json!({ "deleted": name }), |_| format!("{name} is deleted"))
    }

    fn name_of(self, one: &Value) -> String {
        one[self.name_member()].as_str().unwrap_or_default().to_owned()
    }
}

pub(super) async fn run(shelf: Shelf, filed: Filed, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
    match filed {
        Filed::List(page) => shelf.list(&page, client, output).await?,
        Filed::Show { name } => shelf.show(&name, client, output).await?,
        Filed::Put { name, file } => shelf.put(&name, &body_of(shelf, &file)?, client, output).await?,
        Filed::Delete { name } => shelf.delete(&name, client, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A policy's file is its document, as AWS IoT Core writes it; the server wants it whole.
fn body_of(shelf: Shelf, file: &PathBuf) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
    let is_toml = file.extension().is_some_and(|extension| extension == "toml");
    let body: Value = if is_toml {
        toml::from_str(&text).map_err(|error| local(file, error.to_string()).remedy(CORRECT_IT))?
    } else {
        serde_json::from_str(&text).map_err(|error| local(file, error.to_string()).remedy(CORRECT_IT))?
    };
    let is_bare = shelf == Shelf::Policies && body.get("document").is_none();
    Ok(if is_bare { json!({ "document": text_of(is_toml, text, &body) }) } else { body })
}

fn text_of(is_toml: bool, text: String, body: &Value) -> String {
    if is_toml { body.to_string() } else { text }
}

/// A document of JSON with a line for each member; as it is if it cannot be read.
fn laid_out(document: &str) -> String {
    let read = serde_json::from_str::<Value>(document).and_then(|value| serde_json::to_string_pretty(&value));
    read.unwrap_or_else(|_| document.to_owned())
}

fn pairs(found: &Value) -> Grid {
    let mut grid = Grid::pairs();
    for (name, value) in found.as_object().unwrap_or(&Map::new()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        grid.pair(name, text);
    }
    grid
}
