//! `andon destinations`: what is configured, and whether it answers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_act::TestLine;
use andon_connectors::metadata::document_name;
use andon_connectors::{Address, DestinationSpec};
use andon_journal::{Document, DocumentKind};
use andon_model::{Code, Name};
use clap::Subcommand;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::client::{Client, ConfigurationAnswer, segment};
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

/// One destination as it is configured.
#[derive(Debug, Serialize)]
struct Configured {
    name: Name,
    /// Its URL, or who knows it; nothing when this program cannot read its file.
    address: String,
    description: String,
}

impl Configured {
    fn of(document: &Document) -> Self {
        let spec = DestinationSpec::parse(&document.name, &document.text).ok();
        let address = spec.as_ref().map(|spec| match &spec.address {
            Address::Fixed(url) => url.to_string(),
            Address::Provided(provider) => format!("{}, by SAP's destination service", provider.name),
        });
        let description = spec.map(|spec| spec.description).unwrap_or_default();
        Self { name: document.name.clone(), address: address.unwrap_or_default(), description }
    }
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
            let rows = configured(&client).await?;
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

/// Every destination in force, as its file says.
async fn configured(client: &Client) -> anyhow::Result<Vec<Configured>> {
    let present: ConfigurationAnswer = client.get("/api/v1/configuration").await?;
    let documents = present.documents.into_iter().map(|version| version.document);
    let destinations = documents.filter(|document| document.kind == DocumentKind::Destination);
    Ok(destinations.map(|document| Configured::of(&document)).collect())
}

/// Names of every destination in force.
pub(crate) async fn all_names(client: &Client) -> anyhow::Result<Vec<String>> {
    let rows: Vec<DestinationRow> = client.get("/api/v1/destinations").await?;
    Ok(rows.into_iter().map(|row| row.name.into()).collect())
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

fn list_table(rows: &[Configured]) -> Grid {
    let mut grid = Grid::new(["destination", "address", "description"], "no destinations");
    for row in rows {
        grid.row([(&row.name).into(), (&row.address).into(), (&row.description).into()]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_say_where_they_are() {
        let check = |text: &str, address: &str| {
            let name = Name::new("s4").unwrap();
            let document = Document { kind: DocumentKind::Destination, name, text: text.to_owned() };
            assert_eq!(Configured::of(&document).address, address, "for {text:?}");
        };
        check("url = \"https://s4.example.com\"\n[auth]\nkind = \"none\"\n", "https://s4.example.com/");
        let provider =
            "[provider]\nkind = \"btp-destination-service\"\nname = \"S4\"\nservice_key = { secret = \"k\" }\n";
        check(provider, "S4, by SAP's destination service");
        check("url = 7", "");
    }
}
