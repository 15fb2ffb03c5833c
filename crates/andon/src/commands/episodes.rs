//! `andon episodes`: which documents further events join.

use std::process::ExitCode;

use andon_journal::{EpisodeHolder, EpisodeKey, EpisodeRow, Page, RunDetail, RunRow};
use andon_model::{Code, Name, RunStatus, TimelineEntry, TimelineKind};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::client::Client;
use crate::commands::Context;
use crate::commands::runs::list_table as runs_table;
use crate::output::{Cell, Failure, Grid, Tone, utc_time};

/// Most runs of an episode that are shown.
const SHOWN_RUNS: usize = 50;

/// List, show and close episodes: documents that further events join
#[derive(Debug, Subcommand)]
pub(crate) enum Episodes {
    /// List episodes, the one that an event joined last first
    List(List),
    /// Show one episode with its runs
    Show {
        /// The action
        action: String,
        /// What its `once_per` gave
        key: String,
    },
    /// Close one: the next event makes a document of its own, whatever the destination says of the old one
    Close {
        /// The action
        action: Name,
        /// What its `once_per` gave
        key: String,
    },
}

/// Which episodes to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    /// Only this action
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
}

/// An episode with its runs, newest first.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    row: EpisodeRow,
    runs: Vec<RunRow>,
}

pub(crate) async fn run(episodes: Episodes, context: &Context) -> anyhow::Result<ExitCode> {
    let client = context.client()?;
    match episodes {
        Episodes::List(List { limit, action }) => {
            let query = [("limit", Some(limit.to_string())), ("action", action)];
            let rows: Vec<EpisodeRow> = client.list("/api/v1/episodes", &query).await?;
            context.output.show(&rows, |rows| list_table(rows))?;
        }
        Episodes::Show { action, key } => {
            let shown = find(&client, &action, &key).await?;
            context.output.show(&shown, |shown| facts(&shown.row))?;
            context.output.aside(&runs_table(&shown.runs))?;
        }
        Episodes::Close { action, key } => {
            let id = EpisodeKey { action, key };
            let _: Value = client.submit(Method::POST, "/api/v1/episodes/close", &id).await?;
            let sentence = |id: &EpisodeKey| format!("episode {:?} of {} is closed", id.key, id.action);
            context.output.say(&id, sentence)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(client: &Client, action: &str, key: &str) -> anyhow::Result<Shown> {
    let of = |name| [("action", Some(action.to_owned())), (name, Some(key.to_owned())), limit()];
    let rows: Vec<EpisodeRow> = client.list("/api/v1/episodes", &of("key")).await?;
    let Some(row) = rows.into_iter().next() else {
        let detail = format!("action {action} has no episode {key:?}");
        return Err(Failure::new(Code::NotFound, detail).into());
    };
    let page: Page<RunRow> = client.list("/api/v1/runs", &of("episode")).await?;
    Ok(Shown { row, runs: page.rows })
}

fn limit() -> (&'static str, Option<String>) {
    ("limit", Some(SHOWN_RUNS.to_string()))
}

fn list_table(rows: &[EpisodeRow]) -> Grid {
    let header = ["action", "key", "document", "state", "further events", "first", "last"];
    let mut grid = Grid::new(header, "no episodes");
    for row in rows {
        let episode = &row.episode;
        grid.row([
            (&episode.id.action).into(),
            (&episode.id.key).into(),
            (&episode.document).into(),
            state_cell(row.held_by.as_ref()),
            further(row).into(),
            utc_time(episode.opened_at).into(),
            utc_time(episode.touched_at).into(),
        ]);
    }
    grid
}

/// Events after the one that opened it.
fn further(row: &EpisodeRow) -> i64 {
    row.episode.count.saturating_sub(1)
}

/// How it stood at its last event; whether it is open still is known in the destination.
fn state_cell(holder: Option<&EpisodeHolder>) -> Cell {
    match holder {
        None => Cell::toned("open", Tone::Good),
        Some(EpisodeHolder { run, status: RunStatus::Parked }) => {
            Cell::toned(format!("held by parked run {run}"), Tone::Bad)
        }
        Some(EpisodeHolder { run, .. }) => Cell::toned(format!("run {run} under way"), Tone::Warn),
    }
}

fn facts(row: &EpisodeRow) -> Grid {
    let episode = &row.episode;
    let mut grid = Grid::pairs();
    grid.pair("action", &episode.id.action);
    grid.pair("key", &episode.id.key);
    grid.pair("document", &episode.document);
    grid.pair("opened by run", &episode.run);
    grid.pair("state", state_cell(row.held_by.as_ref()));
    grid.pair("further events", further(row));
    grid.pair("first", utc_time(episode.opened_at));
    grid.pair("last", utc_time(episode.touched_at));
    grid
}

/// What a run had to do with its episode, in one line; `None` for a run without one.
pub(crate) fn part_of(detail: &RunDetail) -> Option<String> {
    let episode = detail.episode.as_ref()?;
    let key = &episode.key;
    let part = match (episode.route.as_deref(), &episode.open, &episode.behind) {
        (None, _, Some(ahead)) => format!("waits for run {ahead}"),
        (None, _, None) => "waits for its turn".to_owned(),
        (Some("full"), Some(open), _) => format!("opened, document {}", open.document),
        (Some("full"), None, _) => "makes a document of its own".to_owned(),
        (_, None, _) => return Some(key.clone()),
        (_, Some(open), _) if detail.row.status == RunStatus::Done => {
            let did = if has_updated(&detail.timeline) { "updated" } else { "counted into" };
            format!("{did} document {} as event {} of it", open.document, open.count)
        }
        (Some("check"), Some(open), _) => format!("asks whether document {} is open", open.document),
        (_, Some(open), _) => format!("updates document {}", open.document),
    };
    Some(format!("{key}: {part}"))
}

/// Whether something was sent after the run had joined the open document.
fn has_updated(timeline: &[TimelineEntry]) -> bool {
    let mut entries = timeline.iter().rev().take_while(|entry| entry.kind != TimelineKind::Joined);
    entries.any(|entry| entry.kind == TimelineKind::Sending)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn detail(status: &str, episode: &Value, kinds: &[&str]) -> RunDetail {
        let entry = |kind: &&str| json!({ "at": "2026-04-02T06:00:00Z", "kind": kind, "detail": null });
        let run = json!({
            "sequence": 1, "id": "R2", "event": 2, "action": "notify", "revision": 1, "status": status,
            "documents": "", "summary": "", "due": null, "created_at": "2026-04-02T06:00:00Z",
            "updated_at": "2026-04-02T06:00:00Z", "episode": episode,
            "timeline": kinds.iter().map(entry).collect::<Vec<_>>(),
        });
        serde_json::from_value(run).expect("a run")
    }

    fn check(status: &str, episode: &Value, kinds: &[&str], expected: &str) {
        assert_eq!(part_of(&detail(status, episode, kinds)).as_deref(), Some(expected));
    }

    #[test]
    fn a_run_says_what_it_did_to_its_episode() {
        let time = "2026-04-02T06:00:00Z";
        let open = json!({ "document": "17", "run": "R1", "opened_at": time, "touched_at": time, "count": 3 });
        let with = |route: &str| json!({ "key": "p/hot", "route": route, "open": open });
        check("done", &with("full"), &["planned", "sending"], "p/hot: opened, document 17");
        check(
            "done",
            &with("update"),
            &["sending", "joined", "sending"],
            "p/hot: updated document 17 as event 3 of it",
        );
        check(
            "done",
            &with("update"),
            &["sending", "joined", "settled"],
            "p/hot: counted into document 17 as event 3 of it",
        );
        check("sending", &with("update"), &["joined", "sending"], "p/hot: updates document 17");
        check("sending", &with("check"), &["sending"], "p/hot: asks whether document 17 is open");
        check("queued", &json!({ "key": "p/hot", "behind": "R1" }), &[], "p/hot: waits for run R1");
        check("parked", &json!({ "key": "p/hot", "route": "full" }), &["lost"], "p/hot: makes a document of its own");
        assert_eq!(part_of(&detail("done", &Value::Null, &[])), None);
    }
}
