//! Tokens, secrets, destinations, and the process in numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Problem, RunStatus};

/// What a token may do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, including tokens, secrets and configuration.
    Admin,
    /// Reads everything; delivers, retries, resolves, cancels, replays, tests.
    Operator,
    /// Reads everything.
    Viewer,
    /// Delivers events, nothing else.
    Intake,
}

/// A token, without its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// The token that is wanted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WantedToken {
    /// A name that no token has.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How long it works; for ever when absent.
    pub expires_in_seconds: Option<u64>,
}

/// A token with its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it stops working.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Its text, shown this once.
    pub token: String,
}

/// A secret, without its text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretName {
    /// Its name.
    pub name: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// The text of a secret; never answered.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretValue {
    /// 1 to 65,536 bytes.
    #[schema(format = Password, write_only)]
    pub value: String,
}

/// A destination in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Destination {
    /// Its name.
    pub name: String,
}

/// One line of a destination's test.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TestLine {
    /// What was tried.
    pub what: String,
    /// Whether it worked.
    pub ok: bool,
    /// What was seen, or what to do.
    pub detail: String,
}

/// The process in numbers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusAnswer {
    /// Version of the program.
    pub version: String,
    /// The engine.
    pub status: EngineStatus,
    /// The journal.
    pub counts: Counts,
}

/// How the engine is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EngineStatus {
    /// Whether it is at work and the journal took its last commit and what came in last.
    pub ready: bool,
    /// What is wrong when it is not.
    pub problem: Option<Problem>,
    /// Configuration revision in force.
    pub revision: i64,
    /// Events stored but not decided.
    pub backlog: i64,
    /// Unsettled runs.
    pub pending_runs: u64,
    /// Requests and probes under way.
    pub in_flight: u64,
    /// Destinations whose circuit is open.
    pub open_circuits: Vec<String>,
    /// Sources that failed last time, as pairs of name and problem.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub failing_sources: Vec<(String, Problem)>,
}

/// What the journal holds.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Events.
    pub events: i64,
    /// Events not decided yet.
    pub undecided: i64,
    /// Events whose decision failed.
    pub failed_decisions: i64,
    /// Open quarantine entries.
    pub quarantined: i64,
    /// Runs, as pairs of status and number.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub runs: Vec<(RunStatus, i64)>,
}
