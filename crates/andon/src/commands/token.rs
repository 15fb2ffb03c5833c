//! `andon token`: through the API of a running server, or in the data folder when none runs.

use std::process::ExitCode;
use std::time::Duration;

use andon_journal::{Role, TokenRow};
use andon_model::{Code, Name};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{TokenAnswer, segment};
use crate::commands::Context;
use crate::output::{Failure, Grid, utc_time};
use crate::wiring::tokens;

/// Create, list and delete API tokens
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create a token; it is shown this once
    ///
    /// Asks the running server, or writes into the data folder when no server runs.
    Create(Create),
    /// List tokens, without their texts
    List,
    /// Delete a token; whoever uses it is refused from now on
    Delete {
        /// Its name
        name: Name,
    },
}

/// The token to create.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Unique name
    name: Name,
    /// What it may do
    #[arg(long, value_enum)]
    role: RoleName,
    /// When it stops working, as in `90 days`; never when left out
    #[arg(long, value_name = "TIME", value_parser = span)]
    expires_in: Option<Duration>,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// Everything
    Admin,
    /// Reads; retries, resolves, cancels, replays
    Operator,
    /// Reads
    Viewer,
    /// Delivers events, nothing else
    Intake,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Operator => Self::Operator,
            RoleName::Viewer => Self::Viewer,
            RoleName::Intake => Self::Intake,
        }
    }
}

/// A span of time, read as in `andon.toml`.
fn span(text: &str) -> Result<Duration, String> {
    let deserializer = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
    humantime_serde::deserialize(deserializer).map_err(|error| error.to_string())
}

pub(crate) async fn run(token: Token, context: &Context) -> anyhow::Result<ExitCode> {
    match token {
        Token::Create(wanted) => create(&wanted, context).await?,
        Token::List => {
            let rows: Vec<TokenRow> = context.client()?.get("/api/v1/tokens").await?;
            context.output.show(&rows, |rows| table(rows))?;
        }
        Token::Delete { name } => {
            let path = format!("/api/v1/tokens/{}", segment(name.as_str()));
            let _: Value = context.client()?.act(Method::DELETE, &path).await?;
            context.output.say(&json!({ "deleted": name }), |_| format!("token {name} is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(wanted: &Create, context: &Context) -> anyhow::Result<()> {
    let answer = match by_api(wanted, context).await {
        Err(error) if is_unreachable(&error) => in_folder(wanted, context).await?,
        other => other?,
    };
    context.output.say(&answer, |answer| answer.token.clone())
}

async fn by_api(wanted: &Create, context: &Context) -> anyhow::Result<TokenAnswer> {
    let body = json!({
        "name": wanted.name,
        "role": Role::from(wanted.role),
        "expires_in_seconds": wanted.expires_in.map(|time| time.as_secs()),
    });
    context.client()?.submit(Method::POST, "/api/v1/tokens", &body).await
}

async fn in_folder(wanted: &Create, context: &Context) -> anyhow::Result<TokenAnswer> {
    let role = Role::from(wanted.role);
    let made = tokens::create_in_folder(&context.settings, &wanted.name, role, wanted.expires_in).await?;
    Ok(TokenAnswer { name: wanted.name.clone(), role, expires_at: made.expires_at, token: made.text.expose().into() })
}

fn is_unreachable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.problem.code == Code::ServerUnreachable)
}

fn table(rows: &[TokenRow]) -> Grid {
    let mut grid = Grid::new(["token", "role", "created", "expires"], "no tokens");
    for row in rows {
        let role = match row.role {
            Role::Admin => "admin",
            Role::Operator => "operator",
            Role::Viewer => "viewer",
            Role::Intake => "intake",
        };
        let expires = row.expires_at.map_or_else(|| "never".to_owned(), utc_time);
        grid.row([(&row.name).into(), role.into(), utc_time(row.created_at).into(), expires.into()]);
    }
    grid
}
