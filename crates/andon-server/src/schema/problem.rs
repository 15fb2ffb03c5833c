//! What is wrong, and where.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a finding refuses or only warns.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is refused because of it.
    Warning,
    /// Refused until it is changed.
    Error,
}

/// What is wrong.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Code with a page of its own.
    #[schema(example = "AND-1001", pattern = "^AND-[0-9]{4}$")]
    pub code: String,
    /// What exactly, and what to do.
    pub detail: String,
    /// File with line and column, JSON path, object name or address.
    pub place: Option<String>,
}

/// What a check found in a document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Refuse, or only warn.
    pub severity: Severity,
    /// What, where (the document's path, then the place in it), and what to do.
    #[serde(flatten)]
    pub problem: Problem,
}

/// A part of a delivery that is kept in quarantine.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct QuarantinedPart {
    /// Its quarantine entry; 0 for a part that stays in the entry that was replayed.
    pub id: i64,
    /// Why it could not be decoded.
    pub problem: Problem,
}

/// Every answer that is not a success: problem details of RFC 9457.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemAnswer {
    /// The code's page, which this server answers without a token.
    #[schema(example = "/errors/AND-1001")]
    pub r#type: String,
    /// A sentence that is the same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Code with a page of its own.
    #[schema(example = "AND-1001", pattern = "^AND-[0-9]{4}$")]
    pub code: String,
    /// What exactly, and what to do.
    pub detail: String,
    /// Where: line and column, JSON path, header, query.
    pub place: Option<String>,
    /// All that a check found, when a configuration is refused.
    pub findings: Option<Vec<Finding>>,
    /// The first quarantine entry, when a delivery could not be decoded.
    pub quarantine: Option<i64>,
    /// All quarantine entries of the delivery.
    pub quarantined: Option<Vec<QuarantinedPart>>,
}
