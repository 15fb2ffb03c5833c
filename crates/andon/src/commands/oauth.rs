//! `andon oauth`: clients that get access tokens.

use std::process::ExitCode;

use andon_devices::registry::KeyRecord;
use andon_model::Timestamp;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::output::{Grid, Output, utc_time};

/// Manage who gets access tokens
#[derive(Debug, Subcommand)]
pub(crate) enum Oauth {
    /// Make, list and delete token clients
    #[command(subcommand)]
    Clients(Clients),
    /// List and replace the keys that sign access tokens
    #[command(subcommand)]
    Keys(Keys),
}

/// List and replace the keys that sign access tokens
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List them; a retired one is there until its tokens have expired
    List,
    /// Replace the one that signs
    Rotate,
}

/// Make, list and delete token clients
#[derive(Debug, Subcommand)]
pub(crate) enum Clients {
    /// Make a client; its secret is shown this once
    Create(Create),
    /// List clients, without their secrets
    List {
        /// Only ids after this one
        #[arg(long)]
        after: Option<String>,
        /// Most rows
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Delete a client with its refresh tokens and its claim
    Delete {
        /// Its id
        id: String,
    },
    /// Make a refresh token for a client; it is shown this once
    RefreshToken {
        /// Id of the client
        id: String,
        /// On whose behalf
        #[arg(long)]
        subject: String,
    },
    /// List the refresh tokens of a client, without their texts
    Tokens {
        /// Id of the client
        id: String,
        /// Only ids after this one
        #[arg(long)]
        after: Option<String>,
        /// Most rows
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Revoke a refresh token of a client, and all that came from it
    RevokeToken {
        /// Id of the client
        id: String,
        /// Id of the refresh token, as `tokens` lists it: what stands before the dot of its text
        token: String,
    },
}

/// The client to make.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its id; a random one when left out
    #[arg(long)]
    id: Option<String>,
    /// What it is, for people
    #[arg(long, default_value = "")]
    name: String,
    /// A scope: andon/devices, andon/claim, andon/admin, andon/operator, andon/viewer, andon/intake; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// A grant: `client_credentials` or `refresh_token`; may be repeated
    #[arg(long = "grant", value_name = "GRANT", default_values_t = ["client_credentials".to_owned()])]
    grants: Vec<String>,
    /// Without a secret, for programs that cannot keep one; they may only refresh
    #[arg(long)]
    public: bool,
    /// Keep refresh tokens as they are instead of replacing them with each use
    #[arg(long)]
    keep_refresh_tokens: bool,
}

/// A client as the API shows it.
#[derive(Debug, Serialize, Deserialize)]
struct ClientView {
    id: String,
    #[serde(default)]
    name: String,
    grants: Vec<String>,
    scopes: String,
    public: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// `POST /api/v1/oauth/clients/{id}/refresh-tokens`
#[derive(Debug, Serialize, Deserialize)]
struct RefreshToken {
    id: String,
    refresh_token: String,
}

/// A refresh token without its text.
#[derive(Debug, Serialize, Deserialize)]
struct TokenView {
    id: String,
    subject: String,
    scopes: String,
    created: Timestamp,
    expires: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Timestamp>,
}

/// `GET /api/v1/oauth/clients/{id}/refresh-tokens`
#[derive(Debug, Serialize, Deserialize)]
struct TokenPage {
    tokens: Vec<TokenView>,
    next: Option<String>,
}

pub(crate) async fn run(oauth: Oauth, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match oauth {
        Oauth::Clients(clients) => run_clients(clients, &client, context.output).await?,
        Oauth::Keys(keys) => run_keys(&keys, &client, context.output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_keys(keys: &Keys, client: &Client, output: Output) -> anyhow::Result<()> {
    let all: Vec<KeyRecord> = match keys {
        Keys::List => client.get("/api/v1/oauth/keys").await?,
        Keys::Rotate => client.act(Method::POST, "/api/v1/oauth/keys/rotate").await?,
    };
    output.show(&all, |all| key_table(all))
}

async fn run_clients(clients: Clients, client: &Client, output: Output) -> anyhow::Result<()> {
    match clients {
        Clients::Create(wanted) => {
            let view: ClientView = client.submit(Method::POST, "/api/v1/oauth/clients", &wanted.to_json()).await?;
            let secret = |view: &ClientView| view.client_secret.clone().unwrap_or_default();
            output.say(&view, |view| format!("{} {}", view.id, secret(view)).trim_end().to_owned())?;
        }
        Clients::List { after, limit } => {
            let query = [("after", after), ("limit", Some(limit.to_string()))];
            let all: Vec<ClientView> = client.list("/api/v1/oauth/clients", &query).await?;
            output.show(&all, |all| table(all))?;
            if let Some(last) = all.last().filter(|_| all.len() == limit) {
                output.note(&format!("there may be more: --after {}", last.id))?;
            }
        }
        Clients::Delete { id } => {
            let path = format!("/api/v1/oauth/clients/{}", segment(&id));
            let _: Value = client.act(Method::DELETE, &path).await?;
            output.say(&json!({ "deleted": id }), |_| format!("client {id} is deleted"))?;
        }
        Clients::RefreshToken { id, subject } => {
            let path = format!("/api/v1/oauth/clients/{}/refresh-tokens", segment(&id));
            let made: RefreshToken = client.submit(Method::POST, &path, &json!({ "subject": subject })).await?;
            output.say(&made, |made| made.refresh_token.clone())?;
        }
        Clients::Tokens { id, after, limit } => {
            let path = format!("/api/v1/oauth/clients/{}/refresh-tokens", segment(&id));
            let page: TokenPage = client.list(&path, &[("after", after), ("limit", Some(limit.to_string()))]).await?;
            output.show(&page, |page| token_table(&page.tokens))?;
            if let Some(next) = &page.next {
                output.note(&format!("there may be more: --after {next}"))?;
            }
        }
        Clients::RevokeToken { id, token } => {
            // Who gives the whole token does not want it to stand in the log of a server.
            let token = token.split('.').next().unwrap_or_default();
            let path = format!("/api/v1/oauth/clients/{}/refresh-tokens/{}", segment(&id), segment(token));
            let view: TokenView = client.act(Method::DELETE, &path).await?;
            output.say(&view, |view| format!("refresh token {} of {} is revoked", view.id, view.subject))?;
        }
    }
    Ok(())
}

impl Create {
    fn to_json(&self) -> Value {
        let refresh = json!({ "rotate": !self.keep_refresh_tokens });
        json!({
            "id": self.id,
            "name": self.name,
            "scopes": self.scopes.join(" "),
            "grants": self.grants,
            "public": self.public,
            "refresh": refresh,
        })
    }
}

fn table(all: &[ClientView]) -> Grid {
    let mut grid = Grid::new(["client", "name", "grants", "scopes"], "no clients");
    for view in all {
        grid.row([
            view.id.as_str().into(),
            view.name.as_str().into(),
            view.grants.join(" ").into(),
            view.scopes.as_str().into(),
        ]);
    }
    grid
}

fn token_table(all: &[TokenView]) -> Grid {
    let mut grid = Grid::new(["token", "subject", "made", "ends", "revoked"], "no refresh tokens");
    for view in all {
        grid.row([
            view.id.as_str().into(),
            view.subject.as_str().into(),
            utc_time(view.created).into(),
            utc_time(view.expires).into(),
            view.revoked.map(utc_time).unwrap_or_default().into(),
        ]);
    }
    grid
}

fn key_table(all: &[KeyRecord]) -> Grid {
    let mut grid = Grid::new(["key", "made", "retired"], "no keys yet; the first token makes one");
    for known in all {
        let retired = known.retired.map(utc_time).unwrap_or_default();
        grid.row([known.kid.as_str().into(), utc_time(known.created).into(), retired.into()]);
    }
    grid
}
