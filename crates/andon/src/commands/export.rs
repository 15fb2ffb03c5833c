//! `andon export`: the configuration in force as files, byte for byte as it was applied.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_journal::DocumentVersion;
use clap::Args;
use serde::Serialize;

use crate::client::ConfigurationAnswer;
use crate::commands::Context;
use crate::output::{Failure, Grid};
use crate::scenario::{self, Written};

/// Write the configuration in force into a folder, byte for byte
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Folder to write to; created when missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// An older revision instead of the one in force
    #[arg(long, value_name = "NUMBER")]
    revision: Option<i64>,
    /// Replace files that differ, and remove those of documents that are not there
    #[arg(long)]
    force: bool,
}

/// One written or removed file.
#[derive(Debug, Serialize)]
struct File {
    path: String,
    /// 0 for a file that is not part of the configuration.
    version: i64,
    written: Written,
}

pub(crate) async fn run(export: Export, context: &Context) -> anyhow::Result<ExitCode> {
    let query = [("revision", export.revision.map(|revision| revision.to_string()))];
    let answer: ConfigurationAnswer = context.client()?.list("/api/v1/configuration", &query).await?;
    let files = plan(&export, &answer)?;
    for version in &answer.documents {
        scenario::write(&export.folder, &version.document)?;
    }
    for file in files.iter().filter(|file| file.written == Written::Removed) {
        scenario::remove(&export.folder, &file.path)?;
    }
    context.output.show(&files, |files| table(files))?;
    Ok(ExitCode::SUCCESS)
}

/// What is to become of every file; a refusal when something would be lost without `--force`.
fn plan(export: &Export, answer: &ConfigurationAnswer) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for DocumentVersion { document, version, .. } in &answer.documents {
        let written = scenario::compare(&export.folder, document)?;
        files.push(File { path: document.path(), version: *version, written });
    }
    for path in scenario::document_paths(&export.folder)? {
        if !files.iter().any(|file| file.path == path) {
            files.push(File { path, version: 0, written: Written::Removed });
        }
    }
    let lost = |file: &&File| matches!(file.written, Written::Replaced | Written::Removed);
    match files.iter().find(lost) {
        Some(file) if !export.force => Err(refused(export, answer.revision, file)),
        _ => Ok(files),
    }
}

fn refused(export: &Export, revision: i64, file: &File) -> Failure {
    let (what, remedy) = match file.written {
        Written::Removed => (
            "is not part of",
            "keep it elsewhere or apply it; or let `--force` remove it; or export into an empty folder",
        ),
        _ => (
            "differs from",
            "compare them with `andon apply <folder> --dry-run`; then let `--force` replace it, or export elsewhere",
        ),
    };
    let place = export.folder.join(&file.path);
    scenario::local(&place, format!("the file {what} revision {revision}; nothing was written")).remedy(remedy)
}

fn table(files: &[File]) -> Grid {
    let mut grid = Grid::new(["file", "version", "written"], "there is no configuration to export");
    for file in files {
        let written = match file.written {
            Written::New => "new",
            Written::Replaced => "replaced",
            Written::Unchanged => "unchanged",
            Written::Removed => "removed",
        };
        grid.row([(&file.path).into(), file.version.into(), written.into()]);
    }
    grid
}
