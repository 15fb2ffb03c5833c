//! Throughput: many events at once, until every run is done.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::stand::Stand;

/// Events in one request.
const BATCH: usize = 100;

/// What the measurement gave; times in seconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    pub(crate) events: usize,
    /// From the first request to the last run done.
    pub(crate) seconds: f64,
    /// From the first request to the last acknowledgement.
    pub(crate) accepted_seconds: f64,
    /// CPU time of Andon.
    pub(crate) cpu_seconds: f64,
    /// Time in which the lane waited for the journal, fsync included.
    pub(crate) commit_seconds: f64,
    /// Time in which the lane computed: decisions, states, templates.
    pub(crate) compute_seconds: f64,
    /// Sum of the times of all requests; many are under way at once.
    pub(crate) request_seconds: f64,
}

pub(crate) async fn measure(stand: &Stand, events: usize) -> anyhow::Result<Load> {
    let (cpu, commit, compute, request) = sums(stand).await?;
    let begun = Instant::now();
    for from in (0..events).step_by(BATCH) {
        stand.post("three-steps", from, (from + BATCH).min(events)).await?;
    }
    let accepted_seconds = begun.elapsed().as_secs_f64();
    while stand.pending().await? > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let (cpu_after, commit_after, compute_after, request_after) = sums(stand).await?;
    Ok(Load {
        events,
        seconds,
        accepted_seconds,
        cpu_seconds: cpu_after - cpu,
        commit_seconds: commit_after - commit,
        compute_seconds: compute_after - compute,
        request_seconds: request_after - request,
    })
}

async fn sums(stand: &Stand) -> anyhow::Result<(f64, f64, f64, f64)> {
    Ok((
        stand.process().cpu_seconds()?,
        stand.metric_sum("andon_turn_commit_seconds").await?,
        stand.metric_sum("andon_turn_compute_seconds").await?,
        stand.metric_sum("andon_request_seconds").await?,
    ))
}
