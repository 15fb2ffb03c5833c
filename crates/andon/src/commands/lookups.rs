//! `andon lookups`: mapping tables as CSV files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_journal::{Change, Document, DocumentKind};
use andon_model::{Code, Lookup, Name, Problem};
use clap::Subcommand;
use serde::Serialize;

use crate::client::{Client, ConfigurationAnswer};
use crate::commands::{Context, apply};
use crate::nearest::nearest;
use crate::output::{Failure, Grid, Output};
use crate::scenario::local;

/// Import and export mapping tables as CSV
#[derive(Debug, Subcommand)]
pub(crate) enum Lookups {
    /// List the mapping tables in force
    List,
    /// Put a CSV file into force; headers of key columns end in *
    Import {
        /// CSV file
        file: PathBuf,
        /// Name of the lookup; the file's name without .csv when left out
        #[arg(long)]
        name: Option<String>,
        /// Make a new lookup although one of a similar name is in force
        #[arg(long)]
        new: bool,
    },
    /// Write a mapping table to a file, or to standard output
    Export {
        /// Name of the lookup
        name: String,
        /// Where to write
        file: Option<PathBuf>,
    },
}

/// A lookup in a list.
#[derive(Debug, Serialize)]
struct LookupRow {
    name: Name,
    version: i64,
    rows: usize,
    keys: Vec<String>,
    values: Vec<String>,
}

pub(crate) async fn run(lookups: Lookups, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match lookups {
        Lookups::List => {
            let rows = rows(&configuration(&client).await?);
            context.output.show(&rows, |rows| table(rows))?;
        }
        Lookups::Import { file, name, new } => import(&file, name, new, context).await?,
        Lookups::Export { name, file } => export(&name, file.as_deref(), &client, context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn configuration(client: &Client) -> anyhow::Result<ConfigurationAnswer> {
    client.get("/api/v1/configuration").await
}

async fn import(file: &Path, name: Option<String>, new: bool, context: &Context) -> anyhow::Result<()> {
    let client = context.client()?;
    let text = std::fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
    let name = name.unwrap_or_else(|| file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let name = Name::new(&name)
        .map_err(|error| local(file, error.to_string()).remedy("give the lookup a name by `--name`"))?;
    // Checked here as well, so that the fault names the line in the file at hand.
    let lookup = Lookup::parse_csv(&text).map_err(|error| {
        let place = format!("{} line {}", file.display(), error.line);
        Problem::new(Code::LookupTable, error.what).at(place)
    })?;
    let known = names(&configuration(&client).await?);
    let is_new = !known.contains(&name);
    if is_new && !new {
        refuse_misspelt(&name, &known)?;
    }
    let change = Change::Put(Document { kind: DocumentKind::Lookup, name: name.clone(), text });
    let answer = apply::put_into_force(&client, &[change]).await?;
    let what = if is_new { "new lookup" } else { "lookup" };
    context.output.say(&answer, |answer| match answer.changed.as_slice() {
        [] => format!("lookup {name} is unchanged ({} rows)", lookup.len()),
        _ => format!("{what} {name} with {} rows is in force, revision {}", lookup.len(), answer.revision),
    })
}

/// A new lookup beside one of nearly the same name is most probably meant to replace that one.
fn refuse_misspelt(name: &Name, known: &[Name]) -> Result<(), Failure> {
    let Some(near) = nearest(name.as_str(), known.iter().map(Name::as_str)) else { return Ok(()) };
    let detail = format!("there is no lookup {name}; did you mean {near}? Nothing was changed");
    let failure = Failure::new(Code::NotFound, detail);
    Err(failure.remedy("replace the one that is there by `--name`, or make a new one by `--new`"))
}

fn names(configuration: &ConfigurationAnswer) -> Vec<Name> {
    let documents = configuration.documents.iter().map(|version| &version.document);
    documents.filter(|document| document.kind == DocumentKind::Lookup).map(|document| document.name.clone()).collect()
}

async fn export(name: &str, file: Option<&Path>, client: &Client, context: &Context) -> anyhow::Result<()> {
    let documents = configuration(client).await?.documents.into_iter().map(|version| version.document);
    let mut lookups = documents.filter(|document| document.kind == DocumentKind::Lookup);
    let found = lookups.find(|document| document.name.as_str() == name);
    let found = found.ok_or_else(|| {
        let failure = Failure::new(Code::NotFound, format!("there is no lookup {name}"));
        failure.remedy("`andon lookups list` shows those that are in force")
    })?;
    let Some(file) = file else { return Output::bytes(found.text.as_bytes()) };
    std::fs::write(file, &found.text).map_err(|error| local(file, error.to_string()))?;
    context.output.note(&format!("lookup {name} is written to {}", file.display()))
}

fn rows(configuration: &ConfigurationAnswer) -> Vec<LookupRow> {
    let lookups = configuration.documents.iter().filter(|version| version.document.kind == DocumentKind::Lookup);
    let parsed = lookups.filter_map(|version| Some((version, Lookup::parse_csv(&version.document.text).ok()?)));
    parsed
        .map(|(version, lookup)| LookupRow {
            name: version.document.name.clone(),
            version: version.version,
            rows: lookup.len(),
            keys: lookup.key_columns().to_vec(),
            values: lookup.value_columns().to_vec(),
        })
        .collect()
}

fn table(rows: &[LookupRow]) -> Grid {
    let mut grid = Grid::new(["lookup", "version", "rows", "keys", "values"], "no lookups");
    for row in rows {
        let (keys, values) = (row.keys.join(", "), row.values.join(", "));
        grid.row([(&row.name).into(), row.version.into(), row.rows.into(), keys.into(), values.into()]);
    }
    grid
}
