//! What is logged and counted of brokers outside.

use andon_model::Name;
use metrics::{counter, describe_counter, describe_gauge, gauge};
use tracing::{info, warn};

const CONNECTED: &str = "andon_broker_connected";
const CONNECTS: &str = "andon_broker_connects_total";
const LOST_SESSIONS: &str = "andon_broker_sessions_lost_total";
const PAYLOADS: &str = "andon_broker_payloads_total";
const READINGS: &str = "andon_broker_readings_total";

/// Registers what is counted of a source, with 0.
pub(super) fn register(source: &Name) {
    describe_gauge!(CONNECTED, "1 while the broker of a source is connected");
    describe_counter!(CONNECTS, "connections to the broker of a source");
    describe_counter!(LOST_SESSIONS, "sessions that a broker did not keep: what came in between may be lost");
    describe_counter!(PAYLOADS, "payloads that a broker delivered, repetitions too");
    describe_counter!(READINGS, "payloads of a broker that are in the raw log");
    for name in [CONNECTS, LOST_SESSIONS, PAYLOADS, READINGS] {
        counter!(name, "source" => source.to_string()).increment(0);
    }
    disconnected(source);
}

pub(super) fn connected(source: &Name, broker: &str, session_present: bool) {
    gauge!(CONNECTED, "source" => source.to_string()).set(1.0);
    counter!(CONNECTS, "source" => source.to_string()).increment(1);
    info!(%source, broker, session_present, "connected to the broker");
}

pub(super) fn disconnected(source: &Name) {
    gauge!(CONNECTED, "source" => source.to_string()).set(0.0);
}

pub(super) fn session_lost(source: &Name, broker: &str) {
    counter!(LOST_SESSIONS, "source" => source.to_string()).increment(1);
    warn!(%source, broker, "the broker no longer has the session: what came since the last connection may be lost");
}

pub(super) fn payloads(source: &Name, count: usize) {
    counter!(PAYLOADS, "source" => source.to_string()).increment(count as u64);
}

pub(super) fn readings(source: &Name, count: usize) {
    counter!(READINGS, "source" => source.to_string()).increment(count as u64);
}
