//! Requests to a destination and what came of them.

use std::time::Duration;

use andon_model::{Key, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a request is sent and how its answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Plain HTTP; the status alone decides.
    Http,
    /// SAP `OData` V2: CSRF token with its cookies, SAP error shapes, `sap-message`.
    Odata,
}

/// A rendered request. It is stored with the run before it is sent, so that a repetition is the same
/// to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// How to send it.
    pub kind: StepKind,
    /// `GET`, `POST`, `PUT`, `PATCH`, `MERGE` or `DELETE`.
    pub method: String,
    /// Path below the destination's address, percent-encoded, beginning with `/`.
    pub path: String,
    /// Query parameters in order, not encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers in order, beside those of the destination.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Media type of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whether a CSRF token must accompany it.
    #[serde(default)]
    pub csrf: bool,
    /// `OData` service path that hands out the CSRF token, beginning with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The step's duplicate-guard key.
    pub key: Key,
    /// Set when the service honours SAP Gateway's `RequestID`/`RepeatabilityCreation`: the time of
    /// the first attempt, which every repetition must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeatable_since: Option<Timestamp>,
    /// How long to wait for the complete answer, in milliseconds.
    pub timeout_ms: u64,
}

impl Request {
    /// How long to wait for the complete answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// A definite, successful answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status, 200–299.
    pub status: u16,
    /// The body as JSON; text that is not JSON as a JSON string; `null` when empty.
    #[serde(default)]
    pub body: Value,
    /// `ETag` header or entity tag, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Location` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Warnings that came with the success (`sap-message`), for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What came of a request: it says what to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Definitely done.
    Done(Response),
    /// Definitely not processed; come back, after the given time if there is one.
    Busy {
        /// Why.
        problem: Problem,
        /// The destination's own wish (`Retry-After`).
        after: Option<Duration>,
    },
    /// Definitely refused; a person must change something.
    Refused {
        /// Why.
        problem: Problem,
        /// HTTP status, 0 when there was none.
        status: u16,
    },
    /// Unknown: it may or may not have been processed.
    Lost(Problem),
}

/// A search for the document that a lost request may have created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeQuery {
    /// How to send it.
    pub kind: StepKind,
    /// Path of the set below the destination's address, percent-encoded, beginning with `/`.
    pub path: String,
    /// Name of the reference field.
    pub field: String,
    /// The key to search for.
    pub key: Key,
    /// Query parameters besides the filter, not encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// How long to wait for the complete answer, in milliseconds.
    pub timeout_ms: u64,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Nothing carries the key.
    Absent,
    /// Exactly one document does; its entity in the same shape as the answer to a create
    /// (`{"d": {…}}` for `OData` V2), so that later steps and `document` paths read both alike.
    One(Response),
    /// Several do; only a person can sort it out.
    Several(usize),
    /// The probe itself got no definite answer; ask again later.
    Unknown(Problem),
}

/// One line of a destination test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestLine {
    /// What was tried: `address`, `connection`, `credentials`, `csrf token`.
    pub what: String,
    /// Whether it worked.
    pub ok: bool,
    /// What was seen, or what to do.
    pub detail: String,
}
