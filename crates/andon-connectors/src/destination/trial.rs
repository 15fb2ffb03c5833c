//! `destinations test`: address, connection, credentials and token, line by line.

use andon_act::{Answer, StepKind, TestLine};
use andon_model::{Code, Problem};
use reqwest::{Method, StatusCode};

use super::client::{Credentials, Outgoing};
use super::connection::Connection;
use super::exchange::{Failure, Reply};
use super::spec::Auth;

impl Connection {
    /// Tries everything that can be tried without changing anything; stops where nothing more can work.
    pub(super) async fn trial(&self) -> Vec<TestLine> {
        let mut lines = vec![line("address", Ok(self.spec.url.to_string()))];
        let credentials = match self.credentials().await {
            Ok(credentials) => credentials,
            Err(problem) => {
                lines.push(line("credentials", Err(problem.to_string())));
                return lines;
            }
        };
        match self.knock(&credentials).await {
            Ok(Ok(reply)) => {
                lines.push(line("connection", Ok(format!("HTTP {}", reply.status.as_u16()))));
                lines.push(line("credentials", self.accepted(&reply)));
            }
            Ok(Err(Failure::NotSent(why) | Failure::Unknown(why))) => {
                lines.push(line("connection", Err(why)));
                return lines;
            }
            Err(problem) => {
                lines.push(line("connection", Err(problem.to_string())));
                return lines;
            }
        }
        if let Some(service) = &self.spec.odata.csrf_service_document {
            lines.push(line("csrf token", self.token(service, &credentials).await));
        }
        lines
    }

    async fn knock(&self, credentials: &Credentials) -> Result<Result<Reply, Failure>, Problem> {
        let path = self.spec.odata.csrf_service_document.as_deref().unwrap_or("/");
        let url = self.url(StepKind::Odata, path, &[])?;
        let (timeout, limit) = (self.spec.timeout, self.spec.max_response_bytes);
        let outgoing = Outgoing { method: Method::GET, url, headers: &[], body: None, timeout, limit };
        self.perform(outgoing, credentials).await
    }

    fn accepted(&self, reply: &Reply) -> Result<String, String> {
        match (reply.status, &self.spec.auth) {
            (StatusCode::UNAUTHORIZED, Auth::None) => Err("asked for, but none are configured".into()),
            (StatusCode::UNAUTHORIZED, _) => Err("not accepted: check user and secret".into()),
            (StatusCode::FORBIDDEN, _) => Err("known, but not allowed to read here: check the roles".into()),
            (status, _) if status.is_redirection() || reply.is_html() => {
                Err("a page or a redirection came, as for a logon: check address and credentials".into())
            }
            (_, Auth::None) => Ok("none configured, none asked for".into()),
            _ => Ok("not refused".into()),
        }
    }

    async fn token(&self, service: &str, credentials: &Credentials) -> Result<String, String> {
        match self.fetch_session(service, credentials).await {
            Ok(session) => Ok(format!("received, with {} cookies", session.cookies.len())),
            Err(Answer::Done(_)) => Err(Problem::new(Code::Internal, "an answer without a token").to_string()),
            Err(Answer::Busy { problem, .. } | Answer::Refused { problem, .. } | Answer::Lost(problem)) => {
                Err(problem.to_string())
            }
        }
    }
}

fn line(what: &str, result: Result<String, String>) -> TestLine {
    let ok = result.is_ok();
    let (Ok(detail) | Err(detail)) = result;
    TestLine { what: what.to_owned(), ok, detail }
}
