//! A destination in memory, with the ways in which a real one fails.
//!
//! It goes on working when its client dies: a request that has arrived is processed to its end, so a
//! document may appear although nobody waits for the answer any more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use andon_act::{Answer, DestinationLimits, Found, ProbeQuery, Request, Response, StepKind, Target, TestLine};
use andon_model::{Code, Name, Problem};
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::Dice;

/// Probability of each fault, per request.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestinationFaults {
    /// Nothing arrives; the client knows it.
    pub unreachable: f64,
    /// Asks to come back later; nothing is processed.
    pub busy: f64,
    /// Fails before anything is created; the client cannot know.
    pub lost_before: f64,
    /// Creates the document, then the connection breaks.
    pub lost_after: f64,
    /// Answers so late that the client has given up; the document appears within the settle time.
    pub late: f64,
    /// A probe gets no definite answer.
    pub probe_fails: f64,
}

/// A document in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookEntry {
    /// The duplicate-guard key it was created with.
    pub key: String,
    /// Its number.
    pub number: String,
    /// Path it was created under.
    pub path: String,
    /// The body it was created from.
    pub body: String,
}

/// A change of a document, sent as `PATCH /documents/<number>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookChange {
    /// The document.
    pub number: String,
    /// The body.
    pub body: String,
}

/// What the destination keeps.
#[derive(Default)]
struct Ledger {
    entries: Vec<BookEntry>,
    changes: Vec<BookChange>,
    closed: BTreeSet<String>,
}

/// The destination; clones share the books.
#[derive(Clone)]
pub struct SimulatedDestination {
    ledger: Arc<Mutex<Ledger>>,
    dice: Dice,
    faults: DestinationFaults,
    limits: DestinationLimits,
}

/// How long the client waits for an answer.
const CLIENT_PATIENCE: Duration = Duration::from_millis(200);
/// How long after the client has given up a late document appears at most.
const LATEST: Duration = Duration::from_millis(900);

impl SimulatedDestination {
    /// A destination with empty books.
    pub fn new(dice: Dice, faults: DestinationFaults, limits: DestinationLimits) -> Self {
        Self { ledger: Arc::default(), dice, faults, limits }
    }

    /// Everything that was created, in order.
    pub fn books(&self) -> Vec<BookEntry> {
        self.lock().entries.clone()
    }

    /// Every change of a document, in order.
    pub fn changes(&self) -> Vec<BookChange> {
        self.lock().changes.clone()
    }

    /// Closes a document, as a person does: from now on it is read as `"phase": "closed"`.
    pub fn close(&self, number: &str) {
        self.lock().closed.insert(number.to_owned());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Processes a request on the server's side. Only changing requests are booked.
    fn process(&self, request: &Request) -> Response {
        let number = request.path.rsplit('/').next().unwrap_or_default();
        if request.method == "GET" {
            let phase = if self.lock().closed.contains(number) { "closed" } else { "open" };
            return response(json!({ "name": "Pump", "phase": phase }));
        }
        if request.method == "PATCH" {
            self.lock().changes.push(BookChange { number: number.to_owned(), body: content(request) });
            return response(json!({}));
        }
        if request.kind == StepKind::Summary {
            return response(self.write());
        }
        let entries = &mut self.lock().entries;
        let number = (10_000_001 + entries.len()).to_string();
        entries.push(BookEntry {
            key: request.key.to_string(),
            number: number.clone(),
            path: request.path.clone(),
            body: content(request),
        });
        let entity = json!({ "d": { "Number": number } });
        if request.changeset.is_empty() {
            return response(entity);
        }
        let parts = request.changeset.iter().map(|_| json!({ "status": 201, "body": entity }));
        response(json!({ "responses": parts.collect::<Vec<_>>() }))
    }

    /// What a model may write: a text, nothing, something else, or an attempt to break out of its field.
    fn write(&self) -> Value {
        let content = match self.dice.number(0, 4) {
            0 => json!("The pump is hot."),
            1 => json!(" \u{200b}\r\n"),
            2 => json!({ "text": "nested" }),
            3 => json!("\"}, {\"Ref\": \"STOLEN\"} \\ ".repeat(1_000)),
            _ => return json!("<html>"),
        };
        json!({ "choices": [{ "message": { "content": content } }] })
    }

    /// The server's side of one request, in a task of its own.
    fn serve(&self, request: &Request, late: bool) -> oneshot::Receiver<Response> {
        let (answer, answered) = oneshot::channel();
        let (server, request) = (self.clone(), request.clone());
        let before = if late { CLIENT_PATIENCE + self.dice.span(LATEST) } else { self.dice.span(CLIENT_PATIENCE / 4) };
        let after = self.dice.span(CLIENT_PATIENCE / 4);
        tokio::spawn(async move {
            tokio::time::sleep(before).await;
            let response = server.process(&request);
            tokio::time::sleep(after).await;
            drop(answer.send(response));
        });
        answered
    }
}

#[async_trait]
impl Target for SimulatedDestination {
    async fn send(&self, _destination: &Name, request: &Request) -> Answer {
        let faults = self.faults;
        if request.kind == StepKind::Summary && self.dice.chance(faults.late) {
            std::future::pending::<()>().await;
        }
        if self.dice.chance(faults.unreachable) {
            return Answer::Busy { problem: Problem::new(Code::Unreachable, "connection refused"), after: None };
        }
        if self.dice.chance(faults.busy) {
            let after = Some(self.dice.span(Duration::from_secs(2)));
            return Answer::Busy { problem: Problem::new(Code::Busy, "503"), after };
        }
        if self.dice.chance(faults.lost_before) {
            tokio::time::sleep(self.dice.span(CLIENT_PATIENCE)).await;
            return Answer::Lost(Problem::new(Code::Lost, "500 before anything was done"));
        }
        let late = self.dice.chance(faults.late);
        let answered = self.serve(request, late);
        let lost_after = self.dice.chance(faults.lost_after);
        match tokio::time::timeout(CLIENT_PATIENCE, answered).await {
            Ok(Ok(response)) if !lost_after => Answer::Done(response),
            Ok(_) => Answer::Lost(Problem::new(Code::Lost, "connection reset after the commit")),
            Err(_) => Answer::Lost(Problem::new(Code::Lost, "no answer in time")),
        }
    }

    async fn probe(&self, _destination: &Name, query: &ProbeQuery) -> Found {
        tokio::time::sleep(self.dice.span(CLIENT_PATIENCE / 4)).await;
        if self.dice.chance(self.faults.probe_fails) {
            return Found::Unknown(Problem::new(Code::Unreachable, "the probe was not answered"));
        }
        let hits: Vec<BookEntry> = self.books().into_iter().filter(|entry| entry.key == query.key.as_str()).collect();
        match hits.as_slice() {
            [] => Found::Absent,
            [one] => Found::One(response(json!({ "d": { "Number": one.number } }))),
            several => Found::Several(several.len()),
        }
    }

    async fn test(&self, _destination: &Name) -> Vec<TestLine> {
        Vec::new()
    }

    fn limits(&self, _destination: &Name) -> Option<DestinationLimits> {
        Some(self.limits)
    }
}

/// What a document is created from: the body, or the last part of a change set.
fn content(request: &Request) -> String {
    let part = request.changeset.last().and_then(|part| part.body.clone());
    request.body.clone().or(part).unwrap_or_default()
}

fn response(body: Value) -> Response {
    Response { status: 201, body, etag: None, location: None, warnings: Vec::new() }
}
