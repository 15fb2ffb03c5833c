//! Reading answers: JSON when it went well, a problem document (RFC 9457) otherwise.

use andon_journal::Finding;
use andon_model::{Code, Problem};
use anyhow::Context;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lost_connection;
use crate::output::Failure;

/// Longest part of an unexpected answer that is shown.
const MAX_SHOWN_CHARS: usize = 300;

/// A good answer.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// The members of a problem document that matter here.
#[derive(Deserialize)]
struct ProblemDocument {
    code: Code,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    place: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
}

impl Answer {
    /// The answer's bytes; a refusal becomes a failure.
    pub(super) async fn receive(answer: reqwest::Response, place: &str) -> anyhow::Result<Self> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|error| lost_connection(&error, place))?;
        if status.is_success() {
            return Ok(Self { headers, body: body.to_vec() });
        }
        Err(refusal(status, &body, place).into())
    }

    /// The answer as JSON; an empty one as `null`.
    pub(super) fn read<T: DeserializeOwned>(&self, place: &str) -> anyhow::Result<T> {
        let body = if self.body.is_empty() { b"null" } else { self.body.as_slice() };
        serde_json::from_slice(body).with_context(|| format!("the answer to {place} is not as expected"))
    }
}

/// An answer whose body is still to come; a refusal becomes a failure.
pub(super) async fn accepted(answer: reqwest::Response, place: &str) -> anyhow::Result<reqwest::Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = answer.bytes().await.with_context(|| format!("the answer to {place} broke off"))?;
    Err(refusal(status, &body, place).into())
}

fn refusal(status: StatusCode, body: &[u8], place: &str) -> Failure {
    match serde_json::from_slice::<ProblemDocument>(body) {
        Ok(document) => Failure {
            problem: Problem { code: document.code, detail: document.detail, place: document.place }.or_at(place),
            findings: document.findings,
            remedy: None,
        },
        Err(_) => foreign(status, body, place),
    }
}

/// An answer that is not from Andon, or from a proxy before it.
fn foreign(status: StatusCode, body: &[u8], place: &str) -> Failure {
    let code = match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        _ => Code::ServerUnreachable,
    };
    let shown: String = String::from_utf8_lossy(body).chars().take(MAX_SHOWN_CHARS).collect();
    Failure::new(code, format!("answered {status}: {}", shown.trim())).at(place)
}

/// Filling in the place of a problem that came without one.
trait OrAt {
    fn or_at(self, place: &str) -> Self;
}

impl OrAt for Problem {
    fn or_at(mut self, place: &str) -> Self {
        self.place.get_or_insert_with(|| place.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, code: Code, place: &str) {
        let failure = refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes(), "GET /x");
        assert_eq!((failure.problem.code, failure.problem.place.as_deref()), (code, Some(place)), "for {body:?}");
    }

    #[test]
    fn refusals_keep_code_and_place() {
        check(404, r#"{"code":"AND-1201","detail":"run X does not exist"}"#, Code::NotFound, "GET /x");
        check(400, r#"{"code":"AND-1001","detail":"d","place":"line 3"}"#, Code::Undecodable, "line 3");
        check(502, "<html>Bad gateway</html>", Code::ServerUnreachable, "GET /x");
        check(401, "", Code::Unauthenticated, "GET /x");
    }
}
