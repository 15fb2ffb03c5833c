//! Changing an entity that others may change at the same time (`if_match = "read"`).
//!
//! **Life of a change.** The entity is read for its `ETag`; the change goes out with it as `If-Match`. When
//! somebody was faster (412), or the service wants a version though it got one (428), nothing was processed: both
//! are done once more, and no further time.

use andon_act::{Answer, Response};
use andon_model::{Code, Problem};
use reqwest::{Method, StatusCode};

use super::client::Outgoing;
use super::connection::{never_sent, refused};
use super::send::{Sending, Sent};
use crate::odata::change::last_change;

/// The version of an entity.
struct Version {
    /// Its `ETag`, byte for byte.
    tag: String,
    /// Who changed it last and when, as far as the entity tells.
    last_change: Option<String>,
}

impl Sending<'_> {
    pub(super) async fn send_versioned(&self) -> Answer {
        match self.try_twice().await {
            Ok(answer) | Err(answer) => answer,
        }
    }

    async fn try_twice(&self) -> Result<Answer, Answer> {
        let version = self.read_version().await?;
        let sent = self.exchange(Some(&version.tag)).await?;
        if !is_stale(&sent) {
            return Ok(self.read(sent));
        }
        let version = self.read_version().await?;
        let sent = self.exchange(Some(&version.tag)).await?;
        Ok(if is_stale(&sent) { self.overtaken(&sent, &version) } else { self.read(sent) })
    }

    async fn read_version(&self) -> Result<Version, Answer> {
        let connection = self.connection;
        let headers = self.reading_headers();
        let outgoing = Outgoing {
            method: Method::GET,
            url: connection.url(self.request.kind, &self.request.path, &self.request.query).map_err(refused)?,
            headers: &headers,
            body: None,
            timeout: self.time().ok_or_else(|| self.out_of_time())?,
            limit: connection.spec.max_response_bytes,
        };
        let outcome = connection.perform(outgoing, &self.credentials).await.map_err(refused)?;
        let place = format!("{} GET {}, for its version", connection.spec.name, self.request.path);
        match self.reading(place, &self.credentials.redactor).answer(outcome) {
            Answer::Done(Response { etag: Some(tag), body, .. }) => {
                Ok(Version { tag, last_change: last_change(&body) })
            }
            Answer::Done(response) => {
                let problem = Problem::new(Code::Refused, NO_VERSION).at(self.place());
                Err(Answer::Refused { problem, status: response.status })
            }
            other => Err(never_sent(other)),
        }
    }

    /// The step's own headers without those that speak of its body or its conditions.
    fn reading_headers(&self) -> Vec<(String, String)> {
        let speaks_of_change = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["content-", "if-", "prefer", "x-http-method"].iter().any(|prefix| name.starts_with(prefix))
        };
        let accept = ("accept".to_owned(), "application/json".to_owned());
        let own = self.request.headers.iter().filter(|(name, _)| !speaks_of_change(name)).cloned();
        std::iter::once(accept).chain(own).collect()
    }

    /// Twice in a row the version was not the one that the service holds.
    fn overtaken(&self, sent: &Sent, version: &Version) -> Answer {
        let Ok(reply) = &sent.outcome else { return refused(Problem::new(Code::Internal, "a lost answer is stale")) };
        let reading = self.reading(self.place(), &self.credentials.redactor);
        let who = version.last_change.as_deref().map(|who| format!("; last changed {who}")).unwrap_or_default();
        let detail = format!("{}. {OVERTAKEN}{who}", reading.error_line(reply));
        Answer::Refused { problem: reading.problem(Code::Refused, detail), status: reply.status.as_u16() }
    }
}

fn is_stale(sent: &Sent) -> bool {
    let stale = [StatusCode::PRECONDITION_FAILED, StatusCode::PRECONDITION_REQUIRED];
    sent.outcome.as_ref().is_ok_and(|reply| stale.contains(&reply.status))
}

const NO_VERSION: &str = "the service gives no ETag for this entity, so nothing can be compared: leave if_match out";

const OVERTAKEN: &str = "The entity was read twice for its version, and both times another one was in force when the \
                         change arrived";
