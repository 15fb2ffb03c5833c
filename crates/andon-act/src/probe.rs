//! Searches for the document of a lost request.

use andon_model::{Key, Problem};
use serde::{Deserialize, Serialize};

use crate::{Response, StepKind};

/// A search for the document that a lost request may have created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeQuery {
    /// How to send it.
    pub kind: StepKind,
    /// Path of the set, or of the listing, below the destination's address, percent-encoded, beginning with `/`.
    pub path: String,
    /// Name of the field that is compared.
    pub field: String,
    /// The key of the lost request.
    pub key: Key,
    /// What the field must hold; the key unless the guard says otherwise.
    pub value: String,
    /// How the field is compared with it.
    #[serde(default)]
    pub matching: Match,
    /// Whether the path is a listing that knows no filter: it is read as it is, with `query`, and every
    /// entity of it is compared.
    #[serde(default)]
    pub listing: bool,
    /// Query parameters besides the filter, or those of the listing, not encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// How long to wait for the complete answer, in milliseconds.
    pub timeout_ms: u64,
}

/// How a field is compared with the value that is searched for. `OData` folds reference fields to upper
/// case, so letter case never matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// The field is the value: `Field eq 'V'`.
    #[default]
    Equals,
    /// The field holds the value somewhere: `substringof('V',Field)` in V2, `contains(Field,'V')` in V4.
    Contains,
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
