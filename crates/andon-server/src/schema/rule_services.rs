//! Rule services, as SAP Build has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A question to a decision.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleQuestion {
    /// The decision's name, or its `rule_service_id`.
    #[serde(rename = "RuleServiceId")]
    pub rule_service_id: String,
    /// Data objects: `{"EventInfo":{"SourceSystem":"AWS"}}`, or with `__type__`.
    #[serde(rename = "Vocabulary")]
    pub vocabulary: Vec<BTreeMap<String, Value>>,
}

/// What the decision said.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleAnswer {
    /// One per row that fits: `{"ActionInfo":{"ActionId":"7"}}`; in version 1 the object itself, with `__type__`.
    #[serde(rename = "Result")]
    pub result: Vec<BTreeMap<String, Value>>,
}

/// Why there is no answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleError {
    /// The error.
    pub error: RuleErrorDetail,
}

/// An error in SAP's form.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleErrorDetail {
    /// A code of Andon.
    pub code: String,
    /// In words.
    pub message: String,
}
