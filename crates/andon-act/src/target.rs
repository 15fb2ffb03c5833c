//! The port through which the engine reaches destinations.

use andon_model::{Code, Name, Problem};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Answer, Found, ProbeQuery, Request};

/// Sends requests to named destinations.
///
/// An implementation never repeats a request whose fate is unknown: it answers [`Answer::Lost`] and
/// leaves the decision to the run. Dropping the future before it ends counts as lost.
#[async_trait]
pub trait Target: Send + Sync {
    /// Sends a request and says what came of it.
    async fn send(&self, destination: &Name, request: &Request) -> Answer;

    /// Searches for the document of a lost request. Changes nothing in the destination.
    async fn probe(&self, destination: &Name, query: &ProbeQuery) -> Found;

    /// Tries address, connection and credentials without changing anything.
    async fn test(&self, destination: &Name) -> Vec<TestLine>;

    /// Reads the `$metadata` of an `OData` service (its path, beginning with `/`). Changes nothing in the destination.
    ///
    /// # Errors
    /// [`Code::NotFound`] when the destination has no such document, or the implementation reads none.
    async fn metadata(&self, destination: &Name, service: &str) -> Result<String, Problem> {
        Err(Problem::new(Code::NotFound, format!("{destination} gives no metadata of {service}")))
    }

    /// The admission settings of a destination; `None` when there is no such destination.
    fn limits(&self, destination: &Name) -> Option<DestinationLimits>;
}

/// How much a destination is given at once, and when it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DestinationLimits {
    /// Requests and probes under way at once.
    pub max_concurrency: usize,
    /// Failures in a row (busy, lost) that open the circuit.
    pub open_after: u32,
    /// How long the circuit stays open before one request is let through.
    pub open_for: std::time::Duration,
}

impl Default for DestinationLimits {
    fn default() -> Self {
        Self { max_concurrency: 16, open_after: 10, open_for: std::time::Duration::from_secs(10) }
    }
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
