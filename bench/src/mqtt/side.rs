//! What is measured of a broker, whichever it is: connects, memory, throughput.

use std::time::Duration;

use andon_sim::fleet::{FleetPlan, Identity};
use anyhow::ensure;
use serde::Serialize;
use tokio::time::sleep;

use super::Options;
use crate::fleet::{Broker, Running};

/// How long a broker is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);

/// Messages a second of a device that is to be idle: the first comes after years.
const IDLE_RATE: f64 = 1e-9;

/// The measurements of a broker in one turn.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Side {
    pub(super) broker: String,
    pub(super) turn: usize,
    pub(super) connects: Option<Connects>,
    pub(super) load: LoadResult,
}

/// Connects with a whole TLS handshake and a client certificate, all wanted at once; then nothing.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Connects {
    pub(super) connections: usize,
    pub(super) per_second: f64,
    /// CPU of the broker for one of them.
    pub(super) cpu_millis: f64,
    pub(super) p99_ms: f64,
    /// Resident memory without connections, and with all of them.
    pub(super) before_mib: f64,
    pub(super) idle_mib: f64,
    pub(super) kib_per_connection: f64,
}

/// Lets all devices connect at once, and stay.
pub(super) async fn connects(broker: &Broker, devices: Vec<Identity>) -> anyhow::Result<Connects> {
    let connections = devices.len();
    let plan = FleetPlan { rate: Some(IDLE_RATE), ..broker.plan()? };
    let before_mib = broker.process.memory()?.now_mib;
    let cpu = broker.process.cpu_seconds()?;
    let fleet = Running::start(plan, devices).await?;
    fleet.until(|progress| progress.online == connections as u64).await?;
    let cpu = broker.process.cpu_seconds()? - cpu;
    sleep(SETTLE).await;
    let idle_mib = broker.process.memory()?.now_mib;
    let report = fleet.stop().await?;
    ensure!(report.connects.lost == 0, "connections were lost: {:?}", report.reasons);
    Ok(Connects {
        connections,
        per_second: report.connects.per_second,
        cpu_millis: cpu * 1_000.0 / connections as f64,
        p99_ms: report.connects.p99_ms,
        before_mib,
        idle_mib,
        kib_per_connection: (idle_mib - before_mib) * 1_024.0 / connections as f64,
    })
}

/// How hard to publish.
pub(super) struct Load {
    window: u16,
    duration: Duration,
}

impl Load {
    pub(super) fn of(options: &Options) -> Self {
        Self { window: options.window, duration: Duration::from_secs(options.seconds) }
    }
}

/// What came of publishing at QoS 1 as fast as the broker answered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LoadResult {
    pub(super) acknowledged: u64,
    pub(super) per_second: f64,
    /// CPU of the broker, user and kernel.
    pub(super) cpu_seconds: f64,
    pub(super) per_cpu_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) payload_bytes: f64,
    /// Resident memory afterwards.
    pub(super) memory_mib: f64,
}

/// Lets all devices publish, when all are connected.
pub(super) async fn load(broker: &Broker, devices: Vec<Identity>, load: &Load) -> anyhow::Result<LoadResult> {
    let plan = FleetPlan {
        rate: None,
        duration: Some(load.duration),
        in_flight: load.window,
        together: true,
        ..broker.plan()?
    };
    let fleet = Running::start(plan, devices).await?;
    fleet.until(|progress| progress.sent > 0).await?;
    let cpu = broker.process.cpu_seconds()?;
    let report = fleet.end().await?;
    let cpu_seconds = broker.process.cpu_seconds()? - cpu;
    let total = &report.total;
    ensure!(total.refused == 0 && report.connects.lost == 0, "messages were refused: {:?}", report.reasons);
    Ok(LoadResult {
        acknowledged: total.acknowledged,
        per_second: report.acknowledged_per_second,
        cpu_seconds,
        per_cpu_second: total.acknowledged as f64 / cpu_seconds,
        p50_ms: total.p50_ms,
        p99_ms: total.p99_ms,
        payload_bytes: total.bytes as f64 / total.sent.max(1) as f64,
        memory_mib: broker.process.memory()?.now_mib,
    })
}
