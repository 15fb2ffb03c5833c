//! What is wrong with a policy document, and where.

use andon_model::{Code, Problem};

/// A fault of a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {why}")]
pub struct PolicyError {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1: where the faulty value ends.
    pub column: usize,
    /// What is wrong.
    pub why: String,
}

impl From<serde_json::Error> for PolicyError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        Self { line, column, why: text.strip_suffix(&place).unwrap_or(&text).to_owned() }
    }
}

impl From<PolicyError> for Problem {
    fn from(error: PolicyError) -> Self {
        let place = format!("line {}, column {}", error.line, error.column);
        Self::new(Code::PolicyDocument, error.why).at(place)
    }
}
