//! Bodies of the API that have no type of their own elsewhere.

use andon_journal::{Change, DocumentVersion, Finding, Role};
use andon_model::{Name, Offset, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `GET /api/v1/configuration`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConfigurationAnswer {
    /// The revision that was asked for.
    pub(crate) revision: i64,
    /// Its documents.
    pub(crate) documents: Vec<DocumentVersion>,
}

/// `POST /api/v1/configuration/check`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckAnswer {
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// What would differ, document by document.
    #[serde(default)]
    pub(crate) changes: Vec<Difference>,
}

/// `GET /api/v1/configuration/{kind}/{name}/diff`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// The document's path in a scenario folder.
    pub(crate) path: String,
    /// `created`, `replaced` or `removed`.
    pub(crate) effect: String,
    /// Unified diff.
    pub(crate) diff: String,
    /// Whether the diff ends before its end.
    pub(crate) cut: bool,
}

/// `POST /api/v1/configuration/apply`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ApplyAnswer {
    /// The revision now in force.
    pub(crate) revision: i64,
    /// Paths of the documents that differ from before.
    pub(crate) changed: Vec<String>,
    /// Warnings.
    pub(crate) findings: Vec<Finding>,
}

/// `POST /api/v1/tokens`
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TokenAnswer {
    /// Name of the token.
    pub(crate) name: Name,
    /// What it may do.
    pub(crate) role: Role,
    /// When it stops working.
    #[serde(default)]
    pub(crate) expires_at: Option<Timestamp>,
    /// The token, shown this once.
    pub(crate) token: String,
}

/// What became of a delivery.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliveredAnswer {
    /// The events, in order.
    #[serde(default)]
    pub(crate) events: Vec<DeliveredEvent>,
    /// What could not be decoded.
    #[serde(default)]
    pub(crate) quarantined: Vec<QuarantinedPart>,
}

/// An event that was delivered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliveredEvent {
    /// Its place in the journal.
    pub(crate) offset: Offset,
    /// `false` when it was known before.
    pub(crate) new: bool,
}

/// A part of a delivery that could not be decoded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QuarantinedPart {
    /// Its quarantine entry; 0 when it stays in the one that was replayed.
    pub(crate) id: i64,
    /// Why, and where.
    pub(crate) problem: Problem,
}

/// Changes in the form of the API: `{"changes":[{"put":{…}},{"delete":{…}}]}`.
pub(crate) fn change_json(changes: &[Change]) -> Value {
    let one = |change: &Change| match change {
        Change::Put(document) => json!({ "put": document }),
        Change::Delete(kind, name) => json!({ "delete": { "kind": kind, "name": name } }),
    };
    json!({ "changes": changes.iter().map(one).collect::<Vec<_>>() })
}
