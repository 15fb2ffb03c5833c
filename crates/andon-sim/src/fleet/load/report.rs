//! What came of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::counters::{Count, FleetCounters, MessageCounters};
use crate::fleet::faults::DeviceFault;
use crate::fleet::payload::Profile;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleetReport {
    /// Devices.
    pub devices: usize,
    /// Seed of values and faults.
    pub seed: u64,
    /// The faults that were asked for.
    pub faults_asked: String,
    /// From the start to the last farewell.
    pub seconds: f64,
    /// Connects.
    pub connects: ConnectReport,
    /// Messages by profile.
    pub profiles: Vec<MessageReport>,
    /// All messages.
    pub total: MessageReport,
    /// Messages a second, from when devices began to publish to the last message or acknowledgement.
    pub sent_per_second: f64,
    /// Acknowledged messages a second, likewise.
    pub acknowledged_per_second: f64,
    /// How often each fault was met.
    pub faults_met: BTreeMap<&'static str, u64>,
    /// Why connects, connections and messages failed, and how often: the first twenty reasons.
    pub reasons: BTreeMap<String, u64>,
}

/// How connecting went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectReport {
    /// Connects tried.
    pub attempted: u64,
    /// Devices that came in.
    pub connected: u64,
    /// Connects that came in after the first of a device.
    pub reconnected: u64,
    /// Connects that the broker refused.
    pub refused: u64,
    /// Connects that failed otherwise.
    pub failed: u64,
    /// Connections that ended without the device's doing.
    pub lost: u64,
    /// First connects a second, from the start to the last of them.
    pub per_second: f64,
    /// Milliseconds from TCP to CONNACK, half of all.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
}

/// How the messages fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageReport {
    /// Name of the profile, or `all`.
    pub profile: &'static str,
    /// Its devices.
    pub devices: u64,
    /// Messages, each counted once.
    pub sent: u64,
    /// Those that the broker took over.
    pub acknowledged: u64,
    /// Those that it refused.
    pub refused: u64,
    /// Those of QoS 0, which no broker answers.
    pub unanswerable: u64,
    /// Those whose fate is unknown.
    pub unsettled: u64,
    /// Messages that were due and never made, because the device was held up.
    pub skipped: u64,
    /// Publishes beyond the first of a message.
    pub copies: u64,
    /// Bytes of payload, copies not counted.
    pub bytes: u64,
    /// Milliseconds from the first sending to the acknowledgement, half of all.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
    /// The longest.
    pub longest_ms: f64,
}

/// Spans of a run.
pub(super) struct RunTimes {
    pub(super) whole: Duration,
    /// From the start to when devices could publish.
    pub(super) until_publishing: Duration,
}

impl FleetReport {
    /// The report of what was counted.
    pub(super) fn of(
        counters: &FleetCounters,
        plan: &super::plan::FleetPlan,
        devices: usize,
        times: &RunTimes,
    ) -> Self {
        let all = MessageCounters::new();
        let mut profiles = Vec::new();
        for (profile, messages) in Profile::ALL.into_iter().zip(&counters.messages) {
            messages.add_to(&all);
            if messages.devices.get() > 0 {
                profiles.push(MessageReport::of(profile.as_str(), messages));
            }
        }
        let total = MessageReport::of("all", &all);
        let publishing = span(&counters.last_message).saturating_sub(times.until_publishing);
        let met = |kind: DeviceFault| counters.faults.get(kind.index()).map_or(0, Count::get);
        Self {
            devices,
            seed: plan.seed,
            faults_asked: plan.faults.to_string(),
            seconds: times.whole.as_secs_f64(),
            connects: ConnectReport::of(counters),
            sent_per_second: per_second(total.sent, publishing),
            acknowledged_per_second: per_second(total.acknowledged, publishing),
            profiles,
            total,
            faults_met: DeviceFault::ALL
                .into_iter()
                .map(|kind| (kind.as_str(), met(kind)))
                .filter(|m| m.1 > 0)
                .collect(),
            reasons: counters.reasons(),
        }
    }
}

impl ConnectReport {
    fn of(counters: &FleetCounters) -> Self {
        let connected = counters.connected.get();
        Self {
            attempted: counters.attempts.get(),
            connected,
            reconnected: counters.reconnected.get(),
            refused: counters.refused.get(),
            failed: counters.failed.get(),
            lost: counters.lost.get(),
            per_second: per_second(connected, span(&counters.all_connected)),
            p50_ms: millis(counters.connecting.quantile(0.5)),
            p99_ms: millis(counters.connecting.quantile(0.99)),
        }
    }
}

impl MessageReport {
    fn of(profile: &'static str, counters: &MessageCounters) -> Self {
        let (sent, acknowledged) = (counters.sent.get(), counters.acknowledged.get());
        let (refused, unanswerable) = (counters.refused.get(), counters.unanswerable.get());
        Self {
            profile,
            devices: counters.devices.get(),
            sent,
            acknowledged,
            refused,
            unanswerable,
            unsettled: sent.saturating_sub(acknowledged + refused + unanswerable),
            skipped: counters.skipped.get(),
            copies: counters.copies.get(),
            bytes: counters.bytes.get(),
            p50_ms: millis(counters.latency.quantile(0.5)),
            p99_ms: millis(counters.latency.quantile(0.99)),
            longest_ms: millis(counters.latency.longest()),
        }
    }
}

fn span(micros: &Count) -> Duration {
    Duration::from_micros(micros.get())
}

fn per_second(count: u64, span: Duration) -> f64 {
    if span.is_zero() { 0.0 } else { count as f64 / span.as_secs_f64() }
}

fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}
