//! Latency on the idle system: from posting an event to the document in SAP's books, one at a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde::Serialize;

use crate::stand::Stand;

/// Milliseconds from the event to the document.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) events: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) longest_ms: f64,
}

/// Includes intake, both durable writes, the decision, the request, and the simulator's own work: an
/// upper bound for what Andon adds.
pub(crate) async fn measure(stand: &Stand, events: usize) -> anyhow::Result<Latency> {
    let mut millis = Vec::with_capacity(events);
    for n in 0..events {
        let begun = micros_now();
        stand.post("one-step", n, n + 1).await?;
        while stand.pending().await? > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let document = stand.sap.books().documents.pop().context("no document in the books")?;
        millis.push((document.created_at.as_micros() - begun) as f64 / 1_000.0);
    }
    millis.sort_by(f64::total_cmp);
    let at = |percent: usize| millis.get((millis.len() - 1) * percent / 100).copied().unwrap_or_default();
    Ok(Latency { events, p50_ms: at(50), p99_ms: at(99), longest_ms: at(100) })
}

/// The clock that the simulator stamps its documents with.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn micros_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
