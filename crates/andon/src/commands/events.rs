//! `andon events`: send, list, show, fetch what is attached, decide again, dry run.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_journal::{AttachmentInfo, EventRow, Page};
use andon_model::Decision;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, DeliveredAnswer, segment};
use crate::commands::{Context, dry_run};
use crate::output::{Cell, Failure, Grid, Output, Tone, facts_text, utc_time};
use crate::scenario::local;

/// Send, list and show events
#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Send files: CloudEvents, batches, or the framework's shape {"data":{…}}
    Send(Send),
    /// List events, newest first
    List(List),
    /// Show one event with its decision and runs
    Show {
        /// Its place in the journal
        offset: i64,
    },
    /// Fetch what is attached to an event
    Attachment(Attachment),
    /// Decide an event again whose decision failed or found no action
    Decide {
        /// Its place in the journal
        offset: i64,
    },
    /// Show what would happen to an event; nothing is stored or sent
    DryRun {
        /// CloudEvents, a batch, or the framework's shape; `-` reads standard input
        file: PathBuf,
    },
}

/// What to send and how.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// Files; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Deliver to this configured source instead of the one that the content suggests
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Media type of the files, for `--source`
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    content_type: String,
}

/// What to fetch, and where to put it.
#[derive(Debug, Args)]
pub(crate) struct Attachment {
    /// The event's place in the journal
    offset: i64,
    /// SHA-256 of the bytes, as `andon events show` lists it
    digest: String,
    /// File to write; standard output when absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Which events to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    /// Only events before this place
    #[arg(long, value_name = "OFFSET")]
    before: Option<i64>,
    /// Only this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only this subject
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
}

pub(crate) async fn run(events: Events, context: &Context) -> anyhow::Result<ExitCode> {
    let (client, output) = (context.client()?, context.output);
    match events {
        Events::Send(send) => return send_files(send, &client, context).await,
        Events::List(list) => {
            let page = list_page(&list, &client).await?;
            output.show(&page, list_table)?;
        }
        Events::Show { offset } => {
            let row: EventRow = client.get(&format!("/api/v1/events/{offset}")).await?;
            show(&row, context)?;
        }
        Events::Attachment(wanted) => fetch(&wanted, &client, output).await?,
        Events::Decide { offset } => {
            let _: Value = client.act(Method::POST, &format!("/api/v1/events/{offset}/decide")).await?;
            output.say(&json!({ "decided": offset }), |_| format!("event {offset} is decided again"))?;
        }
        Events::DryRun { file } => dry_run::run(&file, &read(&file)?, &client, context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn send_files(send: Send, client: &Client, context: &Context) -> anyhow::Result<ExitCode> {
    let (mut answers, mut failures) = (Vec::new(), Vec::new());
    for file in &send.files {
        match send_file(&send, file, client).await {
            Ok(answer) => answers.push((file.display().to_string(), answer)),
            Err(error) => failures.push(Failure::of(&error).about(file)),
        }
        if failures.last().is_some_and(Failure::is_general) {
            break;
        }
    }
    let all_decoded = answers.iter().all(|(_, answer)| answer.quarantined.is_empty());
    if !answers.is_empty() {
        context.output.show(&answers, |answers| sent_table(answers))?;
    }
    let is_well = all_decoded && failures.is_empty();
    for failure in failures {
        context.output.fail(&failure.into());
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn send_file(send: &Send, file: &Path, client: &Client) -> anyhow::Result<DeliveredAnswer> {
    let body = read(file)?;
    let (path, content_type) = match &send.source {
        Some(source) => (format!("/api/v1/sources/{}", segment(source)), send.content_type.clone()),
        None => intake_for(&body),
    };
    client.deliver(&path, &content_type, body).await
}

async fn fetch(wanted: &Attachment, client: &Client, output: Output) -> anyhow::Result<()> {
    let Attachment { offset, digest, output: file } = wanted;
    let bytes = client.bytes(&format!("/api/v1/events/{offset}/attachments/{}", segment(digest))).await?;
    let Some(file) = file else { return Output::bytes(&bytes) };
    std::fs::write(file, &bytes).map_err(|error| local(file, error.to_string()))?;
    let told = json!({ "file": file, "bytes": bytes.len() });
    output.say(&told, |_| format!("{} bytes are in {}", bytes.len(), file.display()))
}

/// The intake and media type that fit the content; what is not JSON is for the server to refuse.
pub(crate) fn intake_for(body: &[u8]) -> (String, String) {
    let (path, content_type) = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(_)) => ("/api/v1/events", "application/cloudevents-batch+json"),
        Ok(Value::Object(members)) if !members.contains_key("specversion") => ("/api/events", "application/json"),
        _ => ("/api/v1/events", "application/cloudevents+json"),
    };
    (path.to_owned(), content_type.to_owned())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return Ok(std::fs::read(file).map_err(|error| local(file, error.to_string()))?);
    }
    let mut body = Vec::new();
    std::io::stdin().lock().read_to_end(&mut body).map_err(|error| local(file, error.to_string()))?;
    Ok(body)
}

async fn list_page(list: &List, client: &Client) -> anyhow::Result<Page<EventRow>> {
    let query = [
        ("limit", Some(list.limit.to_string())),
        ("before", list.before.map(|before| before.to_string())),
        ("type", list.kind.clone()),
        ("subject", list.subject.clone()),
    ];
    client.list("/api/v1/events", &query).await
}

fn list_table(page: &Page<EventRow>) -> Grid {
    let header = ["event", "received", "type", "subject", "decision", "runs"];
    let mut grid = Grid::new(header, "no events");
    for row in &page.rows {
        grid.row([
            row.offset.into(),
            utc_time(row.received_at).into(),
            (&row.kind).into(),
            row.subject.clone().unwrap_or_default().into(),
            decision_cell(row),
            row.runs.iter().map(|run| run.status.as_str()).collect::<Vec<_>>().join(", ").into(),
        ]);
    }
    grid
}

/// What was decided: table and rows, or why not.
pub(crate) fn decision_cell(row: &EventRow) -> Cell {
    match (&row.failure, &row.decisions) {
        (Some(problem), _) => Cell::toned(format!("failed: {}", problem.code), Tone::Bad),
        (None, None) => Cell::toned("undecided", Tone::Warn),
        (None, Some(decisions)) => decisions.iter().map(decision_text).collect::<Vec<_>>().join("; ").into(),
    }
}

/// One decision: table and rows.
pub(crate) fn decision_text(decision: &Decision) -> String {
    let rows: Vec<String> = decision.rows.iter().map(|hit| hit.row.to_string()).collect();
    match rows.as_slice() {
        [] => format!("{}: no row", decision.table.name),
        _ => format!("{} row {}", decision.table.name, rows.join(", ")),
    }
}

fn show(row: &EventRow, context: &Context) -> anyhow::Result<()> {
    let output = context.output;
    output.show(row, facts)?;
    if let Some(decisions) = row.decisions.as_deref() {
        output.aside(&hits(decisions))?;
    }
    if !row.attachments.is_empty() {
        output.aside(&attached(&row.attachments))?;
    }
    output.aside(&super::runs::list_table(&row.runs))?;
    match &row.event {
        Some(event) => output.note(&serde_json::to_string_pretty(event)?),
        None => Ok(()),
    }
}

fn facts(row: &EventRow) -> Grid {
    let mut grid = Grid::pairs();
    grid.pair("event", row.offset);
    grid.pair("id", &row.id);
    grid.pair("source", &row.source);
    grid.pair("type", &row.kind);
    grid.pair("subject", row.subject.as_deref().unwrap_or("-"));
    grid.pair("received", utc_time(row.received_at));
    if let Some(problem) = &row.failure {
        grid.pair("failure", Cell::toned(problem.to_string(), Tone::Bad));
    }
    grid
}

fn attached(attachments: &[AttachmentInfo]) -> Grid {
    let mut grid = Grid::new(["attachment", "media type", "bytes", "digest"], "nothing is attached");
    for info in attachments {
        grid.row([(&info.name).into(), (&info.content_type).into(), info.bytes.into(), (&info.digest).into()]);
    }
    grid
}

fn hits(decisions: &[Decision]) -> Grid {
    let mut grid = Grid::new(["decision", "version", "row", "saw", "output"], "no table was asked");
    for decision in decisions {
        for hit in &decision.rows {
            grid.row([
                (&decision.table.name).into(),
                decision.table.version.into(),
                hit.row.into(),
                facts_text(&hit.saw).into(),
                facts_text(&hit.output).into(),
            ]);
        }
    }
    grid
}

fn sent_table(sent: &[(String, DeliveredAnswer)]) -> Grid {
    let mut grid = Grid::new(["file", "event", "result"], "nothing was sent");
    for (file, answer) in sent {
        for event in &answer.events {
            let result = if event.new { "stored" } else { "known before" };
            grid.row([file.into(), event.offset.into(), Cell::toned(result, Tone::Good)]);
        }
        if answer.events.is_empty() && answer.quarantined.is_empty() {
            grid.row([file.into(), "-".into(), "no event: nothing in it triggers one".into()]);
        }
        for entry in &answer.quarantined {
            let result = format!("quarantined as {}: {}", entry.id, entry.problem);
            grid.row([file.into(), "-".into(), Cell::toned(result, Tone::Bad)]);
        }
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, path: &str, content_type: &str) {
        assert_eq!(intake_for(body.as_bytes()), (path.to_owned(), content_type.to_owned()), "for {body}");
    }

    #[test]
    fn a_file_without_an_event_is_listed() {
        let answer = DeliveredAnswer { events: Vec::new(), quarantined: Vec::new() };
        let table = sent_table(&[("normal.json".to_owned(), answer)]).render(false);
        assert!(table.contains("normal.json") && table.contains("no event"), "{table}");
    }

    #[test]
    fn the_content_chooses_the_intake() {
        check(r#"{"specversion":"1.0"}"#, "/api/v1/events", "application/cloudevents+json");
        check("[]", "/api/v1/events", "application/cloudevents-batch+json");
        check(r#"{"data":{}}"#, "/api/events", "application/json");
        check("{", "/api/v1/events", "application/cloudevents+json");
    }
}
