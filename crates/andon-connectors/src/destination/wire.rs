//! Calls beside the destination itself: its token service, the destination service.
//!
//! **Constraints.** The same as for destinations: certificates are verified, redirects not followed, time and
//! size limited. Nothing of a run is sent here, so whatever fails is refused or busy, never lost.

use std::time::Duration;

use andon_model::{Code, Problem};
use reqwest::{Request, StatusCode, Url};

use super::client::{self, Hop, Parts, Pem};
use super::exchange::{Body, Failure, Reply, exchange};
use super::redact::Redactor;
use super::spec::{DestinationSpec, Trust};

/// Largest answer; a found destination with a chain of certificates is the longest.
const MAX_ANSWER_BYTES: usize = 512 << 10;

/// What the router of Cloud Foundry adds to its own answers, such as 404 for an application that is stopped.
const UNROUTED: &str = "x-cf-routererror";

/// How such calls leave.
#[derive(Clone, Copy)]
pub(super) struct Wire<'a> {
    pub(super) spec: &'a DestinationSpec,
    pub(super) proxy: Option<&'a Hop>,
}

impl Wire<'_> {
    /// Sends a request and gives the answer as a whole. `place` names the call in a problem.
    pub(super) async fn call(
        &self,
        trust: &Trust,
        identity: Option<Pem>,
        mut request: Request,
        place: &str,
    ) -> Result<Reply, Problem> {
        let parts = Parts {
            tls: request.url().scheme() == "https",
            authorities: client::authorities(trust).await?,
            identity,
            proxy: self.proxy.cloned(),
            connect_timeout: self.spec.connect_timeout,
            max_idle: 0,
        };
        *request.timeout_mut() = Some(self.timeout());
        let unreachable = |why: String| Problem::new(Code::Unreachable, why).at(place);
        let reply = exchange(&parts.build()?, request, MAX_ANSWER_BYTES).await;
        match reply {
            Ok(Reply { body: Body::Cut(_), status, .. }) if status.is_success() => {
                Err(unreachable(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes")))
            }
            Ok(Reply { body: Body::Broken(_, why), .. }) | Err(Failure::NotSent(why) | Failure::Unknown(why)) => {
                Err(unreachable(why))
            }
            Ok(reply) => Ok(reply),
        }
    }

    fn timeout(&self) -> Duration {
        self.spec.timeout
    }

    /// `<destination> <METHOD> <address>`.
    pub(super) fn place(&self, method: &str, url: &Url) -> String {
        format!("{} {method} {url}", self.spec.name)
    }
}

/// The problem of an answer that is no success: `code` when a person must do something, else busy.
pub(super) fn refusal(reply: &Reply, code: Code, redactor: &Redactor, place: &str) -> Problem {
    const LONGEST: usize = 300;
    let passing = reply.status.is_server_error()
        || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&reply.status)
        || reply.header(UNROUTED).is_some();
    let text = redactor.clean(&String::from_utf8_lossy(reply.bytes()));
    let words: String = words(&text).chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let detail = format!("HTTP {} {words}", reply.status.as_u16());
    Problem::new(if passing { Code::Busy } else { code }, detail.trim_end()).at(place)
}

/// What an error says: the members that OAuth and the destination service use, or the text itself.
fn words(text: &str) -> String {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        return if text.trim_start().starts_with('<') { String::new() } else { text.trim().to_owned() };
    };
    let members = ["error", "error_description", "ErrorMessage", "message"];
    let told: Vec<&str> = members.iter().filter_map(|name| value.get(name)?.as_str()).collect();
    told.join(": ")
}
