//! Requests to a destination.

use std::time::Duration;

use andon_model::{Key, Timestamp};
use serde::{Deserialize, Serialize};

/// What a step does, and so how its request is sent and its answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Plain HTTP; the status alone decides.
    Http,
    /// SAP `OData` V2: CSRF token with its cookies, SAP error shapes, `sap-message`.
    Odata,
    /// SAP `OData` V4: the same token; entities without a wrapper, other error shapes.
    OdataV4,
    /// Bytes that Andon keeps, uploaded as they are to an `OData` V2 media set.
    Attachment,
    /// A decision: by a table of Andon, which sends nothing, or by a rule service that is asked over HTTP.
    Decision,
    /// A row of a lookup of Andon; sends nothing.
    Lookup,
    /// A text that a language model writes, asked over HTTP; never trusted and never waited for.
    Summary,
}

impl StepKind {
    /// The kind as it is written in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Odata => "odata",
            Self::OdataV4 => "odata-v4",
            Self::Attachment => "attachment",
            Self::Decision => "decision",
            Self::Lookup => "lookup",
            Self::Summary => "summary",
        }
    }

    /// Whether an `OData` service answers: it has a service path, CSRF tokens and SAP's error shapes.
    pub const fn is_odata(self) -> bool {
        matches!(self, Self::Odata | Self::OdataV4 | Self::Attachment)
    }
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
    /// The parts of one atomic change set. Where there are any, the request is the `$batch` of its
    /// service and has no body of its own: the adapter writes the multipart form around the parts, the
    /// same bytes in every attempt, with boundaries that derive from the key. The answer's body is
    /// `{"responses": [{"status": 201, "body": …}, …]}` in the order of the parts. A set that was done
    /// in part, or whose answer cannot be read, is [`crate::Answer::Lost`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changeset: Vec<ChangesetPart>,
    /// How the entity's version is guarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<IfMatch>,
    /// The bytes to send in place of a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<AttachmentBody>,
    /// How often such a request may be sent. Above it the adapter sends nothing and answers
    /// [`crate::Answer::Refused`] with status 0 at once: that says nothing about the destination, so it does
    /// not count against its circuit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<CallBudget>,
    /// How long to wait for the complete answer, in milliseconds.
    pub timeout_ms: u64,
}

/// One request within a change set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesetPart {
    /// `Content-ID`, counted from 1: a later part's path may begin with `$1`.
    pub content_id: u32,
    /// `POST`, `PUT`, `PATCH`, `MERGE` (V2) or `DELETE`.
    pub method: String,
    /// Path below the service, percent-encoded, without `/` at its beginning.
    pub path: String,
    /// Headers in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// How the version of an entity is guarded against changes by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IfMatch {
    /// The adapter reads the entity by `GET` of the same path, and sends its `ETag` byte for byte as
    /// `If-Match`. On status 412 or 428 it reads and sends once more, and no further time.
    Read,
}

/// Bytes that Andon keeps, as the body of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentBody {
    /// SHA-256 of the bytes in lower-case hexadecimal: the name under which they are kept.
    pub digest: String,
    /// Most bytes to send; more are refused before anything is sent.
    pub max_bytes: u64,
}

/// How often a request may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBudget {
    /// What the calls are counted under: `<action>/<step>`.
    pub name: String,
    /// Most calls …
    pub calls: u32,
    /// … within this time, in milliseconds.
    pub per_ms: u64,
}

impl Request {
    /// How long to wait for the complete answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}
