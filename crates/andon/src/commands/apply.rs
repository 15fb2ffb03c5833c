//! `andon apply`: puts folders of configuration into force, all or nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use andon_journal::{Change, Document, Finding};
use andon_model::Severity;
use clap::Args;
use reqwest::Method;

use crate::client::{ApplyAnswer, CheckAnswer, Client, ConfigurationAnswer, Difference, change_json};
use crate::commands::Context;
use crate::output::{Cell, Grid, Tone, painted};
use crate::scenario;

/// Put folders of configuration into force, all or nothing
///
/// Documents are created or replaced; an unchanged one keeps its version. The configuration as a whole is checked
/// first, with every decision's test cases; with a single error nothing changes.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// Scenario folders
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Remove documents that are in force but in none of the folders
    #[arg(long)]
    prune: bool,
    /// Only show what would change, and what the server finds wrong with it
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(apply: Apply, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    let changes = changes(&client, &apply.folders, apply.prune).await?;
    let output = context.output;
    if apply.dry_run {
        let path = "/api/v1/configuration/check";
        let answer: CheckAnswer = client.submit(Method::POST, path, &change_json(&changes)).await?;
        output.say(&answer, |answer| differences(&answer.changes, output.is_on_terminal()))?;
        output.aside(&findings_table(&answer.findings))?;
        return Ok(exit_code(&answer.findings));
    }
    let answer = put_into_force(&client, &changes).await?;
    output.say(&answer, summary)?;
    if !answer.findings.is_empty() {
        output.aside(&findings_table(&answer.findings))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Applies changes.
pub(crate) async fn put_into_force(client: &Client, changes: &[Change]) -> anyhow::Result<ApplyAnswer> {
    client.submit(Method::POST, "/api/v1/configuration/apply", &change_json(changes)).await
}

/// The documents of the folders; with `prune` also the removal of all others.
pub(crate) async fn changes(client: &Client, folders: &[PathBuf], prune: bool) -> anyhow::Result<Vec<Change>> {
    let mut documents = Vec::new();
    for folder in folders {
        documents.extend(scenario::read(folder)?);
    }
    let mut changes = if prune { removals(client, &documents).await? } else { Vec::new() };
    changes.extend(documents.into_iter().map(Change::Put));
    Ok(changes)
}

/// What is in force beside these documents, as removals.
async fn removals(client: &Client, kept: &[Document]) -> anyhow::Result<Vec<Change>> {
    let present: ConfigurationAnswer = client.get("/api/v1/configuration").await?;
    let documents = present.documents.into_iter().map(|version| version.document);
    let gone = documents.filter(|document| !kept.iter().any(|k| (k.kind, &k.name) == (document.kind, &document.name)));
    Ok(gone.map(|document| Change::Delete(document.kind, document.name)).collect())
}

/// Every difference as a patch, and how many there are.
fn differences(changes: &[Difference], colours: bool) -> String {
    let patches: String = changes.iter().map(|change| patch(change, colours)).collect();
    let count = |effect: &str| changes.iter().filter(|change| change.effect == effect).count();
    match changes {
        [] => "nothing differs from what is in force".to_owned(),
        _ => format!(
            "{patches}\n{} created, {} replaced, {} removed; nothing is applied yet\n",
            count("created"),
            count("replaced"),
            count("removed")
        ),
    }
}

/// One difference as a patch; what was left out is said.
pub(super) fn patch(difference: &Difference, colours: bool) -> String {
    let patch = painted(&difference.diff, colours);
    if difference.cut { format!("{patch}({} differs in more than is shown)\n", difference.path) } else { patch }
}

fn summary(answer: &ApplyAnswer) -> String {
    match answer.changed.as_slice() {
        [] => format!("nothing differs from revision {}", answer.revision),
        changed => format!("revision {} is in force:\n  {}", answer.revision, changed.join("\n  ")),
    }
}

/// What a check found, as a table.
pub(crate) fn findings_table(findings: &[Finding]) -> Grid {
    let mut grid = Grid::new(["severity", "code", "place", "what"], "no findings");
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => Cell::toned("error", Tone::Bad),
            Severity::Warning => Cell::toned("warning", Tone::Warn),
        };
        let problem = &finding.problem;
        let place = problem.place.clone().unwrap_or_default();
        grid.row([severity, problem.code.into(), place.into(), problem.detail.clone().into()]);
    }
    grid
}

/// Failure when an error is among the findings.
pub(crate) fn exit_code(findings: &[Finding]) -> ExitCode {
    let has_error = findings.iter().any(|finding| finding.severity == Severity::Error);
    if has_error { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
