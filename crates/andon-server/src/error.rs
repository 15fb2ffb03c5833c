//! What is answered when a request cannot be served: problem details of RFC 9457 with a code.

use andon_engine::plant::PlantError;
use andon_engine::{ApplyError, HandleError, IntakeError};
use andon_journal::{Finding, JournalError};
use andon_model::{Code, Problem, Severity};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// When to come back after a 503: long enough for a group of commits, short enough for a sender's queue.
const RETRY_AFTER_SECONDS: u64 = 2;

/// A part of a delivery that was kept in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct QuarantinedPart {
    /// Its quarantine entry.
    pub(crate) id: i64,
    /// Why it could not be decoded.
    pub(crate) problem: Problem,
}

/// A request that could not be served. Boxed: it travels through every `Result` of the API.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Details>);

#[derive(Debug)]
struct Details {
    status: StatusCode,
    problem: Problem,
    findings: Vec<Finding>,
    quarantined: Vec<QuarantinedPart>,
    challenge: Option<&'static str>,
}

/// Rides in the answer's extensions, so that the access log can say what went wrong.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Problem);

impl ApiError {
    pub(crate) fn new(status: StatusCode, problem: Problem) -> Self {
        let details = Details { status, problem, findings: Vec::new(), quarantined: Vec::new(), challenge: None };
        Self(Box::new(details))
    }

    /// 400 with the code of a malformed request.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::from(Problem::new(Code::BadRequest, detail))
    }

    /// 404: `what` leads nowhere.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::from(Problem::new(Code::NotFound, format!("{what} does not exist")))
    }

    /// 503: the sender must repeat.
    pub(crate) fn unavailable(problem: Problem) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, problem)
    }

    /// 401 with the schemes that are accepted.
    pub(crate) fn challenge(mut self, schemes: &'static str) -> Self {
        self.0.challenge = Some(schemes);
        self
    }

    /// The same, with what a check found.
    pub(crate) fn findings(mut self, findings: Vec<Finding>) -> Self {
        self.0.findings = findings;
        self
    }

    /// The same, with what was kept in quarantine.
    pub(crate) fn quarantined(mut self, parts: Vec<QuarantinedPart>) -> Self {
        self.0.quarantined = parts;
        self
    }
}

/// The status that belongs to a code, where the kind of call does not say otherwise.
fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Undecodable | Code::BadCloudEvent | Code::BadRequest | Code::Query => StatusCode::BAD_REQUEST,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnknownSource | Code::NotFound => StatusCode::NOT_FOUND,
        Code::Unauthenticated | Code::BadSignature => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::Conflict | Code::CertificateState | Code::Onboarding => StatusCode::CONFLICT,
        Code::BackPressure
        | Code::Journal
        | Code::JournalHeld
        | Code::Bucket
        | Code::RawLog
        | Code::Lake
        | Code::PlantMemory
        | Code::Archive
        | Code::TokenIssuer
        | Code::ClaimHook
        | Code::MissingSecret => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::new(status_of(problem.code), problem)
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        Self::unavailable(Problem::from(&error))
    }
}

impl From<IntakeError> for ApiError {
    fn from(error: IntakeError) -> Self {
        let problem = Problem::from(&error);
        match error {
            IntakeError::UnknownSource(_) | IntakeError::UnknownQuarantine(_) => {
                Self::new(StatusCode::NOT_FOUND, problem)
            }
            IntakeError::Busy { .. } | IntakeError::Journal(_) | IntakeError::Object(_) => Self::unavailable(problem),
        }
    }
}

impl From<HandleError> for ApiError {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::NotFound(what) => Self::not_found(what),
            HandleError::Conflict(why) => Self::from(Problem::new(Code::Conflict, why)),
            HandleError::Journal(journal) => Self::from(journal),
            HandleError::Stopping => Self::unavailable(Problem::new(Code::BackPressure, error.to_string())),
        }
    }
}

impl From<PlantError> for ApiError {
    fn from(error: PlantError) -> Self {
        match error {
            PlantError::NotKept(problem) => Self::unavailable(problem),
            other => Self::from(Problem::from(other)),
        }
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Refused { findings } => refused(findings),
            ApplyError::Journal(journal) => Self::from(journal),
            ApplyError::InForce(error) => {
                let detail = format!("the change is stored, but not in force: {error}");
                Self::from(Problem::new(Code::Internal, detail))
            }
        }
    }
}

/// 422 that speaks of the first error and lists everything found.
fn refused(findings: Vec<Finding>) -> ApiError {
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    let problem = first.map_or_else(
        || Problem::new(Code::ConfigurationValue, "the configuration was refused"),
        |finding| finding.problem.clone(),
    );
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, problem).findings(findings)
}

/// The body of a problem answer; [`crate::schema::ProblemAnswer`] describes it to readers.
#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: Code,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine: Option<i64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    quarantined: &'a [QuarantinedPart],
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let details = *self.0;
        let body = ProblemBody {
            r#type: format!("/errors/{}", details.problem.code),
            title: details.problem.code.title(),
            status: details.status.as_u16(),
            code: details.problem.code,
            detail: &details.problem.detail,
            place: details.problem.place.as_deref(),
            findings: &details.findings,
            quarantine: details.quarantined.first().map(|part| part.id),
            quarantined: &details.quarantined,
        };
        let mut response = (details.status, serde_json::to_vec(&body).unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if details.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        if let Some(schemes) = details.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(schemes));
        }
        response.extensions_mut().insert(Failure(details.problem));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_a_failure() {
        for code in Code::ALL {
            let status = status_of(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{code} has {status}");
        }
    }

    #[test]
    fn codes_lead_to_their_status() {
        let check = |code, expected: u16| assert_eq!(status_of(code).as_u16(), expected, "{code}");
        check(Code::Undecodable, 400);
        check(Code::TooLarge, 413);
        check(Code::UnknownSource, 404);
        check(Code::BadSignature, 401);
        check(Code::Forbidden, 403);
        check(Code::Conflict, 409);
        check(Code::BackPressure, 503);
        check(Code::ConfigurationSyntax, 422);
        check(Code::Internal, 500);
    }

    #[test]
    fn only_unavailable_answers_ask_to_come_back() {
        let answer = |problem| ApiError::from(problem).into_response();
        let busy = answer(Problem::new(Code::BackPressure, "full"));
        assert_eq!(busy.headers()[RETRY_AFTER], "2");
        let gone = answer(Problem::new(Code::NotFound, "no"));
        assert!(!gone.headers().contains_key(RETRY_AFTER));
        assert_eq!(gone.headers()[CONTENT_TYPE], "application/problem+json");
    }
}
