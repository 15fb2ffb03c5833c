//! `andon oauth`: clients that get access tokens.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::segment;
use crate::commands::Context;
use crate::output::Grid;

/// Manage who gets access tokens
#[derive(Debug, Subcommand)]
pub(crate) enum Oauth {
    /// Make, list and delete token clients
    #[command(subcommand)]
    Clients(Clients),
}

/// Make, list and delete token clients
#[derive(Debug, Subcommand)]
pub(crate) enum Clients {
    /// Make a client; its secret is shown this once
    Create(Create),
    /// List clients, without their secrets
    List,
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
    refresh_token: String,
}

pub(crate) async fn run(oauth: Oauth, context: &Context) -> anyhow::Result<ExitCode> {
    let Oauth::Clients(clients) = oauth;
    let client = context.client()?;
    match clients {
        Clients::Create(wanted) => {
            let view: ClientView = client.submit(Method::POST, "/api/v1/oauth/clients", &wanted.to_json()).await?;
            let secret = |view: &ClientView| view.client_secret.clone().unwrap_or_default();
            context.output.say(&view, |view| format!("{} {}", view.id, secret(view)).trim_end().to_owned())?;
        }
        Clients::List => {
            let all: Vec<ClientView> = client.get("/api/v1/oauth/clients").await?;
            context.output.show(&all, |all| table(all))?;
        }
        Clients::Delete { id } => {
            let path = format!("/api/v1/oauth/clients/{}", segment(&id));
            let _: Value = client.act(Method::DELETE, &path).await?;
            context.output.say(&json!({ "deleted": id }), |_| format!("client {id} is deleted"))?;
        }
        Clients::RefreshToken { id, subject } => {
            let path = format!("/api/v1/oauth/clients/{}/refresh-tokens", segment(&id));
            let made: RefreshToken = client.submit(Method::POST, &path, &json!({ "subject": subject })).await?;
            context.output.say(&made, |made| made.refresh_token.clone())?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
