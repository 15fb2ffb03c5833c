//! What a decision table said about an event, with the evidence.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Name, Timestamp};

/// A table as it was when it decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableVersion {
    /// Name of the decision.
    pub name: Name,
    /// Version of the decision's table, counted from 1.
    pub version: i64,
}

/// One row that hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowHit {
    /// Row number in the table, counted from 1 as the editor shows it.
    pub row: usize,
    /// The row's identifier in the JDM document.
    pub id: String,
    /// The row's own description, empty when it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What the input columns saw: column field → value.
    pub saw: Value,
    /// What the row put out.
    pub output: Value,
}

/// The result of one table for one event (invariant C1: it re-evaluates to itself).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The table and its version.
    pub table: TableVersion,
    /// Configuration revision that was in force.
    pub revision: i64,
    /// When it was decided.
    pub at: Timestamp,
    /// The rows that hit; empty when none did.
    pub rows: Vec<RowHit>,
    /// The action asked for by each output that names one, in row order, without repetition.
    pub actions: Vec<Name>,
}
