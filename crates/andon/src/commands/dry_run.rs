//! `andon events dry-run`: the decision and the exact first request, with nothing stored and nothing sent.
//!
//! Files are decoded here by the decoder that the intake would use, because the API takes one event.

use std::path::Path;

use andon_act::Request;
use andon_connectors::decode::{CloudEvents, Framework};
use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Decision, Event, Name, Problem};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::commands::Context;
use crate::commands::events::{decision_text, intake_for};
use crate::output::{Cell, Grid, Tone};

/// `POST /api/v1/dry-run`
#[derive(Debug, Serialize, Deserialize)]
struct DryRunAnswer {
    revision: i64,
    decisions: Vec<Decision>,
    actions: Vec<ActionAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Problem>,
}

/// What one action would do first.
#[derive(Debug, Serialize, Deserialize)]
struct ActionAnswer {
    action: Name,
    output: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

pub(super) async fn run(file: &Path, body: &[u8], client: &Client, context: &Context) -> anyhow::Result<()> {
    let mut answers = Vec::new();
    for event in decode(file, body)? {
        let answer: DryRunAnswer = client.submit(Method::POST, "/api/v1/dry-run", &event).await?;
        answers.push((event.id, answer));
    }
    context.output.show(&answers, |answers| table(answers))?;
    for request in answers.iter().flat_map(|(_, answer)| &answer.actions).filter_map(|action| action.request.as_ref()) {
        context.output.note(&request_text(request))?;
    }
    Ok(())
}

fn decode(file: &Path, body: &[u8]) -> Result<Vec<Event>, Problem> {
    let (path, content_type) = intake_for(body);
    let delivery = Delivery { content_type: Some(content_type), body: body.to_vec().into(), ..Delivery::default() };
    let decoder: &dyn Decoder = if path == "/api/events" { &Framework } else { &CloudEvents };
    let Decoded { events, mut faults, .. } = decoder.decode(&delivery);
    match faults.pop() {
        None => Ok(events),
        Some((problem, _)) => {
            let place = format!("{} {}", file.display(), problem.place.as_deref().unwrap_or_default());
            Err(problem.at(place.trim_end()))
        }
    }
}

fn table(answers: &[(String, DryRunAnswer)]) -> Grid {
    let mut grid = Grid::new(["event", "decision", "action", "first request"], "the file holds no event");
    for (id, answer) in answers {
        let decided = match &answer.failure {
            Some(problem) => Cell::toned(problem.to_string(), Tone::Bad),
            None => answer.decisions.iter().map(decision_text).collect::<Vec<_>>().join("; ").into(),
        };
        if answer.actions.is_empty() {
            grid.row([id.into(), decided.clone(), "none".into(), "".into()]);
        }
        for action in &answer.actions {
            grid.row([id.into(), decided.clone(), (&action.action).into(), first_request(action)]);
        }
    }
    grid
}

fn first_request(action: &ActionAnswer) -> Cell {
    match (&action.request, &action.problem) {
        (Some(request), _) => format!("{} {}", request.method, request.path).into(),
        (None, Some(problem)) => Cell::toned(problem.to_string(), Tone::Bad),
        (None, None) => "".into(),
    }
}

fn request_text(request: &Request) -> String {
    let headers = request.headers.iter().map(|(name, value)| format!("\n{name}: {value}"));
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let body = request.body.as_ref().map_or_else(String::new, |body| format!("\n{}", body.trim()));
    format!("\n{} {}{query}{}{body}", request.method, request.path, headers.collect::<String>())
}
