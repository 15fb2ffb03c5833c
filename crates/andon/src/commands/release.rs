//! Moving on runs that stopped: one by one, or all that were refused.

use std::process::ExitCode;

use andon_journal::{Page, RunRow};
use andon_model::{Release, RunStatus};
use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::client::{Client, segment};
use crate::commands::Context;
use crate::output::Failure;

/// Runs read at once.
const PAGE: usize = 1_000;

/// Which runs to try again.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// Their identifiers
    #[arg(value_name = "RUN", required_unless_present = "refused")]
    runs: Vec<String>,
    /// Every refused run, as after the right password was stored
    #[arg(long, conflicts_with_all = ["runs", "confirmed_absent"])]
    refused: bool,
    /// With --refused: only runs of this action
    #[arg(long, value_name = "NAME", requires = "refused")]
    action: Option<String>,
    /// You have looked: the document does not exist in the destination
    #[arg(long)]
    confirmed_absent: bool,
}

/// A run that was moved on.
#[derive(Serialize)]
struct Released<'a> {
    run: &'a str,
    released: &'a Release,
}

pub(crate) async fn retry(retry: Retry, client: &Client, context: &Context) -> anyhow::Result<ExitCode> {
    let release = Release::Retry { confirmed_absent: retry.confirmed_absent };
    let all = if retry.refused { refused(retry.action, client).await? } else { retry.runs };
    if let ([run], false) = (all.as_slice(), retry.refused) {
        return one(run, &release, "is tried again", client, context).await;
    }
    let (mut released, mut failures) = (Vec::new(), Vec::new());
    for run in &all {
        match send(run, &release, client).await {
            Ok(()) => released.push(Released { run, released: &release }),
            Err(error) => failures.push(Failure::of(&error)),
        }
        if failures.last().is_some_and(Failure::is_general) {
            break;
        }
    }
    context.output.say(&released, |released| format!("{} of {} runs are tried again", released.len(), all.len()))?;
    let is_well = failures.is_empty();
    for failure in failures {
        context.output.fail(&failure.into());
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Moves on one run, and says so.
pub(crate) async fn one(
    run: &str,
    release: &Release,
    done: &str,
    client: &Client,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    send(run, release, client).await?;
    context.output.say(&Released { run, released: release }, |_| format!("run {run} {done}"))?;
    Ok(ExitCode::SUCCESS)
}

async fn send(run: &str, release: &Release, client: &Client) -> anyhow::Result<()> {
    let path = format!("/api/v1/runs/{}/release", segment(run));
    let _: Value = client.submit(Method::POST, &path, release).await?;
    Ok(())
}

/// All that are refused now; a run that is refused again meanwhile does not come twice.
async fn refused(action: Option<String>, client: &Client) -> anyhow::Result<Vec<String>> {
    let (mut runs, mut before) = (Vec::new(), None::<i64>);
    loop {
        let query = [
            ("status", Some(RunStatus::Refused.to_string())),
            ("limit", Some(PAGE.to_string())),
            ("action", action.clone()),
            ("before", before.map(|before| before.to_string())),
        ];
        let page: Page<RunRow> = client.list("/api/v1/runs", &query).await?;
        before = page.rows.last().map(|row| row.sequence);
        let is_last = page.rows.len() < PAGE;
        runs.extend(page.rows.into_iter().map(|row| row.id.to_string()));
        if is_last {
            return Ok(runs);
        }
    }
}
