//! `andon export`: the configuration in force as files, byte for byte as it was applied.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_journal::Document;
use clap::Args;
use serde::Serialize;

use crate::client::ConfigurationAnswer;
use crate::commands::Context;
use crate::output::Grid;
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
    /// Replace files that differ
    #[arg(long)]
    force: bool,
}

/// One written file.
#[derive(Debug, Serialize)]
struct File {
    path: String,
    version: i64,
    written: Written,
}

pub(crate) async fn run(export: Export, context: &Context) -> anyhow::Result<ExitCode> {
    let query = [("revision", export.revision.map(|revision| revision.to_string()))];
    let answer: ConfigurationAnswer = context.client()?.list("/api/v1/configuration", &query).await?;
    let mut files = Vec::new();
    for version in &answer.documents {
        let written = scenario::compare(&export.folder, &version.document)?;
        if written == Written::Replaced && !export.force {
            return Err(differs(&export, &version.document).into());
        }
        files.push(File { path: version.document.path(), version: version.version, written });
    }
    for version in &answer.documents {
        scenario::write(&export.folder, &version.document)?;
    }
    context.output.show(&files, |files| table(files))?;
    Ok(ExitCode::SUCCESS)
}

fn differs(export: &Export, document: &Document) -> crate::output::Failure {
    let file = export.folder.join(document.path());
    scenario::local(&file, "the file differs from the configuration; nothing was written. Replace it with --force")
}

fn table(files: &[File]) -> Grid {
    let mut grid = Grid::new(["file", "version", "written"], "there is no configuration to export");
    for file in files {
        let written = match file.written {
            Written::New => "new",
            Written::Replaced => "replaced",
            Written::Unchanged => "unchanged",
        };
        grid.row([(&file.path).into(), file.version.into(), written.into()]);
    }
    grid
}
