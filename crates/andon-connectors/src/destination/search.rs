//! Searching for the document of a lost request: one filtered read, or a listing page by page.
//!
//! **Constraints.** Changes nothing. Whatever is not a definite answer is unknown, a listing that is longer than
//! [`MAX_PAGES`] among it: what was not seen is not absent.

use std::time::Duration;

use andon_act::{Answer, Found, ProbeQuery, StepKind};
use andon_model::{Code, Problem};
use reqwest::{Method, Url};
use serde_json::Value;

use super::address::follow;
use super::allowance::Allowance;
use super::classify::Reading;
use super::client::Outgoing;
use super::connection::Connection;
use super::credentials::Credentials;
use crate::odata::probe::{self, Tally};

/// Most pages of a listing that are read.
const MAX_PAGES: usize = 50;

impl Connection {
    /// Searches for the document of a lost request.
    pub(super) async fn probe(&self, query: &ProbeQuery) -> Found {
        let place = format!("{} GET {}", self.spec.name, query.path);
        match self.search(query, &place).await {
            Ok(found) => found,
            Err(problem) if problem.place.is_none() => Found::Unknown(problem.at(place)),
            Err(problem) => Found::Unknown(problem),
        }
    }

    async fn search(&self, query: &ProbeQuery, place: &str) -> Result<Found, Problem> {
        let credentials = &self.credentials;
        let allowance = Allowance::new(Duration::from_millis(query.timeout_ms), 1);
        let first = self.url(query.kind, &query.path, &probe::parameters(query))?;
        let (mut tally, mut next) = (Tally::new(query), Some(first));
        for _ in 0..MAX_PAGES {
            let Some(url) = next else { return Ok(tally.found()) };
            let time = allowance.next().ok_or_else(|| Problem::new(Code::Lost, "the listing took too long"))?;
            let page = self.page(query.kind, url.clone(), time, credentials, place).await?;
            tally.add(&page)?;
            // A filtered read asks for no more than it needs; what is on further pages changes nothing.
            let link = probe::next_link(&page).filter(|_| query.listing);
            next = link.map(|link| follow(&self.base, &url, link)).transpose()?;
        }
        Err(Problem::new(Code::TooLarge, format!("the listing has more than {MAX_PAGES} pages")))
    }

    async fn page(
        &self,
        kind: StepKind,
        url: Url,
        timeout: Duration,
        credentials: &Credentials,
        place: &str,
    ) -> Result<Value, Problem> {
        let headers = [("accept".to_owned(), "application/json".to_owned())];
        let limit = self.spec.max_response_bytes;
        let outgoing = Outgoing { method: Method::GET, url, headers: &headers, body: None, timeout, limit };
        let outcome = self.perform(outgoing, credentials).await?;
        // Only a list is understood; a page of HTML is one of a logon, whatever the kind of the step.
        let kind = if kind.is_odata() { kind } else { StepKind::Odata };
        let place = place.to_owned();
        let reading = Reading { kind, parts: 0, place, redactor: &credentials.redactor, clock: self.clock() };
        match reading.answer(outcome) {
            Answer::Done(response) => Ok(response.body),
            Answer::Busy { problem, .. } | Answer::Refused { problem, .. } | Answer::Lost(problem) => Err(problem),
        }
    }
}
