//! `andon replay`: which documents a changed configuration would have made of past events.
//!
//! The server evaluates and answers page by page, so that neither side holds more than a page; here the pages are
//! counted, and shown as a table with the first requests in full. With `--json` every differing event is a line of its
//! own, and the last line is the summary.

mod diff;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use andon_engine::{Difference, Moment, WhatIfPage};
use andon_model::{Code, Name, Offset, Timestamp};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Client, change_json};
use crate::commands::{Context, apply};
use crate::output::{Failure, Output};
use tally::Tally;

/// Show what a changed configuration would have made of past events; nothing is stored or sent
///
/// Every event of the range is decided, and its requests are rendered, by both configurations. Answers that later
/// templates read are the recorded ones. A request that made a document is shown with the document's number.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Folders with the changed configuration, as for apply
    #[arg(long = "with", required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// First event: its offset, or a time such as 2026-03-05T14:00:00Z [default: the oldest]
    #[arg(long, value_name = "OFFSET|TIME", value_parser = moment)]
    from: Option<Moment>,
    /// Last event by offset, or the time before which it was received [default: the newest]
    #[arg(long, value_name = "OFFSET|TIME", value_parser = moment)]
    to: Option<Moment>,
    /// What the change is compared with
    #[arg(long, value_enum, default_value_t = Base::Current)]
    against: Base,
    /// Only events of this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only events that this decision decides, before the change or after it
    #[arg(long, value_name = "NAME")]
    decision: Option<Name>,
    /// Only events with a run of this action, before the change or after it
    #[arg(long, value_name = "NAME")]
    action: Option<Name>,
    /// Take documents that are in none of the folders as removed
    #[arg(long)]
    prune: bool,
    /// How many differing requests are shown in full
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    show: usize,
}

/// What a change is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Base {
    /// The configuration in force
    Current,
    /// For each event the configuration by which it was decided
    Recorded,
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(offset) = text.parse() {
        return Ok(Moment::Offset(Offset(offset)));
    }
    let time = text.parse::<Timestamp>().map_err(|error| format!("not an offset, and {error}"))?;
    Ok(Moment::Time(time))
}

pub(crate) async fn run(replay: Replay, context: &Context) -> anyhow::Result<ExitCode> {
    let (client, output, started) = (context.client()?, context.output, Instant::now());
    check_range(replay.from, replay.to)?;
    let mut question = question(&replay, &client).await?;
    let mut tally = Tally::default();
    loop {
        let wanted = if output.is_json() { usize::MAX >> 1 } else { replay.show.saturating_sub(tally.shown()) };
        question["in_full"] = wanted.into();
        let mut page: WhatIfPage = client.submit(Method::POST, "/api/v1/what-if", &question).await?;
        let (differences, next) = (std::mem::take(&mut page.differences), page.next);
        tally.count(&page);
        for difference in differences {
            take(difference, &mut tally, &replay, output)?;
        }
        match next {
            Some(after) => question["after"] = json!(after),
            None => break,
        }
    }
    finish(&tally, started, output)?;
    Ok(ExitCode::SUCCESS)
}

/// A range that ends before it begins holds nothing, which would read as if nothing differed.
fn check_range(from: Option<Moment>, to: Option<Moment>) -> Result<(), Failure> {
    let is_empty = match (from, to) {
        (Some(Moment::Offset(from)), Some(Moment::Offset(to))) => to < from,
        (Some(Moment::Time(from)), Some(Moment::Time(to))) => to <= from,
        _ => false,
    };
    if is_empty {
        Err(Failure::new(Code::BadRequest, "the range ends before it begins").at("--from, --to"))
    } else {
        Ok(())
    }
}

async fn question(replay: &Replay, client: &Client) -> anyhow::Result<Value> {
    let mut question = change_json(&apply::changes(client, &replay.folders, replay.prune).await?);
    let asked = json!({ "from": replay.from, "to": replay.to, "against": replay.against,
        "source": replay.source, "type": replay.kind, "decision": replay.decision, "action": replay.action });
    if let (Some(question), Value::Object(asked)) = (question.as_object_mut(), asked) {
        question.extend(asked);
    }
    Ok(question)
}

/// Prints a difference, or keeps what is shown at the end.
fn take(difference: Difference, tally: &mut Tally, replay: &Replay, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        print_line(&difference)?;
    }
    tally.add(difference, replay.show);
    Ok(())
}

fn finish(tally: &Tally, started: Instant, output: Output) -> anyhow::Result<()> {
    let summary = tally.summary(started.elapsed());
    if output.is_json() {
        return print_line(&json!({ "summary": summary }));
    }
    if tally.differs() {
        output.aside(&tally.table())?;
    }
    for text in tally.texts() {
        output.note(text)?;
    }
    let gap = if tally.texts().is_empty() { "" } else { "\n" };
    output.note(&format!("{gap}{}", summary.sentence()))
}

fn print_line(value: &impl Serialize) -> anyhow::Result<()> {
    let line = serde_json::to_string(value).context("the result cannot be written as JSON")?;
    Output::bytes(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_offsets_or_times() {
        assert_eq!(moment("17"), Ok(Moment::Offset(Offset(17))));
        assert!(matches!(moment("2026-03-05T14:00:00Z"), Ok(Moment::Time(_))));
        assert!(moment("yesterday").expect_err("no moment").contains("not an offset"));
    }

    #[test]
    fn a_range_ends_after_it_begins() {
        let check = |from: &str, to: &str, good: bool| {
            assert_eq!(check_range(moment(from).ok(), moment(to).ok()).is_ok(), good, "{from} to {to}");
        };
        let (day, next) = ("2026-03-05T00:00:00Z", "2026-03-06T00:00:00Z");
        check("9", "9", true);
        check("9", "8", false);
        check(day, next, true);
        check(day, day, false);
        check(next, "1", true);
        check("", "1", true);
    }
}
