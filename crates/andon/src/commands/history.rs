//! `andon history`: who changed the configuration, when, and what.

use std::process::ExitCode;
use std::str::FromStr;

use andon_journal::{DocumentKind, DocumentVersion, RevisionInfo};
use andon_model::{Name, Timestamp};
use clap::Args;
use serde::Serialize;

use crate::client::{Client, Difference, segment};
use crate::commands::Context;
use crate::commands::apply::patch;
use crate::output::{Grid, utc_time};

/// Show who changed the configuration, when, and what
///
/// Without an object: the revisions of the whole configuration. With one: its versions; with two version numbers: how
/// those differ.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Document, as its path in a scenario folder: actions/create-notification
    #[arg(value_name = "KIND/NAME")]
    object: Option<Object>,
    /// Show how these versions differ: 2..5, or 2.. for the newest; 0 is the state before the first
    #[arg(value_name = "FROM..TO", requires = "object")]
    versions: Option<Range>,
    /// Show also how the newest version differs from the one before
    #[arg(long, requires = "object", conflicts_with = "versions")]
    diff: bool,
}

/// A document on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    kind: DocumentKind,
    name: Name,
}

/// Two versions on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    from: i64,
    to: Option<i64>,
}

impl FromStr for Object {
    type Err = String;

    /// `actions/x`, or the file `actions/x.toml`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (folder, name) = text.split_once('/').ok_or("a document is written as in actions/create-notification")?;
        let kind = DocumentKind::from_folder(folder).ok_or_else(|| {
            let known: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.folder()).collect();
            format!("{folder:?} is not a kind of document; there are {}", known.join(", "))
        })?;
        let stem = name.strip_suffix(&format!(".{}", kind.extension())).unwrap_or(name);
        Ok(Self { kind, name: Name::new(stem).map_err(|error| error.to_string())? })
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not FROM..TO, as in 2..5 or 2..");
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(wrong);
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        Ok(Self { from: number(from)?, to: if to.is_empty() { None } else { Some(number(to)?) } })
    }
}

impl Object {
    fn path(&self) -> String {
        format!("/api/v1/configuration/{}/{}", self.kind.folder(), segment(self.name.as_str()))
    }
}

/// A version of a document, without its text.
#[derive(Debug, Serialize)]
struct VersionRow {
    version: i64,
    revision: i64,
    author: String,
    at: Timestamp,
    bytes: usize,
}

/// The versions of one document.
#[derive(Debug, Serialize)]
struct Versions {
    document: String,
    #[serde(rename = "versions")]
    rows: Vec<VersionRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<Difference>,
}

pub(crate) async fn run(history: History, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match (history.object, history.versions) {
        (None, _) => {
            let rows: Vec<RevisionInfo> = client.get("/api/v1/configuration/revisions").await?;
            context.output.show(&rows, |rows| revisions_table(rows))?;
        }
        (Some(object), Some(range)) => {
            let difference = difference(&client, &object, Some(range)).await?;
            show_patch(&difference, context)?;
        }
        (Some(object), None) => versions(&client, &object, history.diff, context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn versions(client: &Client, object: &Object, with_diff: bool, context: &Context) -> anyhow::Result<()> {
    let found: Vec<DocumentVersion> = client.get(&format!("{}/history", object.path())).await?;
    let document = found.first().map(|version| version.document.path()).unwrap_or_default();
    let newest = if with_diff { Some(difference(client, object, None).await?) } else { None };
    let shown = Versions { document, rows: found.into_iter().map(row).collect(), newest };
    context.output.show(&shown, |shown| versions_table(&shown.rows))?;
    match &shown.newest {
        Some(newest) => context.output.note(&format!("\n{}", patch(newest, context.output.is_on_terminal()))),
        None => Ok(()),
    }
}

async fn difference(client: &Client, object: &Object, range: Option<Range>) -> anyhow::Result<Difference> {
    let from = range.map(|range| range.from.to_string());
    let to = range.and_then(|range| range.to).map(|to| to.to_string());
    client.list(&format!("{}/diff", object.path()), &[("from", from), ("to", to)]).await
}

fn show_patch(difference: &Difference, context: &Context) -> anyhow::Result<()> {
    let colours = context.output.is_on_terminal();
    context.output.say(difference, |difference| match difference.diff.as_str() {
        "" if !difference.cut => format!("{} is the same in both versions", difference.path),
        _ => patch(difference, colours),
    })
}

fn row(version: DocumentVersion) -> VersionRow {
    let DocumentVersion { document, version, revision, author, at } = version;
    VersionRow { version, revision, author, at, bytes: document.text.len() }
}

fn versions_table(rows: &[VersionRow]) -> Grid {
    let mut grid = Grid::new(["version", "revision", "author", "time", "bytes"], "no versions");
    for row in rows {
        let time = utc_time(row.at);
        grid.row([row.version.into(), row.revision.into(), (&row.author).into(), time.into(), row.bytes.into()]);
    }
    grid
}

fn revisions_table(rows: &[RevisionInfo]) -> Grid {
    let mut grid = Grid::new(["revision", "author", "time", "documents"], "nothing has been applied yet");
    for row in rows {
        let time = utc_time(row.at);
        grid.row([row.revision.into(), (&row.author).into(), time.into(), row.documents.into()]);
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_object(text: &str, expect: Result<(DocumentKind, &str), &str>) {
        let read = text.parse::<Object>();
        match expect {
            Ok((kind, name)) => assert_eq!(read, Ok(Object { kind, name: Name::new(name).unwrap() }), "for {text:?}"),
            Err(part) => assert!(read.as_ref().is_err_and(|what| what.contains(part)), "for {text:?}: {read:?}"),
        }
    }

    #[test]
    fn documents_are_named_as_in_a_folder() {
        check_object("actions/create.notification", Ok((DocumentKind::Action, "create.notification")));
        check_object("actions/create.toml", Ok((DocumentKind::Action, "create")));
        check_object("lookups/equipment.csv", Ok((DocumentKind::Lookup, "equipment")));
        check_object("equipment", Err("is written as in"));
        check_object("action/x", Err("is not a kind of document; there are"));
        check_object("actions/A b", Err("name"));
    }

    #[test]
    fn versions_are_a_range() {
        let check = |text: &str, expect| assert_eq!(text.parse::<Range>().ok(), expect, "for {text:?}");
        check("2..5", Some(Range { from: 2, to: Some(5) }));
        check("0..", Some(Range { from: 0, to: None }));
        check("..5", None);
        check("-1..5", None);
        check("2", None);
    }
}
