//! `andon destinations`: what is configured, and whether it answers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_act::TestLine;
use andon_connectors::metadata::document_name;
use andon_journal::{Document, DocumentKind};
use andon_model::{Code, Name};
use clap::Subcommand;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::output::{Cell, Failure, Grid, Output, Tone};
use crate::scenario::{self, Written};

/// List and test destinations
#[derive(Debug, Subcommand)]
pub(crate) enum Destinations {
    /// List the destinations of the configuration in force
    List,
    /// Try address, connection and credentials; changes nothing there
    Test {
        /// Names; all when none is given
        names: Vec<String>,
    },
    /// Read the `$metadata` of a service, for the types check of `andon check` and `andon apply`
    Metadata {
        /// Name of the destination
        name: Name,
        /// Path of the service, as in `/sap/opu/odata/sap/API_MAINTNOTIFICATION`
        #[arg(long)]
        service: String,
        /// Write it into the metadata folder of this scenario; without it, it is shown
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
}

/// `GET /api/v1/destinations`, one row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DestinationRow {
    /// Its name.
    pub(crate) name: Name,
}

/// What the test of one destination showed.
#[derive(Debug, Serialize)]
pub(crate) struct Tested {
    /// The destination.
    pub(crate) name: String,
    /// What was tried, in order.
    pub(crate) lines: Vec<TestLine>,
}

impl Tested {
    /// Whether everything worked.
    pub(crate) fn is_good(&self) -> bool {
        self.lines.iter().all(|line| line.ok)
    }
}

pub(crate) async fn run(destinations: Destinations, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    let names = match destinations {
        Destinations::List => {
            let rows = list(&client).await?;
            context.output.show(&rows, |rows| list_table(rows))?;
            return Ok(ExitCode::SUCCESS);
        }
        Destinations::Metadata { name, service, save } => {
            return metadata(&client, context, &name, &service, save.as_deref()).await;
        }
        Destinations::Test { names } if names.is_empty() => all_names(&client).await?,
        Destinations::Test { names } => names,
    };
    let mut tested = Vec::new();
    for name in names {
        tested.push(test(&client, name).await?);
    }
    context.output.show(&tested, |tested| test_table(tested))?;
    let all_good = tested.iter().all(Tested::is_good);
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn list(client: &Client) -> anyhow::Result<Vec<DestinationRow>> {
    client.get("/api/v1/destinations").await
}

/// Names of every destination in force.
pub(crate) async fn all_names(client: &Client) -> anyhow::Result<Vec<String>> {
    Ok(list(client).await?.into_iter().map(|row| row.name.into()).collect())
}

/// Tests one destination.
pub(crate) async fn test(client: &Client, name: String) -> anyhow::Result<Tested> {
    let path = format!("/api/v1/destinations/{}/test", segment(&name));
    let lines = client.act(Method::POST, &path).await?;
    Ok(Tested { name, lines })
}

/// A metadata document that was written.
#[derive(Debug, Serialize)]
struct Saved {
    file: String,
    written: Written,
}

/// Reads metadata through the server, and shows or saves it.
async fn metadata(
    client: &Client,
    context: &Context,
    destination: &Name,
    service: &str,
    folder: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let (name, query) = (segment(destination.as_str()), segment(service));
    let text = client.bytes(&format!("/api/v1/destinations/{name}/metadata?service={query}")).await?;
    let Some(folder) = folder else {
        Output::bytes(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    let text = String::from_utf8(text)?;
    let name =
        document_name(Some(destination), service).map_err(|error| Failure::new(Code::BadRequest, error.to_string()))?;
    let document = Document { kind: DocumentKind::Metadata, name, text };
    let written = scenario::compare(folder, &document)?;
    scenario::write(folder, &document)?;
    let saved = Saved { file: folder.join(document.path()).display().to_string(), written };
    context.output.say(&saved, |saved| format!("{} holds the metadata of {service}", saved.file))?;
    Ok(ExitCode::SUCCESS)
}

fn list_table(rows: &[DestinationRow]) -> Grid {
    let mut grid = Grid::new(["destination"], "no destinations");
    for row in rows {
        grid.row([(&row.name).into()]);
    }
    grid
}

fn test_table(tested: &[Tested]) -> Grid {
    let mut grid = Grid::new(["destination", "what", "result", "detail"], "no destinations");
    for destination in tested {
        for line in &destination.lines {
            let result = if line.ok { Cell::toned("ok", Tone::Good) } else { Cell::toned("failed", Tone::Bad) };
            grid.row([(&destination.name).into(), (&line.what).into(), result, (&line.detail).into()]);
        }
    }
    grid
}
