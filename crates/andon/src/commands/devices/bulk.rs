//! `andon devices import`: a file of devices goes to the server, certificates and keys come back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_devices::registry::{AuthorityRecord, Import as KnownImport, ImportStatus};
use andon_model::{Code, Problem};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definitions::Page;
use super::{DeviceView, bundle};
use crate::client::Client;
use crate::output::{Failure, Grid, Output, utc_time};
use crate::scenario::local;

/// The file to import.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A file that ends in .csv, or in .jsonl or .ndjson
    file: PathBuf,
    /// Write the certificates and keys into this folder; needed where keys are made
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// What came of a line.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "line")]
    number: u64,
    #[serde(default)]
    problem: Option<Problem>,
    #[serde(flatten)]
    device: Value,
}

/// What came of all lines.
#[derive(Debug, Default, Serialize)]
struct Report {
    onboarded: u64,
    unchanged: u64,
    faults: Vec<(u64, Problem)>,
}

pub(super) async fn run(import: &Import, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
    let media_type = media_type(&import.file)?;
    let file = std::fs::read(&import.file).map_err(|error| local(&import.file, error.to_string()))?;
    let answer = client.exchange("/api/v1/device-imports", media_type, file).await?;
    let authorities: Vec<AuthorityRecord> = client.get("/api/v1/authorities").await?;
    let mut report = Report::default();
    for text in answer.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        let line: Line = serde_json::from_slice(text)?;
        take(line, import.out.as_deref(), &authorities, &mut report)?;
    }
    output.show(&report, table)?;
    Ok(if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The files that were imported, and how far each is.
pub(super) async fn list(page: &Page, client: &Client, output: Output) -> anyhow::Result<()> {
    let all: Vec<KnownImport> = client.list("/api/v1/device-imports", &page.query()).await?;
    output.show(&all, |all| imports(all))?;
    match all.last().filter(|_| all.len() == page.limit) {
        Some(last) => output.note(&format!("there may be more: --after {}", last.id)),
        None => Ok(()),
    }
}

fn imports(all: &[KnownImport]) -> Grid {
    let mut grid =
        Grid::new(["file (SHA-256)", "status", "begun", "line", "onboarded", "unchanged", "faults"], "no imports");
    for known in all {
        let status = if known.status == ImportStatus::Done { "done" } else { "open" };
        let report = &known.report;
        let counts = [report.line, report.onboarded, report.unchanged, report.faulty].map(|count| count.to_string());
        let [line, onboarded, unchanged, faulty] = counts;
        grid.row([
            known.id.as_str().into(),
            status.into(),
            utc_time(known.begun).into(),
            line.into(),
            onboarded.into(),
            unchanged.into(),
            faulty.into(),
        ]);
    }
    grid
}

fn take(line: Line, out: Option<&Path>, known: &[AuthorityRecord], report: &mut Report) -> anyhow::Result<()> {
    if let Some(problem) = line.problem {
        report.faults.push((line.number, problem));
        return Ok(());
    }
    let view: DeviceView = serde_json::from_value(line.device)?;
    match out {
        Some(folder) => bundle::write(&view, folder, known)?,
        None if view.private_key.is_some() => {
            let lost = "keys were made for the file, and nowhere to write them was named";
            return Err(Failure::new(Code::BadRequest, lost).at("--out").into());
        }
        None => {}
    }
    let count = if view.private_key.is_some() { &mut report.onboarded } else { &mut report.unchanged };
    *count += 1;
    Ok(())
}

fn media_type(file: &Path) -> Result<&'static str, Failure> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok("text/csv"),
        Some("jsonl" | "ndjson") => Ok("application/x-ndjson"),
        _ => Err(Failure::new(Code::BadRequest, "a file of devices ends in .csv, .jsonl or .ndjson").about(file)),
    }
}

fn table(report: &Report) -> Grid {
    let mut grid = Grid::pairs();
    grid.pair("keys handed over", report.onboarded.to_string());
    grid.pair("without a new key", report.unchanged.to_string());
    grid.pair("faults", report.faults.len().to_string());
    for (line, problem) in report.faults.iter().take(50) {
        grid.pair(&format!("line {line}"), problem.to_string());
    }
    grid
}
