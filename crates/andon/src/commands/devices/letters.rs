//! `andon devices letters`: what people were told by mail, and how far it is.

use andon_devices::registry::{Letter, LetterStatus};
use andon_model::Code;
use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Client;
use crate::output::{Cell, Failure, Grid, Output, Tone, utc_time};

/// What to do when a letter cannot be written; nothing was onboarded yet.
const NOT_MAILED: &str = "set [mail] in the server's andon.toml and start it anew, name a client that may refresh \
                          (`andon oauth clients list`), or leave --mail-to out; nothing was onboarded";

/// Which letters.
#[derive(Debug, Args)]
pub(crate) struct Letters {
    /// Only ids after this one
    #[arg(long)]
    after: Option<String>,
    /// Most rows, 1 to 1,000
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// The letter that is to follow an onboarding.
#[derive(Debug, Args)]
pub(crate) struct Mailing {
    /// Mail the outcome, without the private key, to this address
    #[arg(long = "mail-to", id = "mail_to", value_name = "ADDRESS")]
    to: Option<String>,
    /// Put a new refresh token for this client into the letter
    #[arg(long = "mail-client", value_name = "CLIENT", requires = "mail_to")]
    client: Option<String>,
    /// Write the letter although the same one waits or was sent within a day
    #[arg(long = "mail-again", requires = "mail_to")]
    again: bool,
}

/// A letter that can be written.
pub(super) struct Checked {
    wish: Value,
    /// The same one, which is under way.
    known: Option<Letter>,
}

/// `POST /api/v1/letters/check`
#[derive(Debug, Deserialize)]
struct KnownLetter {
    #[serde(default)]
    known: Option<Letter>,
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

/// Looks whether the letter can be written, before its device is onboarded; none if none is wanted.
pub(super) async fn check(wanted: &Mailing, device: &str, client: &Client) -> anyhow::Result<Option<Checked>> {
    let Some(to) = &wanted.to else { return Ok(None) };
    let wish = json!({ "to": to, "device": device, "client": wanted.client, "again": wanted.again });
    let checked = client.submit(Method::POST, "/api/v1/letters/check", &wish).await;
    let KnownLetter { known } = checked.map_err(|error| Failure::advise(error, Code::Conflict, NOT_MAILED))?;
    Ok(Some(Checked { wish, known }))
}

/// Has the outcome of an onboarding mailed; the server goes on by itself from here.
pub(super) async fn write(checked: &Checked, client: &Client, output: Output) -> anyhow::Result<()> {
    if let Some(known) = &checked.known {
        let state = if known.status == LetterStatus::Sent { "was sent" } else { "waits" };
        let text = format!("letter {} to {} of {} {state}", known.id, known.to, utc_time(known.created));
        let advice = "so that no other is written; --mail-again writes another, with a new token";
        return output.note(&format!("{text}, {advice}"));
    }
    let letter: Letter = client.submit(Method::POST, "/api/v1/letters", &checked.wish).await?;
    let advice = "`andon devices letters` shows how far it is";
    output.note(&format!("letter {} to {} is queued; {advice}", letter.id, letter.to))
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
