//! `andon check`: what `apply` would say, without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_journal::{Change, Finding};
use clap::Args;
use serde::Serialize;

use crate::commands::Context;
use crate::commands::apply::{exit_code, findings_table};
use crate::scenario;
use crate::wiring::{self, secrets};

/// Check folders of configuration without a server and run their test cases
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Scenario folders; several are checked together, as one configuration
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

/// What was checked and found.
#[derive(Debug, Serialize)]
struct Checked {
    documents: usize,
    findings: Vec<Finding>,
}

pub(crate) async fn run(check: &Check, context: &Context) -> anyhow::Result<ExitCode> {
    let mut documents = Vec::new();
    for folder in &check.folders {
        documents.extend(scenario::read(folder)?);
    }
    let (count, needs) = (documents.len(), secrets::named(&documents));
    let findings = wiring::check(documents.into_iter().map(Change::Put).collect()).await?;
    let checked = Checked { documents: count, findings };
    if checked.findings.is_empty() {
        context.output.say(&checked, |_| format!("{count} documents are good, every test case passes"))?;
    } else {
        context.output.show(&checked, |checked| findings_table(&checked.findings))?;
    }
    for need in needs {
        context.output.note(&format!("needed at the server: {} ({})", need.kept, need.place))?;
    }
    Ok(exit_code(&checked.findings))
}
