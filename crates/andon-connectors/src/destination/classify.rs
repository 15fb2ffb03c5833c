//! What an answer means: done, busy, refused or lost.
//!
//! | on the wire | answer |
//! |---|---|
//! | 2xx, complete | done |
//! | 2xx, longer than the limit | done, without its body, with a warning; refused when only the answer counts |
//! | 2xx with a page instead of data (where data is expected), 3xx | refused: a logon page or a wrong address |
//! | 2xx to a change set | see [`super::changeset`] |
//! | 401, 407 | refused: credentials |
//! | 429; 503 with `Retry-After`; 423 or a lock message | busy |
//! | other 4xx | refused |
//! | 408, other 5xx, broken or missing answer | lost |
//! | no connection | busy |

use std::time::Duration;

use andon_act::{Answer, Response, StepKind};
use andon_model::{Clock, Code, Problem};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::exchange::{Body, Failure, Reply};
use super::redact::Redactor;
use crate::odata::errors::SapError;
use crate::odata::messages::{bound, warnings};

/// Longest pause that a destination may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// What is needed to read an answer.
pub(super) struct Reading<'a> {
    pub(super) kind: StepKind,
    /// Parts of the change set that was sent; 0 when it was none.
    pub(super) parts: usize,
    /// `<destination> <METHOD> <path>`.
    pub(super) place: String,
    pub(super) redactor: &'a Redactor,
    pub(super) clock: &'a dyn Clock,
}

impl Reading<'_> {
    /// The answer to a request.
    pub(super) fn answer(&self, outcome: Result<Reply, Failure>) -> Answer {
        match outcome {
            Ok(reply) => self.reply(&reply),
            Err(Failure::NotSent(why)) => Answer::Busy { problem: self.problem(Code::Unreachable, why), after: None },
            Err(Failure::Unknown(why)) => Answer::Lost(self.problem(Code::Lost, why)),
        }
    }

    pub(super) fn reply(&self, reply: &Reply) -> Answer {
        let status = reply.status;
        if status.is_success() {
            return self.success(reply);
        }
        if status.is_redirection() {
            return self.refused(Code::Refused, status, REDIRECTED.to_owned());
        }
        let error = self.error(reply);
        let detail = line_of(status, &error);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                self.refused(Code::DestinationCredentials, status, detail)
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::LOCKED => self.busy(detail, self.retry_after(reply)),
            StatusCode::SERVICE_UNAVAILABLE if reply.headers.contains_key("retry-after") => {
                self.busy(detail, self.retry_after(reply))
            }
            StatusCode::PRECONDITION_FAILED | StatusCode::PRECONDITION_REQUIRED => {
                self.refused(Code::Refused, status, format!("{detail}. {STALE}"))
            }
            StatusCode::REQUEST_TIMEOUT => Answer::Lost(self.problem(Code::Lost, detail)),
            _ if status.is_client_error() && error.is_lock() => self.busy(detail, None),
            _ if status.is_client_error() => self.refused(Code::Refused, status, detail),
            _ => Answer::Lost(self.problem(Code::Lost, detail)),
        }
    }

    /// What an answer that is no success says. Cleaned before it is parsed: what is cut to its length or joined
    /// afterwards would not be recognised any more.
    fn error(&self, reply: &Reply) -> SapError {
        SapError::parse(self.redactor.clean(&String::from_utf8_lossy(reply.bytes())).as_bytes())
    }

    /// `HTTP <status>: <what the application says>`.
    pub(super) fn error_line(&self, reply: &Reply) -> String {
        line_of(reply.status, &self.error(reply))
    }

    fn success(&self, reply: &Reply) -> Answer {
        if self.expects_data() && reply.is_html() {
            return self.refused(Code::DestinationCredentials, reply.status, LOGON_PAGE.to_owned());
        }
        if self.parts > 0 {
            return self.changeset(reply);
        }
        let (body, too_long) = match &reply.body {
            Body::Complete(bytes) => (json_or_text(&self.redactor.clean(&String::from_utf8_lossy(bytes))), None),
            Body::Cut(bytes) if self.answer_is_all() => {
                let what = format!("the answer is longer than {} bytes", bytes.len());
                return self.refused(Code::TooLarge, reply.status, what);
            }
            Body::Cut(bytes) => {
                (Value::Null, Some(format!("the answer is longer than {} bytes and was not kept", bytes.len())))
            }
            Body::Broken(_, why) => {
                return Answer::Lost(self.problem(Code::Lost, format!("HTTP {}, then {why}", reply.status.as_u16())));
            }
        };
        Answer::Done(Response {
            status: reply.status.as_u16(),
            etag: self.header(reply, "etag").or_else(|| entity_tag(&body)),
            location: self.header(reply, "location"),
            warnings: self.warnings(&reply.headers, &body).into_iter().chain(too_long).collect(),
            body,
        })
    }

    /// Whether a page can only be one that asks for a logon.
    fn expects_data(&self) -> bool {
        self.kind.is_odata() || self.kind == StepKind::Decision
    }

    /// Whether the request changes nothing, so that without its answer it was in vain.
    fn answer_is_all(&self) -> bool {
        matches!(self.kind, StepKind::Decision | StepKind::Summary)
    }

    /// Warnings in the headers of an answer, and in its entity.
    pub(super) fn warnings(&self, headers: &HeaderMap, body: &Value) -> Vec<String> {
        let names = ["sap-message", "sap-messages"].into_iter();
        let texts = names.filter_map(|name| headers.get(name)?.to_str().ok());
        let in_headers = texts.flat_map(|text| warnings(&self.redactor.clean(text)));
        let all = in_headers.chain((self.kind == StepKind::OdataV4).then(|| bound(body)).into_iter().flatten());
        all.map(|warning| self.redactor.clean(&warning)).collect()
    }

    /// A header with everything secret taken out.
    fn header(&self, reply: &Reply, name: &str) -> Option<String> {
        reply.header(name).map(|value| self.redactor.clean(value))
    }

    fn busy(&self, detail: String, after: Option<Duration>) -> Answer {
        Answer::Busy { problem: self.problem(Code::Busy, detail), after }
    }

    fn refused(&self, code: Code, status: StatusCode, detail: String) -> Answer {
        Answer::Refused { problem: self.problem(code, detail), status: status.as_u16() }
    }

    /// A problem with everything secret taken out.
    pub(super) fn problem(&self, code: Code, detail: impl AsRef<str>) -> Problem {
        Problem::new(code, self.redactor.clean(detail.as_ref())).at(self.place.clone())
    }

    /// `Retry-After` in seconds or as a date.
    fn retry_after(&self, reply: &Reply) -> Option<Duration> {
        let text = reply.header("retry-after")?.trim();
        let wait = match text.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => self.until(text)?,
        };
        Some(wait.min(MAX_RETRY_AFTER))
    }

    /// The time from now to an HTTP date.
    fn until(&self, date: &str) -> Option<Duration> {
        let until = httpdate::parse_http_date(date).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let now = Duration::from_micros(u64::try_from(self.clock.now().as_micros()).unwrap_or(0));
        Some(until.saturating_sub(now))
    }
}

const REDIRECTED: &str = "the answer leads elsewhere, as to a logon page: check address and credentials";

const LOGON_PAGE: &str = "the answer is a page instead of data, as a logon page is: check address and credentials";

const STALE: &str = "The document was changed meanwhile or If-Match is missing: read it first and send its ETag";

fn line_of(status: StatusCode, error: &SapError) -> String {
    format!("HTTP {}: {}", status.as_u16(), error.to_line())
}

/// JSON as it is, other text as a string, nothing as `null`.
pub(super) fn json_or_text(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Null;
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn entity_tag(body: &Value) -> Option<String> {
    let tag = body.pointer("/d/__metadata/etag").or_else(|| body.get("@odata.etag"));
    tag.and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use andon_model::Timestamp;

    struct At(&'static str);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0.parse().expect("time")
        }
    }

    fn answer(kind: StepKind, status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = reqwest::header::HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("value"));
        }
        let status = StatusCode::from_u16(status).expect("status");
        let reply = Reply { status, headers: map, body: Body::Complete(body.to_owned().into()) };
        let clock = At("2026-02-03T10:00:00Z");
        let reading =
            Reading { kind, parts: 0, place: "s4 POST /x".into(), redactor: &Redactor::default(), clock: &clock };
        reading.answer(Ok(reply))
    }

    /// `done`, `busy <seconds>`, `refused <code>` or `lost`.
    fn check(status: u16, headers: &[(&'static str, &str)], body: &str, expect: &str) {
        let found = match answer(StepKind::Odata, status, headers, body) {
            Answer::Done(_) => "done".to_owned(),
            Answer::Busy { after, .. } => format!("busy {}", after.map_or(0, |a| a.as_secs())),
            Answer::Refused { problem, status: given } => {
                assert_eq!(given, status);
                format!("refused {}", problem.code)
            }
            Answer::Lost(_) => "lost".to_owned(),
        };
        assert_eq!(found, expect, "for {status} {headers:?} {body}");
    }

    #[test]
    fn every_status_has_its_meaning() {
        let locked = r#"{"error":{"code":"MC/601","message":{"value":"Object is currently locked by MEIER"}}}"#;
        for (status, expect) in [
            (200, "done"),
            (201, "done"),
            (204, "done"),
            (302, "refused AND-4001"),
            (400, "refused AND-4001"),
            (401, "refused AND-4006"),
            (403, "refused AND-4001"),
            (404, "refused AND-4001"),
            (408, "lost"),
            (412, "refused AND-4001"),
            (423, "busy 0"),
            (428, "refused AND-4001"),
            (429, "busy 0"),
            (500, "lost"),
            (502, "lost"),
            (503, "lost"),
            (504, "lost"),
        ] {
            check(status, &[], "", expect);
        }
        check(400, &[], locked, "busy 0");
        check(429, &[("retry-after", "7")], "", "busy 7");
        check(503, &[("retry-after", "Tue, 03 Feb 2026 10:00:30 GMT")], "", "busy 30");
        check(503, &[("retry-after", "99999999")], "", "busy 3600");
        check(200, &[("content-type", "text/html; charset=utf-8")], "x", "refused AND-4006");
        check(200, &[], " <!DOCTYPE html><html>", "refused AND-4006");
    }

    #[test]
    fn a_success_brings_tag_location_and_warnings() {
        let headers = [
            ("etag", "W/\"a%3Ab\""),
            ("location", "https://x/y('1')"),
            ("sap-message", r#"{"code":"A/1","message":"m"}"#),
        ];
        let Answer::Done(response) = answer(StepKind::Odata, 201, &headers, "{\"d\":{}}") else { panic!("done") };
        assert_eq!(
            (response.etag.as_deref(), response.location.as_deref()),
            (Some("W/\"a%3Ab\""), Some("https://x/y('1')"))
        );
        assert_eq!(response.warnings, ["A/1 m"]);
        let body = r#"{"d":{"__metadata":{"etag":"W/\"1\""}}}"#;
        let Answer::Done(response) = answer(StepKind::Odata, 200, &[], body) else { panic!("done") };
        assert_eq!(response.etag.as_deref(), Some("W/\"1\""));
        let Answer::Done(response) = answer(StepKind::Http, 200, &[], "<html>") else { panic!("done") };
        assert_eq!(response.body, "<html>");
        let headers = [("sap-messages", r#"[{"code":"A/1","message":"m","numericSeverity":3}]"#)];
        let body = r#"{"@odata.etag":"W/\"2\"","SAP__Messages":[{"code":"A/2","message":"n"}]}"#;
        let Answer::Done(response) = answer(StepKind::OdataV4, 201, &headers, body) else { panic!("done") };
        assert_eq!(
            (response.etag.as_deref(), response.warnings.join(", ").as_str()),
            (Some("W/\"2\""), "A/1 m (warning), A/2 n")
        );
    }
}
