//! `andon events dry-run`: the decision and every step's request as far as it is known, with nothing stored or sent.
//!
//! Files are decoded here by the decoder that the intake would use, because the API takes one event.

use std::path::Path;

use andon_act::{ChangesetPart, Request, StepPreview};
use andon_connectors::decode::{CloudEvents, Framework};
use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Decision, Event, Name, Problem};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::commands::Context;
use crate::commands::events::{decision_text, intake_for};
use crate::output::{Cell, Grid, Tone, facts_text};

/// `POST /api/v1/dry-run`
#[derive(Debug, Serialize, Deserialize)]
struct DryRunAnswer {
    revision: i64,
    decisions: Vec<Decision>,
    actions: Vec<ActionAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Problem>,
}

/// What one action would do.
#[derive(Debug, Serialize, Deserialize)]
struct ActionAnswer {
    action: Name,
    output: Value,
    steps: Vec<StepPreview>,
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
    for step in answers.iter().flat_map(|(_, answer)| &answer.actions).flat_map(|action| &action.steps) {
        if let Some(text) = step_text(step) {
            context.output.note(&text)?;
        }
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
    let header = ["event", "decision", "action", "step", "would"];
    let mut grid = Grid::new(header, "the file holds no event");
    for (id, answer) in answers {
        let decided = match &answer.failure {
            Some(problem) => Cell::toned(problem.to_string(), Tone::Bad),
            None => answer.decisions.iter().map(decision_text).collect::<Vec<_>>().join("; ").into(),
        };
        if answer.actions.is_empty() {
            grid.row([id.into(), decided.clone(), "none".into(), "".into(), "".into()]);
        }
        for action in &answer.actions {
            for (step, would) in rows(action) {
                grid.row([id.into(), decided.clone(), (&action.action).into(), step.into(), would]);
            }
        }
    }
    grid
}

/// One row per step; one for the action as a whole when it would not begin.
fn rows(action: &ActionAnswer) -> Vec<(String, Cell)> {
    let problem = action.problem.iter().map(|problem| (String::new(), Cell::toned(problem.to_string(), Tone::Bad)));
    let steps = action.steps.iter().map(|step| (step.step.to_string(), would(step)));
    problem.chain(steps).collect()
}

/// What a step would do, in a few words.
fn would(step: &StepPreview) -> Cell {
    match step {
        StepPreview { problem: Some(problem), .. } => Cell::toned(problem.to_string(), Tone::Bad),
        StepPreview { request: Some(request), .. } => format!("send {} {}", request.method, request.path).into(),
        StepPreview { answer: Some(answer), .. } => format!("answer {}", facts_text(answer)).into(),
        StepPreview { open, .. } if open.is_empty() => "send nothing".into(),
        StepPreview { open, .. } => format!("depend on {}", open.join(", ")).into(),
    }
}

/// The request of a step with what it still waits for.
fn step_text(step: &StepPreview) -> Option<String> {
    let request = request_text(step.request.as_ref()?);
    let destination = step.destination.as_ref().map_or_else(String::new, |name| format!(" to {name}"));
    let open = match step.open.as_slice() {
        [] => String::new(),
        open => format!(", once these are known: {}", open.join(", ")),
    };
    Some(format!("\nstep {}{destination}{open}{request}", step.step))
}

fn request_text(request: &Request) -> String {
    let headers = header_lines(&request.headers);
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let body = body_lines(request.body.as_deref());
    let parts: String = request.changeset.iter().map(part_text).collect();
    format!("\n{} {}{query}{headers}{body}{parts}", request.method, request.path)
}

/// One request of a change set.
fn part_text(part: &ChangesetPart) -> String {
    let (headers, body) = (header_lines(&part.headers), body_lines(part.body.as_deref()));
    format!("\npart {}: {} {}{headers}{body}", part.content_id, part.method, part.path)
}

fn header_lines(headers: &[(String, String)]) -> String {
    headers.iter().flat_map(|(name, value)| ["\n", name, ": ", value]).collect()
}

fn body_lines(body: Option<&str>) -> String {
    body.map_or_else(String::new, |body| format!("\n{}", body.trim()))
}
