//! `destinations test`: connection, credentials and token, line by line. The stages before it stand in
//! [`super::reach`].

use andon_act::{Answer, StepKind, TestLine};
use andon_model::{Code, Problem};
use reqwest::{Method, StatusCode};

use super::client::Outgoing;
use super::connection::Connection;
use super::draft::line;
use super::exchange::{Failure, Reply};
use super::spec::{Address, Auth};

impl Connection {
    /// Tries the connection without changing anything; stops where nothing more can work.
    pub(super) async fn trial(&self) -> Vec<TestLine> {
        let mut lines = Vec::new();
        match self.knock().await {
            Ok(Ok(reply)) => {
                lines.push(line("connection", Ok(format!("HTTP {}", reply.status.as_u16()))));
                lines.push(line("credentials", self.accepted(&reply)));
                // SAP counts refused logons and locks the user: what was refused is not tried again.
                if reply.status == StatusCode::UNAUTHORIZED {
                    return lines;
                }
            }
            Ok(Err(Failure::NotSent(why) | Failure::Unknown(why))) => {
                let by = self.spec.proxy.as_ref().map(|proxy| format!("through the proxy {}: ", proxy.url));
                let why = format!("{}{why}", by.unwrap_or_default());
                lines.push(line("connection", Err(self.credentials.redactor.clean(&why))));
                return lines;
            }
            Err(problem) => {
                lines.push(line("connection", Err(problem.to_string())));
                return lines;
            }
        }
        if let Some(service) = &self.spec.odata.csrf_service_document {
            lines.push(line("csrf token", self.token(service).await));
        }
        lines
    }

    async fn knock(&self) -> Result<Result<Reply, Failure>, Problem> {
        let path = self.spec.odata.csrf_service_document.as_deref().unwrap_or("/");
        let url = self.url(StepKind::Odata, path, &[])?;
        let (timeout, limit) = (self.spec.timeout, self.spec.max_response_bytes);
        let outgoing = Outgoing { method: Method::GET, url, headers: &[], body: None, timeout, limit };
        self.perform(outgoing, &self.credentials).await
    }

    fn accepted(&self, reply: &Reply) -> Result<String, String> {
        match reply.status {
            StatusCode::UNAUTHORIZED if self.has_none() => Err("asked for, but none are configured".into()),
            StatusCode::UNAUTHORIZED => Err(format!("not accepted: {}", self.suspect())),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err("not accepted by the proxy: check its credentials".into()),
            StatusCode::FORBIDDEN => Err("known, but not allowed to read here: check the roles".into()),
            status if status.is_redirection() || reply.is_html() => {
                Err("a page or a redirection came, as for a logon: check address and credentials".into())
            }
            status if !status.is_success() => Ok(format!("not refused, but HTTP {} {SAYS_LITTLE}", status.as_u16())),
            _ if self.has_none() => Ok("none configured, none asked for".into()),
            _ => Ok("not refused".into()),
        }
    }

    /// What to look at when the destination refuses who comes.
    fn suspect(&self) -> String {
        if let Address::Provided(provider) = &self.spec.address {
            return format!("check user, client or key of {} in SAP BTP", provider.name);
        }
        match &self.spec.auth {
            Auth::ApiKey { header, .. } => format!("check the key, and whether it belongs into the header {header}"),
            Auth::QueryKey { parameter, .. } => {
                format!("check the key, and whether it belongs into the parameter {parameter}")
            }
            Auth::Certificate(_) => "check which user the destination maps the certificate to".to_owned(),
            Auth::Oauth(_) => "a token was given, but not for this: check client, scope and token_url".to_owned(),
            Auth::None | Auth::Basic { .. } => "check user and password".to_owned(),
        }
    }

    fn has_none(&self) -> bool {
        self.spec.auth == Auth::None && matches!(self.spec.address, Address::Fixed(_))
    }

    async fn token(&self, service: &str) -> Result<String, String> {
        match self.fetch_session(service, &self.credentials).await {
            Ok(session) => Ok(format!("received, with {} cookies", session.cookies.len())),
            Err(Answer::Done(_)) => Err(Problem::new(Code::Internal, "an answer without a token").to_string()),
            Err(Answer::Busy { problem, .. } | Answer::Refused { problem, .. } | Answer::Lost(problem)) => {
                Err(problem.to_string())
            }
        }
    }
}

const SAYS_LITTLE: &str = "says little: name a service that asks for credentials as csrf_service_document in [odata]";
