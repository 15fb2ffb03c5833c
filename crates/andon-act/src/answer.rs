//! What came of a request.

use std::time::Duration;

use andon_model::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
