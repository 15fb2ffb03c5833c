//! `andon sql`: a question to the lake.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use andon_model::Code;
use andon_server::schema::{SqlRequest, SqlRows};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde_json::Value;

use crate::client::Client;
use crate::commands::Context;
use crate::output::{Failure, Grid, Output};

/// Rows of a table on a terminal unless more are asked for.
const TABLE_ROWS: u64 = 1_000;
/// How much longer than the query its answer may take on the wire.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ask the lake in SQL
#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// One statement that reads; `-` reads it from standard input
    #[arg(value_name = "STATEMENT")]
    query: String,
    /// How the answer is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// File for the answer; needed for parquet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// At most so many rows
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// At most so many seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
    /// The tables as they were at this time
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table, for people
    Table,
    /// Comma-separated values with a header
    Csv,
    /// Columns and rows in JSON
    Json,
    /// A Parquet file
    Parquet,
}

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// What the end of a file's name says.
    fn of_file(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

pub(crate) async fn run(sql: Sql, context: &Context) -> anyhow::Result<ExitCode> {
    let format = format(&sql, context.output)?;
    let limit = sql.limit.or_else(|| (format == Format::Table).then_some(TABLE_ROWS));
    let query = if sql.query == "-" { std::io::read_to_string(std::io::stdin())? } else { sql.query };
    let wanted = SqlRequest { query, limit, timeout: Some(sql.timeout), as_of: sql.as_of };
    let client = context.client()?;
    match (&sql.out, format) {
        (Some(file), Format::Table) => {
            let text = table(&rows(&client, &wanted).await?).render(false);
            std::fs::write(file, text + "\n").map_err(|error| file_failure(file, &error))?;
        }
        (Some(file), _) => {
            let bytes = save(&client, &wanted, format, file).await?;
            context.output.note(&format!("{}: {bytes} bytes", file.display()))?;
        }
        (None, Format::Table) => show(&rows(&client, &wanted).await?, context.output)?,
        (None, _) => print(&client, &wanted, format).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What was asked for, else what the file's name says, else JSON for machines and a table for people.
fn format(sql: &Sql, output: Output) -> Result<Format, Failure> {
    let usual = if output.is_json() { Format::Json } else { Format::Table };
    let format = sql.format.or_else(|| Format::of_file(sql.out.as_deref()?)).unwrap_or(usual);
    if format == Format::Parquet && sql.out.is_none() {
        return Err(Failure::new(Code::Setting, "a Parquet file needs a name").at("--out"));
    }
    Ok(format)
}

async fn open(client: &Client, wanted: &SqlRequest, format: Format) -> anyhow::Result<reqwest::Response> {
    let timeout = Duration::from_secs(wanted.timeout.unwrap_or_default()) + PATIENCE;
    let build =
        |request: reqwest::RequestBuilder| request.header(ACCEPT, format.media_type()).json(wanted).timeout(timeout);
    client.open(Method::POST, "/api/v1/sql", build).await
}

async fn rows(client: &Client, wanted: &SqlRequest) -> anyhow::Result<SqlRows> {
    let answer = open(client, wanted, Format::Json).await?.bytes().await.context(BROKE_OFF)?;
    serde_json::from_slice(&answer).context("the answer to the query is not as expected")
}

const BROKE_OFF: &str = "the answer broke off: the query took too long, or gives more rows than the lake's limit";

async fn print(client: &Client, wanted: &SqlRequest, format: Format) -> anyhow::Result<()> {
    let mut answer = open(client, wanted, format).await?;
    while let Some(bytes) = answer.chunk().await.context(BROKE_OFF)? {
        Output::bytes(&bytes)?;
    }
    if format == Format::Json { Output::bytes(b"\n") } else { Ok(()) }
}

/// Writes beside the file and takes its name at the end, so that a file is always a whole answer.
async fn save(client: &Client, wanted: &SqlRequest, format: Format, file: &Path) -> anyhow::Result<u64> {
    let failed = |error: &std::io::Error| file_failure(file, error);
    let mut answer = open(client, wanted, format).await?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    let mut size = 0;
    while let Some(bytes) = answer.chunk().await.context(BROKE_OFF)? {
        size += bytes.len() as u64;
        beside.write_all(&bytes).map_err(|error| failed(&error))?;
    }
    beside.persist(file).map_err(|error| failed(&error.error))?;
    Ok(size)
}

fn file_failure(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::LocalFile, error.to_string()).at(file.display().to_string())
}

/// Prints rows as a table, and whether there were more.
pub(crate) fn show(rows: &SqlRows, output: Output) -> anyhow::Result<()> {
    output.show(rows, table)?;
    if rows.truncated {
        output.note(&format!("… there are more than these {} rows: --limit", rows.rows.len()))?;
    }
    Ok(())
}

fn table(rows: &SqlRows) -> Grid {
    let mut grid = Grid::of_columns(rows.columns.iter().map(|column| column.name.clone()), "no rows");
    for row in &rows.rows {
        grid.push(rows.columns.iter().map(|column| value_text(row.get(&column.name)).into()));
    }
    grid
}

/// A value of an answer, for people: nothing for null.
pub(crate) fn value_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_a_table() {
        let rows: SqlRows = serde_json::from_value(json!({
            "columns": [{ "name": "device", "type": "Utf8" }, { "name": "n", "type": "Int64" }],
            "rows": [{ "device": "p1", "n": 3 }, { "device": null, "n": 1.5 }], "truncated": false,
        }))
        .unwrap();
        let text = table(&rows).render(false);
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines, ["device n", "p1 3", "1.5"]);
    }

    #[test]
    fn files_say_their_format() {
        let check = |file: &str, expect| assert_eq!(Format::of_file(Path::new(file)), expect, "{file}");
        check("a/hot.parquet", Some(Format::Parquet));
        check("hot.csv", Some(Format::Csv));
        check("hot.txt", None);
        check("hot", None);
    }
}
