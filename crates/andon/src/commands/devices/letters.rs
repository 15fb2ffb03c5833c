//! `andon devices letters`: what people were told by mail, and how far it is.

use andon_devices::registry::{Letter, LetterStatus};
use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Client;
use crate::output::{Cell, Grid, Output, Tone, utc_time};

/// Which letters.
#[derive(Debug, Args)]
pub(crate) struct Letters {
    /// Only ids after this one
    #[arg(long)]
    after: Option<String>,
    /// Most rows
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// The letter that is to follow an onboarding.
#[derive(Debug, Args)]
pub(crate) struct Mailing {
    /// Mail the outcome, without the private key, to this address
    #[arg(long, value_name = "ADDRESS")]
    mail_to: Option<String>,
    /// Put a new refresh token for this client into the letter
    #[arg(long, value_name = "CLIENT", requires = "mail_to")]
    mail_client: Option<String>,
}

/// `GET /api/v1/letters`
#[derive(Debug, Serialize, Deserialize)]
struct LetterPage {
    letters: Vec<Letter>,
    next: Option<String>,
}

pub(super) async fn list(query: &Letters, client: &Client, output: Output) -> anyhow::Result<()> {
    let parameters = [("after", query.after.clone()), ("limit", Some(query.limit.to_string()))];
    let page: LetterPage = client.list("/api/v1/letters", &parameters).await?;
    output.show(&page, table)?;
    match &page.next {
        Some(next) => output.note(&format!("there are more: --after {next}")),
        None => Ok(()),
    }
}

/// Has the outcome of an onboarding mailed, if that is wanted; the server goes on by itself from here.
pub(super) async fn write(wanted: &Mailing, device: &str, client: &Client, output: Output) -> anyhow::Result<()> {
    let Some(to) = &wanted.mail_to else { return Ok(()) };
    let wish = json!({ "to": to, "device": device, "client": wanted.mail_client });
    let letter: Letter = client.submit(Method::POST, "/api/v1/letters", &wish).await?;
    output.note(&format!("letter {} to {to} is queued; `andon devices letters` shows how far it is", letter.id))
}

fn table(page: &LetterPage) -> Grid {
    let mut grid = Grid::new(["letter", "to", "about", "status", "written", "why"], "no letters");
    for letter in &page.letters {
        let device = letter.device.as_ref().map(ToString::to_string);
        let about = device.or_else(|| letter.client.as_ref().map(ToString::to_string)).unwrap_or_default();
        let status = match letter.status {
            LetterStatus::Waiting => Cell::toned("waiting", Tone::Warn),
            LetterStatus::Sent => Cell::toned("sent", Tone::Good),
            LetterStatus::GivenUp => Cell::toned("given up", Tone::Bad),
        };
        let why = letter.problem.as_ref().map(ToString::to_string).unwrap_or_default();
        let (id, to) = (letter.id.as_str(), letter.to.as_str());
        grid.row([id.into(), to.into(), about.into(), status, utc_time(letter.created).into(), why.into()]);
    }
    grid
}
