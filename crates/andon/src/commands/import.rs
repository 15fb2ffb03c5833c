//! `andon import`: a scenario folder from the configuration of SAP's events-to-business-actions framework.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_journal::{Change, Document, Finding};
use clap::Args;
use serde::Serialize;

use crate::commands::Context;
use crate::commands::apply::{exit_code, findings_table};
use crate::import::{self, Outcome, Report, Way};
use crate::output::{Cell, Failure, Grid, Tone};
use crate::scenario::{self, Written, local};
use crate::wiring;

/// Make a scenario folder of the configuration of SAP's events-to-business-actions framework
///
/// Reads its tables as CSV (db/data of CAP) or JSON (its OData service), and decision tables as CSV. What became of
/// every object is printed and stands in REPORT.md.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Folders or files with CSV and JSON
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Scenario folder to write; created when missing
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    /// Where destinations have their address and credentials from
    #[arg(long, value_enum, default_value = "btp")]
    destinations: Way,
    /// Replace files that differ
    #[arg(long)]
    force: bool,
}

/// What was written, and what became of the input.
#[derive(Debug, Serialize)]
struct Imported {
    files: Vec<String>,
    #[serde(flatten)]
    report: Report,
    findings: Vec<Finding>,
}

pub(crate) async fn run(import: Import, context: &Context) -> anyhow::Result<ExitCode> {
    let imported = import::import(&import::read_files(&import.paths)?, import.destinations)?;
    let findings = wiring::check(imported.documents.iter().cloned().map(Change::Put).collect()).await?;
    let pages = pages(&import.into, &imported, &findings);
    refuse_overwriting(&import, &imported.documents, &pages)?;
    for document in &imported.documents {
        scenario::write(&import.into, document)?;
    }
    for (file, text) in &pages {
        fs::write(file, text).map_err(|error| local(file, error.to_string()))?;
    }
    let mut files: Vec<String> = imported.documents.iter().map(Document::path).collect();
    files.extend(pages.iter().filter_map(|(file, _)| Some(file.file_name()?.to_string_lossy().into_owned())));
    let imported = Imported { files, report: imported.report, findings };
    context.output.show(&imported, |imported| table(&imported.report))?;
    context.output.note(&summary(&imported, &import.into))?;
    if !imported.findings.is_empty() {
        context.output.aside(&findings_table(&imported.findings))?;
    }
    Ok(exit_code(&imported.findings))
}

fn pages(folder: &Path, imported: &import::Import, findings: &[Finding]) -> [(PathBuf, String); 2] {
    let name = folder.file_name().map_or_else(|| "Scenario".to_owned(), |name| name.to_string_lossy().into_owned());
    [
        (folder.join("README.md"), import::readme(&name, &imported.documents)),
        (folder.join("REPORT.md"), import::report_page(&imported.report, findings)),
    ]
}

fn refuse_overwriting(import: &Import, documents: &[Document], pages: &[(PathBuf, String)]) -> Result<(), Failure> {
    if import.force {
        return Ok(());
    }
    let differs = |file: &Path| {
        local(file, "the file exists and differs; nothing was written")
            .remedy("look at it; then let `--force` replace it, or name another folder by `--into`")
    };
    for document in documents {
        if scenario::compare(&import.into, document)? == Written::Replaced {
            return Err(differs(&import.into.join(document.path())));
        }
    }
    match pages.iter().find(|(file, text)| fs::read(file).is_ok_and(|bytes| bytes != text.as_bytes())) {
        Some((file, _)) => Err(differs(file)),
        None => Ok(()),
    }
}

fn table(report: &Report) -> Grid {
    let mut grid = Grid::new(["object", "name", "outcome", "became", "notes"], "there is nothing to import here");
    for entry in &report.entries {
        let tone = match entry.outcome {
            Outcome::Carried | Outcome::Adapted => Tone::Good,
            Outcome::Open => Tone::Warn,
            Outcome::Skipped => Tone::Bad,
            Outcome::NotNeeded => Tone::Plain,
        };
        grid.row([
            entry.object.into(),
            (&entry.name).into(),
            Cell::toned(entry.outcome.as_str(), tone),
            entry.became.as_deref().unwrap_or("-").into(),
            entry.story().into(),
        ]);
    }
    grid
}

fn summary(imported: &Imported, folder: &Path) -> String {
    let count = |outcome| imported.report.count(outcome);
    format!(
        "{} files are in {}: {} objects carried over, {} adapted, {} to complete, {} skipped; REPORT.md lists them",
        imported.files.len(),
        folder.display(),
        count(Outcome::Carried),
        count(Outcome::Adapted),
        count(Outcome::Open),
        count(Outcome::Skipped),
    )
}
