//! `andon check`: what `apply` would say, without a server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use andon_connectors::metadata::{Services, services_without_metadata};
use andon_journal::{Change, Document, DocumentKind, Finding};
use clap::Args;
use serde::Serialize;

use crate::commands::Context;
use crate::commands::apply::{exit_code, findings_table};
use crate::scenario;
use crate::wiring;
use crate::wiring::secrets::{self, Kept, Need};

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
    /// Services whose metadata is not in the folders, so that no step was compared with it.
    not_compared: Vec<NotCompared>,
}

/// A service without metadata.
#[derive(Debug, Serialize)]
struct NotCompared {
    destination: String,
    service: String,
}

pub(crate) async fn run(check: &Check, context: &Context) -> anyhow::Result<ExitCode> {
    let mut documents = Vec::new();
    for folder in &check.folders {
        documents.extend(scenario::read(folder)?);
    }
    let (count, needs, not_compared) = (documents.len(), secrets::named(&documents), not_compared(&documents));
    let findings = wiring::check(documents.into_iter().map(Change::Put).collect()).await?;
    let checked = Checked { documents: count, findings, not_compared };
    if checked.findings.is_empty() {
        context.output.say(&checked, |_| format!("{count} documents are good, every test case passes"))?;
    } else {
        context.output.show(&checked, |checked| findings_table(&checked.findings))?;
    }
    for (kept, places) in places_by_secret(needs) {
        let places = places.into_iter().collect::<Vec<_>>().join(", ");
        context.output.note(&format!("needed at the server: {kept} ({places})"))?;
    }
    for NotCompared { destination, service } in &checked.not_compared {
        let fetch = format!("andon destinations metadata {destination} --service {service} --save <folder>");
        context.output.note(&format!("not compared with $metadata, which is not in the folder: {fetch}"))?;
    }
    Ok(exit_code(&checked.findings))
}

/// Folders that are checked together name the same secrets at the same places.
fn places_by_secret(needs: Vec<Need>) -> BTreeMap<Kept, BTreeSet<String>> {
    let mut secrets: BTreeMap<Kept, BTreeSet<String>> = BTreeMap::new();
    for Need { kept, place } in needs {
        secrets.entry(kept).or_default().insert(place);
    }
    secrets
}

fn not_compared(documents: &[Document]) -> Vec<NotCompared> {
    let services = Services::read(documents);
    let actions = documents.iter().filter(|document| document.kind == DocumentKind::Action);
    let found: BTreeSet<_> = actions.flat_map(|action| services_without_metadata(action, &services)).collect();
    found.into_iter().map(|(destination, service)| NotCompared { destination, service }).collect()
}
