//! Sending one request with all that belongs to it.
//!
//! **Constraints.** A request is sent again only after an answer which says that it was not processed: "token
//! required", or "another version". What fails before it is sent is busy or refused, never lost.
//!
//! **Life of a request.** Its body is loaded or written; credentials are fetched; the budget is asked; a token
//! with its cookies is taken from the session or fetched; it is sent; the answer is classified.

use std::time::Duration;

use andon_act::{Answer, IfMatch, Request, StepKind};
use andon_model::{Code, Problem};
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::allowance::Allowance;
use super::classify::Reading;
use super::client::Outgoing;
use super::connection::{Connection, refused};
use super::credentials::Credentials;
use super::exchange::{Failure, Reply};
use super::payload::{self, Payload};
use super::redact::Redactor;
use crate::odata::session::Session;

/// Exchanges that a request may take: a token, a version, the request, and what of it is repeated.
const EXCHANGES: u32 = 4;

/// Longest answer of a language model that is read; a text of some thousand characters is far below it.
const MAX_SUMMARY_BYTES: usize = 256 << 10;

/// One request under way: what stays the same in all its exchanges.
pub(super) struct Sending<'a> {
    pub(super) connection: &'a Connection,
    pub(super) request: &'a Request,
    pub(super) credentials: Credentials,
    payload: Option<Payload>,
    allowance: Allowance,
}

/// What came of one exchange, and the session that it was sent with.
pub(super) struct Sent {
    pub(super) outcome: Result<Reply, Failure>,
    session: Option<Session>,
}

impl Connection {
    /// Sends a request and says what came of it.
    pub(super) async fn send(&self, request: &Request) -> Answer {
        match Sending::prepare(self, request).await {
            Ok(sending) => sending.send().await,
            Err(answer) => answer,
        }
    }
}

impl<'a> Sending<'a> {
    /// Everything that is needed before the first byte leaves.
    async fn prepare(connection: &'a Connection, request: &'a Request) -> Result<Self, Answer> {
        if request.repeatable_since.is_some() && !connection.spec.odata.repeatable {
            let problem = Problem::new(Code::ConfigurationValue, NOT_REPEATABLE);
            return Err(refused(problem.at(connection.place(request))));
        }
        // Whoever waits for a summary waits no longer than its timeout, whatever it takes.
        let exchanges = if request.kind == StepKind::Summary { 1 } else { EXCHANGES };
        let allowance = Allowance::new(request.timeout(), exchanges);
        let payload = payload::load(request, connection.attachments()).await?;
        let credentials = connection.credentials.clone();
        match connection.take_from_budget(request) {
            Some(answer) => Err(answer),
            None => Ok(Self { connection, request, credentials, payload, allowance }),
        }
    }

    async fn send(&self) -> Answer {
        match self.request.if_match {
            Some(IfMatch::Read) => self.send_versioned().await,
            None => match self.exchange(None).await {
                Ok(sent) => self.read(sent),
                Err(answer) => answer,
            },
        }
    }

    /// Sends the request, a second time only when a new token is asked for. The error: it was not sent.
    pub(super) async fn exchange(&self, version: Option<&str>) -> Result<Sent, Answer> {
        if !self.request.csrf {
            return self.exchange_with(None, version).await;
        }
        let service = self.connection.token_path(self.request);
        let session = self.session(&service, None).await?;
        let sent = self.exchange_with(Some(session), version).await?;
        if !token_required(&sent.outcome) {
            return Ok(sent);
        }
        let session = self.session(&service, sent.session.as_ref()).await?;
        self.exchange_with(Some(session), version).await
    }

    async fn exchange_with(&self, session: Option<Session>, version: Option<&str>) -> Result<Sent, Answer> {
        let mut headers = protocol_headers(self.request, session.as_ref());
        headers.extend(self.request.headers.iter().cloned());
        headers.extend(version.map(|tag| ("if-match".to_owned(), tag.to_owned())));
        let outgoing = self.outgoing(&headers).map_err(|problem| refused(problem.at(self.place())))?;
        let outgoing = Outgoing { timeout: self.time().ok_or_else(|| self.out_of_time())?, ..outgoing };
        let outcome = self.connection.perform(outgoing, &self.credentials).await;
        let outcome = outcome.map_err(|problem| refused(problem.at(self.place())))?;
        Ok(Sent { outcome, session })
    }

    fn outgoing<'h>(&'h self, headers: &'h [(String, String)]) -> Result<Outgoing<'h>, Problem> {
        let request = self.request;
        // What takes a token is SAP's gateway, also when a plain http step calls it.
        let gateway = if request.csrf { StepKind::Odata } else { request.kind };
        let limit = self.connection.spec.max_response_bytes;
        Ok(Outgoing {
            method: method(&request.method)?,
            url: self.connection.url(gateway, &request.path, &request.query)?,
            headers,
            body: self.payload.as_ref().map(|payload| (payload.content_type.as_str(), payload.bytes.clone())),
            timeout: request.timeout(),
            limit: if request.kind == StepKind::Summary { limit.min(MAX_SUMMARY_BYTES) } else { limit },
        })
    }

    /// A session within the time that is left; waiting longer is busy, since nothing was sent.
    async fn session(&self, service: &str, stale: Option<&Session>) -> Result<Session, Answer> {
        let limit = self.time().ok_or_else(|| self.out_of_time())?;
        match tokio::time::timeout(limit, self.connection.session(service, stale, &self.credentials)).await {
            Ok(session) => session,
            Err(_) => Err(self.too_late(&format!("no CSRF token within {} s", limit.as_secs_f32()))),
        }
    }

    /// Time for the next exchange; `None`: there is none left, and nothing is under way.
    pub(super) fn time(&self) -> Option<Duration> {
        self.allowance.next()
    }

    pub(super) fn out_of_time(&self) -> Answer {
        self.too_late("the time was used up before the request could be sent")
    }

    fn too_late(&self, why: &str) -> Answer {
        Answer::Busy { problem: Problem::new(Code::Unreachable, why).at(self.place()), after: None }
    }

    /// What came of it, in words that hold nothing secret.
    pub(super) fn read(&self, sent: Sent) -> Answer {
        let Sent { outcome, session } = sent;
        if outcome.as_ref().is_ok_and(|reply| reply.status == StatusCode::UNAUTHORIZED) {
            self.connection.forget_sessions();
        }
        let unsupported = self.request.repeatable_since.is_some() && !is_repeatable(&outcome);
        let mut redactor = self.credentials.redactor.clone();
        if let Some(session) = &session {
            redactor.hide(&session.token);
            session.cookies.iter().for_each(|cookie| redactor.hide(cookie));
        }
        let reading = self.reading(self.place(), &redactor);
        if session.is_some() && token_required(&outcome) {
            // Twice in a row: other requests lost the session as well. Nothing was processed, so later is safe.
            self.connection.forget_sessions();
            return Answer::Busy { problem: reading.problem(Code::Busy, NO_TOKEN_ACCEPTED), after: None };
        }
        let reading = Reading { parts: self.request.changeset.len(), ..reading };
        let mut answer = reading.answer(outcome);
        if let (true, Answer::Done(response)) = (unsupported, &mut answer) {
            response.warnings.push(NOT_HONOURED.to_owned());
        }
        answer
    }

    /// How answers to this request are read.
    pub(super) fn reading<'r>(&'r self, place: String, redactor: &'r Redactor) -> Reading<'r> {
        Reading { kind: self.request.kind, parts: 0, place, redactor, clock: self.connection.clock() }
    }

    pub(super) fn place(&self) -> String {
        self.connection.place(self.request)
    }
}

/// Headers of the protocol; a step's own come after them and win.
fn protocol_headers(request: &Request, session: Option<&Session>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let mut set = |name: &str, value: String| headers.push((name.to_owned(), value));
    match request.kind {
        // Of a batch every part says for itself what it takes.
        _ if !request.changeset.is_empty() => set("accept", "multipart/mixed".to_owned()),
        StepKind::Http | StepKind::Lookup => {}
        StepKind::Odata | StepKind::OdataV4 | StepKind::Attachment | StepKind::Decision | StepKind::Summary => {
            set("accept", "application/json".to_owned());
        }
    }
    if let Some(session) = session {
        set("x-csrf-token", session.token.clone());
        session.cookie_header().into_iter().for_each(|cookies| set("cookie", cookies));
    }
    if let Some(since) = request.repeatable_since {
        let since = Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(0));
        set("requestid", hex::encode_upper(&Sha256::digest(request.key.as_str())[..16]));
        set("repeatabilitycreation", httpdate::fmt_http_date(std::time::UNIX_EPOCH + since));
    }
    headers
}

fn method(name: &str) -> Result<Method, Problem> {
    let refuse = || Problem::new(Code::BadBody, format!("{name:?} is not an HTTP method"));
    Method::from_bytes(name.as_bytes()).map_err(|_| refuse())
}

/// 403 with `x-csrf-token: Required`: the token or its session is gone, nothing was processed.
fn token_required(outcome: &Result<Reply, Failure>) -> bool {
    outcome.as_ref().is_ok_and(|reply| {
        let asks = reply.header("x-csrf-token").is_some_and(|value| value.eq_ignore_ascii_case("required"));
        reply.status == StatusCode::FORBIDDEN && asks
    })
}

fn is_repeatable(outcome: &Result<Reply, Failure>) -> bool {
    outcome.as_ref().is_ok_and(|reply| reply.header("repeatabilityresult") == Some("accepted"))
}

const NOT_REPEATABLE: &str =
    "the step counts on repeatable requests, but the destination does not say repeatable = true in [odata]";

const NOT_HONOURED: &str =
    "the service did not confirm RequestID (RepeatabilityResult: accepted); use another duplicate guard for this step";

const NO_TOKEN_ACCEPTED: &str = "HTTP 403, CSRF token required, also with a token that was just fetched";
