//! Fetching an anti-forgery token. Nothing of the step itself is sent by then, so whatever fails here is
//! busy or refused, never lost.

use andon_act::{Answer, StepKind};
use andon_model::{Code, Problem};
use reqwest::{Method, StatusCode};

use super::classify::Reading;
use super::client::Outgoing;
use super::connection::{Connection, never_sent, refused};
use super::credentials::Credentials;
use super::exchange::{Failure, Reply};
use crate::odata::session::Session;

/// The header value is written in capitals because some services compare it so.
const FETCH: &str = "Fetch";

impl Connection {
    /// Asks the service document for a token: by HEAD, and by GET where HEAD brings none.
    pub(super) async fn fetch_session(&self, service: &str, credentials: &Credentials) -> Result<Session, Answer> {
        let head = self.fetch(Method::HEAD, service, credentials).await?;
        if let Some(session) = head.as_ref().ok().filter(|r| r.status.is_success()).and_then(session) {
            return Ok(session);
        }
        if matches!(&head, Ok(reply) if reply.status == StatusCode::UNAUTHORIZED) || head.is_err() {
            return Err(self.without_token(&Method::HEAD, service, credentials, head));
        }
        let get = self.fetch(Method::GET, service, credentials).await?;
        match get.as_ref().ok().filter(|reply| reply.status.is_success()).and_then(session) {
            Some(session) => Ok(session),
            None => Err(self.without_token(&Method::GET, service, credentials, get)),
        }
    }

    async fn fetch(
        &self,
        method: Method,
        service: &str,
        credentials: &Credentials,
    ) -> Result<Result<Reply, Failure>, Answer> {
        let headers = [("accept", "application/json"), ("x-csrf-token", FETCH)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let build = || -> Result<Outgoing<'_>, Problem> {
            let url = self.url(StepKind::Odata, service, &[])?;
            let (timeout, limit) = (self.spec.timeout, self.spec.max_response_bytes);
            Ok(Outgoing { method, url, headers: &headers, body: None, timeout, limit })
        };
        let outgoing = build().map_err(refused)?;
        self.perform(outgoing, credentials).await.map_err(refused)
    }

    /// Why there is no token, as an answer to the step.
    fn without_token(
        &self,
        method: &Method,
        service: &str,
        credentials: &Credentials,
        outcome: Result<Reply, Failure>,
    ) -> Answer {
        let reading = Reading {
            kind: StepKind::Odata,
            parts: 0,
            place: format!("{} {method} {service}, csrf token", self.spec.name),
            redactor: &credentials.redactor,
            clock: self.clock(),
        };
        match reading.answer(outcome) {
            Answer::Done(_) => refused(reading.problem(Code::Refused, NO_TOKEN)),
            other => never_sent(other),
        }
    }
}

const NO_TOKEN: &str = "the service gave no x-csrf-token: name the service path in the step, or csrf_service_document \
                        in the destination";

/// A page instead of a service document is a logon page, whatever headers come with it.
fn session(reply: &Reply) -> Option<Session> {
    if reply.is_html() { None } else { Session::from_headers(&reply.headers) }
}
