//! One destination in use: its client, its sessions, and the sending of requests.

use std::sync::Arc;
use std::time::Duration;

use andon_act::{Answer, Found, ProbeQuery, Request, StepKind};
use andon_journal::Secrets;
use andon_model::{Clock, Code, Problem};
use reqwest::{Client, Method, StatusCode};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::address::join;
use super::classify::Reading;
use super::client::{self, Credentials, Outgoing};
use super::exchange::{Failure, Reply, exchange};
use super::spec::DestinationSpec;
use crate::odata::probe;
use crate::odata::session::{Session, Sessions};

/// A destination with its open connections.
pub(super) struct Connection {
    pub(super) spec: DestinationSpec,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    client: OnceCell<Client>,
    sessions: Sessions,
}

impl Connection {
    pub(super) fn new(spec: DestinationSpec, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self { spec, secrets, clock, client: OnceCell::new(), sessions: Sessions::default() }
    }

    /// Sends a request; at most twice, and the second time only when the first was answered by
    /// "token required", which means that it was not processed.
    pub(super) async fn send(&self, request: &Request) -> Answer {
        if request.repeatable_since.is_some() && !self.spec.odata.repeatable {
            return refused(Problem::new(Code::ConfigurationValue, NOT_REPEATABLE).at(self.place(request)));
        }
        let credentials = match self.credentials().await {
            Ok(credentials) => credentials,
            Err(problem) => return not_sent(problem),
        };
        let service = request.csrf.then(|| self.token_path(request));
        let mut stale: Option<Session> = None;
        loop {
            let session = match &service {
                None => None,
                Some(service) => match self.session_in_time(request, service, stale.as_ref(), &credentials).await {
                    Ok(session) => Some(session),
                    Err(answer) => return answer,
                },
            };
            let outcome = match self.exchange_once(request, session.as_ref(), &credentials).await {
                Ok(outcome) => outcome,
                Err(problem) => return refused(problem.at(self.place(request))),
            };
            if stale.is_none() && session.is_some() && token_required(&outcome) {
                stale = session;
                continue;
            }
            return self.read(request, &credentials, session.as_ref(), outcome);
        }
    }

    /// A session within the request's own timeout; waiting longer is busy, since nothing was sent.
    async fn session_in_time(
        &self,
        request: &Request,
        service: &str,
        stale: Option<&Session>,
        credentials: &Credentials,
    ) -> Result<Session, Answer> {
        let limit = request.timeout();
        if let Ok(session) = tokio::time::timeout(limit, self.session(service, stale, credentials)).await {
            return session;
        }
        let detail = format!("no CSRF token within {} s", limit.as_secs_f32());
        Err(Answer::Busy { problem: Problem::new(Code::Unreachable, detail).at(self.place(request)), after: None })
    }

    fn read(
        &self,
        request: &Request,
        credentials: &Credentials,
        session: Option<&Session>,
        outcome: Result<Reply, Failure>,
    ) -> Answer {
        if outcome.as_ref().is_ok_and(|reply| reply.status == StatusCode::UNAUTHORIZED) {
            self.sessions.clear();
        }
        let unsupported = request.repeatable_since.is_some() && !is_repeatable(&outcome);
        let mut redactor = credentials.redactor.clone();
        if let Some(session) = session {
            redactor.hide(&session.token);
            session.cookies.iter().for_each(|cookie| redactor.hide(cookie));
        }
        let place = self.place(request);
        let reading = Reading { kind: request.kind, place, redactor: &redactor, clock: self.clock.as_ref() };
        if session.is_some() && token_required(&outcome) {
            // Twice in a row: other requests lost the session as well. Nothing was processed, so later is safe.
            self.sessions.clear();
            return Answer::Busy { problem: reading.problem(Code::Busy, NO_TOKEN_ACCEPTED), after: None };
        }
        let mut answer = reading.answer(outcome);
        if let (true, Answer::Done(response)) = (unsupported, &mut answer) {
            response.warnings.push(NOT_HONOURED.to_owned());
        }
        answer
    }

    async fn exchange_once(
        &self,
        request: &Request,
        session: Option<&Session>,
        credentials: &Credentials,
    ) -> Result<Result<Reply, Failure>, Problem> {
        let mut headers = protocol_headers(request, session);
        headers.extend(request.headers.iter().cloned());
        // What takes a token is SAP's gateway, also when a plain http step calls it.
        let gateway = if request.csrf { StepKind::Odata } else { request.kind };
        let media_type = request.content_type.as_deref().unwrap_or("application/json");
        let outgoing = Outgoing {
            method: method(&request.method)?,
            url: self.url(gateway, &request.path, &request.query)?,
            headers: &headers,
            body: request.body.as_deref().map(|body| (media_type, body)),
            timeout: request.timeout(),
        };
        self.perform(outgoing, credentials).await
    }

    /// Sends what was built. The outer error: it could not be built.
    pub(super) async fn perform(
        &self,
        outgoing: Outgoing<'_>,
        credentials: &Credentials,
    ) -> Result<Result<Reply, Failure>, Problem> {
        let built = outgoing.build(&self.spec, credentials)?;
        Ok(match self.client().await {
            Ok(client) => exchange(client, built, self.spec.max_response_bytes).await,
            Err(problem) => Err(Failure::NotSent(problem.to_string())),
        })
    }

    /// Searches for the document of a lost request.
    pub(super) async fn probe(&self, query: &ProbeQuery) -> Found {
        let place = format!("{} GET {}", self.spec.name, query.path);
        let credentials = match self.credentials().await {
            Ok(credentials) => credentials,
            Err(problem) => return Found::Unknown(problem.at(place)),
        };
        let answer = match self.probe_exchange(query, &credentials).await {
            Ok(outcome) => {
                let redactor = &credentials.redactor;
                Reading { kind: StepKind::Odata, place, redactor, clock: self.clock.as_ref() }.answer(outcome)
            }
            Err(problem) => return Found::Unknown(problem.at(place)),
        };
        match answer {
            Answer::Done(response) => probe::found(query, &response.body),
            Answer::Busy { problem, .. } | Answer::Refused { problem, .. } | Answer::Lost(problem) => {
                Found::Unknown(problem)
            }
        }
    }

    async fn probe_exchange(
        &self,
        query: &ProbeQuery,
        credentials: &Credentials,
    ) -> Result<Result<Reply, Failure>, Problem> {
        let accept = [("accept".to_owned(), "application/json".to_owned())];
        let outgoing = Outgoing {
            method: Method::GET,
            url: self.url(query.kind, &query.path, &probe::parameters(query))?,
            headers: &accept,
            body: None,
            timeout: Duration::from_millis(query.timeout_ms),
        };
        self.perform(outgoing, credentials).await
    }

    async fn client(&self) -> Result<&Client, Problem> {
        self.client.get_or_try_init(|| client::build(&self.spec)).await
    }

    pub(super) async fn credentials(&self) -> Result<Credentials, Problem> {
        Credentials::resolve(&self.spec.auth, self.secrets.as_ref()).await
    }

    /// Address of a path, with the query parameters of destination, gateway and step.
    pub(super) fn url(&self, kind: StepKind, path: &str, query: &[(String, String)]) -> Result<reqwest::Url, Problem> {
        let gateway = if kind == StepKind::Odata { self.spec.odata.query.as_slice() } else { &[] };
        let given = |name: &str| query.iter().any(|(known, _)| known == name);
        let own = self.spec.query.iter().chain(gateway).filter(|(name, _)| !given(name));
        join(&self.spec.url, path, own.chain(query))
    }

    async fn session(
        &self,
        service: &str,
        stale: Option<&Session>,
        credentials: &Credentials,
    ) -> Result<Session, Answer> {
        self.sessions.get(service, stale, self.fetch_session(service, credentials)).await
    }

    fn token_path(&self, request: &Request) -> String {
        let service = request.service.as_deref().map(|service| format!("{}/", service.trim_end_matches('/')));
        service.or_else(|| self.spec.odata.csrf_service_document.clone()).unwrap_or_else(|| request.path.clone())
    }

    fn place(&self, request: &Request) -> String {
        format!("{} {} {}", self.spec.name, request.method, request.path)
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}

const NOT_REPEATABLE: &str =
    "the step counts on repeatable requests, but the destination does not say repeatable = true in [odata]";

const NOT_HONOURED: &str =
    "the service did not confirm RequestID (RepeatabilityResult: accepted); use another duplicate guard for this step";

/// Headers of the protocol; a step's own come after them and win.
fn protocol_headers(request: &Request, session: Option<&Session>) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let mut set = |name: &str, value: String| headers.push((name.to_owned(), value));
    if request.kind == StepKind::Odata {
        set("accept", "application/json".to_owned());
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

const NO_TOKEN_ACCEPTED: &str = "HTTP 403, CSRF token required, also with a token that was just fetched";

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

pub(super) fn refused(problem: Problem) -> Answer {
    Answer::Refused { problem, status: 0 }
}

/// A secret that is not there needs a person; a store that cannot be read now may be read later.
fn not_sent(problem: Problem) -> Answer {
    match problem.code {
        Code::MissingSecret => refused(problem),
        _ => Answer::Busy { problem, after: None },
    }
}
