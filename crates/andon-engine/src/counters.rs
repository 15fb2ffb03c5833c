//! Every counter of the engine from the start, with 0: a rate is only defined from the second sample on, so a counter
//! that appeared with its first count would hide it from whoever watches.

use andon_model::{Name, RunStatus};
use metrics::{counter, describe_counter};

/// Counters without labels, and what they count.
const PLAIN: [(&str, &str); 7] = [
    ("andon_intake_refused_total", "deliveries refused because too much is waiting"),
    ("andon_decided_total", "events decided"),
    ("andon_decisions_failed_total", "events whose decision failed"),
    ("andon_run_transitions_total", "changes of runs committed"),
    ("andon_runs_unusable_total", "stored runs that this program cannot continue"),
    ("andon_commit_failures_total", "commits that the journal did not take"),
    ("andon_read_failures_total", "failed readings of the journal"),
];

/// Counters per source.
const PER_SOURCE: [(&str, &str); 6] = [
    ("andon_events_total", "events stored"),
    ("andon_events_repeated_total", "events that were known already"),
    ("andon_quarantined_total", "entries put into quarantine"),
    ("andon_passed_total", "records that were read and gave no event"),
    ("andon_source_failures_total", "failed readings of a folder, bucket or broker"),
    ("andon_objects_missing_total", "notified objects that are gone or not this source's"),
];

/// Counters per destination.
const PER_DESTINATION: [(&str, &str); 1] =
    [("andon_adapter_panics_total", "requests that a fault in the program ended")];

/// Counters with labels of their own.
const SETTLED: (&str, &str) = ("andon_runs_settled_total", "runs that ended");
const REMOVED: (&str, &str) = ("andon_retained_total", "rows removed for their age");

/// What is removed for its age.
const RETAINED: [&str; 5] = ["events", "attachments", "replayed", "quarantine", "marks"];

/// Registers everything that does not depend on the configuration.
pub(crate) fn register() {
    for (name, text) in PLAIN {
        describe_counter!(name, text);
        counter!(name).increment(0);
    }
    for (name, text) in PER_SOURCE.into_iter().chain(PER_DESTINATION).chain([SETTLED, REMOVED]) {
        describe_counter!(name, text);
    }
    for status in RunStatus::ALL.into_iter().filter(|status| status.is_settled()) {
        counter!(SETTLED.0, "status" => status.as_str()).increment(0);
    }
    for what in RETAINED {
        counter!(REMOVED.0, "what" => what).increment(0);
    }
}

/// Registers the counters of a source.
pub(crate) fn register_source(source: &Name) {
    for (name, _) in PER_SOURCE {
        counter!(name, "source" => source.to_string()).increment(0);
    }
}

/// Registers the counters of a destination.
pub(crate) fn register_destination(destination: &Name) {
    for (name, _) in PER_DESTINATION {
        counter!(name, "destination" => destination.to_string()).increment(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_that_counts_is_registered() {
        let registered = PLAIN.into_iter().chain(PER_SOURCE).chain(PER_DESTINATION).chain([SETTLED, REMOVED]);
        let mut registered: Vec<&str> = registered.map(|(name, _)| name).collect();
        let calls = include_str!("telemetry.rs").split("counter!(\"").skip(1);
        let mut counted: Vec<&str> = calls.filter_map(|call| call.split('"').next()).collect();
        registered.sort_unstable();
        counted.sort_unstable();
        counted.dedup();
        assert_eq!(registered, counted);
    }
}
