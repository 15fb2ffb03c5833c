//! `andon secret`: values come from standard input, a file or the environment, never from an argument.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use andon_model::{Code, Name, Timestamp};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::segment;
use crate::commands::Context;
use crate::output::{Failure, Grid, utc_time};
use crate::scenario::local;

/// Largest secret.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Store, list and delete secrets
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Store or replace a secret; its value is read from standard input
    Set(Set),
    /// List names; values are never shown again
    List,
    /// Delete a secret
    Delete {
        /// Its name
        name: Name,
    },
}

/// What to store.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Name by which destinations and sources refer to it
    name: Name,
    /// Read the value from this environment variable
    #[arg(long, value_name = "VARIABLE", conflicts_with = "from_file")]
    from_env: Option<String>,
    /// Read the value from this file; a line end at its end does not belong to it
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
}

/// `GET /api/v1/secrets`, one row.
#[derive(Debug, Serialize, Deserialize)]
struct SecretRow {
    name: Name,
    updated_at: Timestamp,
}

pub(crate) async fn run(secret: Secret, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match secret {
        Secret::Set(set) => {
            let path = format!("/api/v1/secrets/{}", segment(set.name.as_str()));
            let _: Value = client.submit(Method::PUT, &path, &json!({ "value": value(&set)? })).await?;
            context.output.say(&json!({ "stored": set.name }), |_| format!("secret {} is stored", set.name))?;
        }
        Secret::List => {
            let rows: Vec<SecretRow> = client.get("/api/v1/secrets").await?;
            context.output.show(&rows, |rows| table(rows))?;
        }
        Secret::Delete { name } => {
            let path = format!("/api/v1/secrets/{}", segment(name.as_str()));
            let _: Value = client.act(Method::DELETE, &path).await?;
            context.output.say(&json!({ "deleted": name }), |_| format!("secret {name} is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn value(set: &Set) -> Result<String, Failure> {
    let text = match (&set.from_env, &set.from_file) {
        (Some(variable), _) => std::env::var(variable)
            .map_err(|error| Failure::new(Code::MissingSecret, error.to_string()).at(variable))?,
        (None, Some(file)) => std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?,
        (None, None) => standard_input()?,
    };
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    if text.is_empty() {
        let failure = Failure::new(Code::BadRequest, "the value is empty");
        return Err(failure.remedy("pipe it in, or name it by --from-file or --from-env"));
    }
    Ok(text)
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(MAX_SECRET_BYTES);
    input.read_to_string(&mut text).map_err(|error| Failure::new(Code::LocalFile, error.to_string()))?;
    Ok(text)
}

fn table(rows: &[SecretRow]) -> Grid {
    let mut grid = Grid::new(["secret", "last changed"], "no secrets");
    for row in rows {
        grid.row([(&row.name).into(), utc_time(row.updated_at).into()]);
    }
    grid
}
