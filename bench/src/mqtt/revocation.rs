//! How long a revoked device goes on: from asking the API to revoke until its connection is closed.

use std::time::Instant;

use andon_sim::fleet::FleetPlan;
use anyhow::ensure;
use serde::Serialize;

use super::scene::Scene;
use crate::fleet::Running;

/// Milliseconds from the request to the end of the connection, as the device sees it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Revocation {
    pub(super) connected: usize,
    pub(super) revoked: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) longest_ms: f64,
}

/// Revokes devices one after the other while all others publish once a second.
pub(super) async fn measure(scene: &mut Scene, connected: usize, revoked: usize) -> anyhow::Result<Revocation> {
    let broker = scene.andon.start().await?;
    let devices = scene.first(connected);
    let names: Vec<String> = devices.iter().take(revoked).map(|identity| identity.device.clone()).collect();
    let fleet = Running::start(FleetPlan { patience: 3, ..broker.plan()? }, devices).await?;
    fleet.until(|progress| progress.online == connected as u64).await?;
    let mut millis = Vec::with_capacity(revoked);
    for name in &names {
        let before = fleet.progress().online;
        let begun = Instant::now();
        scene.andon.revoke(name).await?;
        fleet.until(|progress| progress.online < before).await?;
        millis.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let report = fleet.stop().await?;
    ensure!(report.connects.lost == names.len() as u64, "others were cut off: {:?}", report.reasons);
    scene.andon.kill();
    millis.sort_by(f64::total_cmp);
    let at = |percent: usize| millis.get((millis.len().max(1) - 1) * percent / 100).copied().unwrap_or_default();
    Ok(Revocation { connected, revoked: names.len(), p50_ms: at(50), p99_ms: at(99), longest_ms: at(100) })
}
