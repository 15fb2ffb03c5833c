//! What is logged and counted of the plant.

use andon_assets::{Applied, Refused, RefusedWhy, Restored};
use andon_journal::JournalError;
use andon_model::Problem;
use metrics::{counter, describe_counter, gauge, histogram};
use tracing::{debug, error, info, warn};

/// Counters, and what they count.
const COUNTERS: [(&str, &str); 10] = [
    ("andon_plant_readings_total", "readings that the plant has taken in"),
    ("andon_plant_unmatched_total", "readings that no model is for"),
    ("andon_plant_unreadable_total", "readings whose payload is not JSON"),
    ("andon_plant_missing_total", "readings that the log does not have any more"),
    ("andon_plant_values_total", "values of properties"),
    ("andon_plant_transitions_total", "changes of alarms"),
    ("andon_plant_append_failures_total", "times that the journal did not take alarms"),
    ("andon_plant_snapshot_failures_total", "times that the plant could not be saved"),
    ("andon_plant_values_written_total", "values that the table of values has taken"),
    ("andon_plant_values_dropped_total", "values given up because too many waited for the table"),
];

/// Counted by the reason.
const REFUSED: (&str, &str) = ("andon_plant_refused_total", "values that were not taken");

const REASONS: [(RefusedWhy, &str); 5] = [
    (RefusedWhy::WrongType, "wrong_type"),
    (RefusedWhy::OutOfRange, "out_of_range"),
    (RefusedWhy::NoProperty, "no_property"),
    (RefusedWhy::TooManyAssets, "too_many_assets"),
    (RefusedWhy::NotComputed, "not_computed"),
];

/// Registers every counter with 0.
pub(crate) fn register() {
    for (name, text) in COUNTERS.into_iter().chain([REFUSED]) {
        describe_counter!(name, text);
    }
    for (name, _) in COUNTERS {
        counter!(name).increment(0);
    }
    for (_, reason) in REASONS {
        counter!(REFUSED.0, "why" => reason).increment(0);
    }
}

pub(super) fn applied(readings: usize, unreadable: usize, missing: u64) {
    counter!("andon_plant_readings_total").increment(readings as u64);
    counter!("andon_plant_unreadable_total").increment(unreadable as u64);
    counter!("andon_plant_missing_total").increment(missing);
    if missing > 0 {
        warn!(missing, "the log does not have some readings any more; their values are missing");
    }
}

pub(super) fn changed(applied: &Applied) {
    counter!("andon_plant_values_total").increment(applied.changes.len() as u64);
    counter!("andon_plant_transitions_total").increment(applied.transitions.len() as u64);
    counter!("andon_plant_unmatched_total").increment(applied.unmatched.into());
    applied.refused.iter().for_each(refused);
    for asset in &applied.created {
        info!(%asset, "an asset was created from a reading");
    }
    for transition in &applied.transitions {
        let (from, to) = (transition.from.word(), transition.to.word());
        info!(asset = %transition.asset, alarm = %transition.alarm, from, to, "an alarm went to another state");
    }
}

fn refused(refused: &Refused) {
    let reason = REASONS.iter().find(|(why, _)| *why == refused.why).map_or("other", |(_, reason)| reason);
    counter!("andon_plant_refused_total", "why" => reason).increment(1);
    debug!(asset = refused.asset.as_deref(), what = refused.what, why = %refused.why, "a value was not taken");
}

pub(super) fn plant(assets: usize, recent_bytes: usize) {
    gauge!("andon_plant_assets").set(assets as f64);
    gauge!("andon_plant_recent_bytes").set(recent_bytes as f64);
}

pub(super) fn defined(models: usize, restored: &Restored) {
    info!(models, assets = restored.assets, "models in force");
    if let Some(asset) = restored.left_out.first() {
        let count = restored.left_out.len();
        warn!(count, asset, "assets are gone: their definition or model is no longer there");
    }
}

pub(super) fn started(next: u64, assets: usize) {
    info!(next, assets, "the plant follows the readings");
}

pub(super) fn begun_anew(next: u64) {
    warn!(
        next,
        "there is no snapshot of the assets, and the log has readings: values and alarms are computed again; alarms that \
         were acknowledged, snoozed or disabled are not any more, and links to SAP that people set are gone"
    );
}

pub(super) fn read_failed(problem: &Problem) {
    error!(%problem, "the log of readings cannot be followed; trying again");
}

pub(super) fn append_failed(failure: &JournalError) {
    counter!("andon_plant_append_failures_total").increment(1);
    error!(error = %failure, "the journal did not take alarms; trying again");
}

pub(super) fn saved(seconds: f64, bytes: usize) {
    histogram!("andon_plant_snapshot_seconds").record(seconds);
    gauge!("andon_plant_snapshot_bytes").set(bytes as f64);
}

pub(super) fn save_failed(problem: &Problem) {
    counter!("andon_plant_snapshot_failures_total").increment(1);
    error!(%problem, "the plant could not be saved; trying again");
}

pub(super) fn values_written(values: usize) {
    counter!("andon_plant_values_written_total").increment(values as u64);
}

pub(super) fn values_dropped(values: usize) {
    counter!("andon_plant_values_dropped_total").increment(values as u64);
    warn!(values, "too many values wait for the lake; the oldest were given up");
}

pub(super) fn values_refused(problem: &Problem, waiting: usize) {
    warn!(%problem, waiting, "the lake did not take values; trying again");
}

pub(super) fn values_given_up(problem: &Problem) {
    error!(%problem, "the lake cannot be asked for its values: those until the next start are in memory only; \
        `andon lake rebuild` makes them again");
}

pub(super) fn links_read(assets: usize) {
    info!(assets, "assets have their names in SAP");
}

pub(super) fn links_not_read(destination: &str, problem: &Problem) {
    warn!(destination, %problem, "what assets are called in SAP cannot be read; trying again later");
}

pub(super) fn removed(asset: &str) {
    info!(asset, "an asset was deleted");
}

pub(super) fn refilling(until: u64) {
    info!(until, "the table of values was begun anew: its values are made again from the log");
}

pub(super) fn refilled(values: usize) {
    info!(values, "the table of values has all values again");
}

pub(super) fn refill_failed(problem: &Problem) {
    warn!(%problem, "values cannot be made again at present; trying again");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_that_counts_is_registered() {
        let mut registered: Vec<&str> = COUNTERS.into_iter().chain([REFUSED]).map(|(name, _)| name).collect();
        let source = include_str!("telemetry.rs");
        let calls = source.split("counter!(\"").skip(1);
        let mut counted: Vec<&str> = calls.filter_map(|call| call.split('"').next()).collect();
        registered.sort_unstable();
        counted.sort_unstable();
        counted.retain(|name| name.starts_with("andon_"));
        counted.dedup();
        assert_eq!(registered, counted);
    }
}
