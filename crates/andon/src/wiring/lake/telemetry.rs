//! Counters and gauges of the lake.

use andon_lake::Stepped;
use andon_model::Problem;
use metrics::{counter, describe_counter, describe_gauge, gauge};

/// Says what the numbers are.
pub(super) fn describe() {
    describe_counter!("andon_lake_batches_total", "batches of readings that were written into the lake");
    describe_counter!("andon_lake_bytes_written_total", "bytes of files that were written into the lake");
    describe_counter!("andon_lake_failures_total", "times that the lake could not be opened, written or tidied");
    describe_gauge!("andon_lake_failing", "1 while readings cannot be written into the lake");
    describe_gauge!("andon_lake_rows", "readings with a row in the lake");
    describe_gauge!("andon_lake_quarantined", "readings in the lake's quarantine");
    describe_gauge!("andon_lake_missing", "places of the raw log that no readable line has, as the lake met them");
    describe_gauge!("andon_lake_in_flight", "readings that are not in the lake yet");
    describe_gauge!("andon_lake_drift", "readings that are not accounted for; not 0 means that something is wrong");
    describe_gauge!("andon_lake_drifting_devices", "devices whose readings are not accounted for");
    describe_gauge!("andon_lake_behind_seconds", "age of the oldest reading that is not in the lake yet");
    for counted in ["andon_lake_batches_total", "andon_lake_bytes_written_total", "andon_lake_failures_total"] {
        counter!(counted).increment(0);
    }
}

/// A batch is in the tables.
pub(super) fn written(stepped: &Stepped) {
    gauge!("andon_lake_failing").set(0.0);
    counter!("andon_lake_batches_total").increment(1);
    counter!("andon_lake_bytes_written_total").increment(stepped.bytes);
}

/// The lake could not be opened, or no batch written.
pub(super) fn failed(what: &'static str, problem: &Problem) {
    gauge!("andon_lake_failing").set(1.0);
    counter!("andon_lake_failures_total").increment(1);
    tracing::error!(%problem, "the lake cannot be {what}; readings wait for it in the raw log");
}

/// Files could not be merged or removed.
pub(super) fn untidy(problem: &Problem) {
    counter!("andon_lake_failures_total").increment(1);
    tracing::warn!(%problem, "the lake cannot be tidied; trying again later");
}

/// What was found when readings were accounted for.
pub(super) fn accounted(drift: i64) {
    gauge!("andon_lake_drift").set(drift as f64);
}

/// What was found when they were accounted for device by device.
pub(super) fn accounted_by_device(drifting: usize) {
    gauge!("andon_lake_drifting_devices").set(drifting as f64);
}
