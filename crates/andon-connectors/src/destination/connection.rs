//! One destination in use: its client, its credentials and its sessions.

use std::sync::Arc;

use andon_act::{Answer, Request, StepKind};
use andon_journal::{Attachments, Secrets};
use andon_model::{Clock, Code, Problem};
use reqwest::{Client, Url};

use super::address::join;
use super::budget::Budgets;
use super::client::Outgoing;
use super::credentials::Credentials;
use super::exchange::{Failure, Reply, exchange};
use super::spec::DestinationSpec;
use crate::odata::session::{Session, Sessions};

/// What all destinations share.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) secrets: Arc<dyn Secrets>,
    pub(super) attachments: Arc<dyn Attachments>,
    pub(super) clock: Arc<dyn Clock>,
    /// Survives a change of configuration, so that applying one is no way around a budget.
    pub(super) budgets: Arc<Budgets>,
}

/// A destination with everything that a request to it needs; made by [`super::reach::Reach`].
pub(super) struct Connection {
    pub(super) spec: DestinationSpec,
    /// Its address, without a slash at the end of its path.
    pub(super) base: Url,
    pub(super) client: Client,
    pub(super) credentials: Credentials,
    /// Those of the destination, however often its credentials are renewed.
    pub(super) sessions: Arc<Sessions>,
    pub(super) services: Services,
}

impl Connection {
    /// Sends what was built. The outer error: it could not be built.
    pub(super) async fn perform(
        &self,
        outgoing: Outgoing<'_>,
        credentials: &Credentials,
    ) -> Result<Result<Reply, Failure>, Problem> {
        let limit = outgoing.limit;
        let built = outgoing.build(&self.spec, credentials)?;
        Ok(exchange(&self.client, built, limit).await)
    }

    pub(super) fn attachments(&self) -> &dyn Attachments {
        self.services.attachments.as_ref()
    }

    /// Counts one call where the request has a budget; an answer when it is used up.
    pub(super) fn take_from_budget(&self, request: &Request) -> Option<Answer> {
        let budget = request.budget.as_ref()?;
        let wait = self.services.budgets.take(&self.spec.name, budget, self.clock().now()).err()?;
        let what = format!("{} calls of {} are used up", budget.calls, budget.name);
        Some(Answer::Busy { problem: Problem::new(Code::Busy, what).at(self.place(request)), after: Some(wait) })
    }

    /// Address of a path, with the query parameters of destination, gateway and step.
    pub(super) fn url(&self, kind: StepKind, path: &str, query: &[(String, String)]) -> Result<reqwest::Url, Problem> {
        let gateway = if kind.is_odata() { self.spec.odata.query.as_slice() } else { &[] };
        let given = |name: &str| query.iter().any(|(known, _)| known == name);
        let own = self.spec.query.iter().chain(gateway).filter(|(name, _)| !given(name));
        join(&self.base, path, own.chain(query))
    }

    pub(super) async fn session(
        &self,
        service: &str,
        stale: Option<&Session>,
        credentials: &Credentials,
    ) -> Result<Session, Answer> {
        self.sessions.get(service, stale, self.fetch_session(service, credentials)).await
    }

    /// Forgets all sessions, as after refused credentials.
    pub(super) fn forget_sessions(&self) {
        self.sessions.clear();
    }

    pub(super) fn token_path(&self, request: &Request) -> String {
        let service = request.service.as_deref().map(|service| format!("{}/", service.trim_end_matches('/')));
        service.or_else(|| self.spec.odata.csrf_service_document.clone()).unwrap_or_else(|| request.path.clone())
    }

    pub(super) fn place(&self, request: &Request) -> String {
        format!("{} {} {}", self.spec.name, request.method, request.path)
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.services.clock.as_ref()
    }
}

pub(super) fn refused(problem: Problem) -> Answer {
    Answer::Refused { problem, status: 0 }
}

/// A secret that is not there needs a person; a store that cannot be read now may be read later.
pub(super) fn not_sent(problem: Problem) -> Answer {
    match problem.code {
        Code::MissingSecret | Code::TokenRefused | Code::ProvidedDestination => refused(problem),
        _ => Answer::Busy { problem, after: None },
    }
}

/// The answer to a read that comes before the request itself: what is lost is only the read.
pub(super) fn never_sent(answer: Answer) -> Answer {
    match answer {
        Answer::Lost(problem) => Answer::Busy { problem: Problem { code: Code::Busy, ..problem }, after: None },
        other => other,
    }
}
