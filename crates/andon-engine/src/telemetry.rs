//! What is logged and counted; a failure is logged once, here, where it is handled.

use std::any::Any;

use andon_journal::{Appended, EpisodeKey, JournalError, Retained};
use andon_model::{Name, Problem, RunId, RunStatus};
use metrics::{counter, gauge, histogram};
use tracing::{debug, error, info, warn};

pub(crate) fn appended(source: Option<&Name>, appended: &Appended) {
    let source = source.map(ToString::to_string).unwrap_or_default();
    let new = appended.events.iter().filter(|(_, new)| *new).count();
    let known = appended.events.len() - new;
    counter!("andon_events_total", "source" => source.clone()).increment(new as u64);
    counter!("andon_events_repeated_total", "source" => source.clone()).increment(known as u64);
    counter!("andon_quarantined_total", "source" => source).increment(appended.quarantine.len() as u64);
}

pub(crate) fn passed(source: &Name, records: usize) {
    if records > 0 {
        counter!("andon_passed_total", "source" => source.to_string()).increment(records as u64);
        debug!(%source, records, "read, no event");
    }
}

pub(crate) fn intake_refused(backlog: i64) {
    counter!("andon_intake_refused_total").increment(1);
    warn!(backlog, "intake refused: too many events wait to be decided");
}

pub(crate) fn turn_computed(seconds: f64) {
    histogram!("andon_turn_compute_seconds").record(seconds);
}

pub(crate) fn request_ended(destination: &Name, seconds: f64) {
    histogram!("andon_request_seconds", "destination" => destination.to_string()).record(seconds);
}

pub(crate) fn adapter_panicked(destination: &Name, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    counter!("andon_adapter_panics_total", "destination" => destination.to_string()).increment(1);
    error!(%destination, panic = text.unwrap_or_default(), "a request ended in a panic; what came of it is unknown");
}

pub(crate) fn turn_committed(runs: usize, decided: usize, seconds: f64) {
    histogram!("andon_turn_commit_seconds").record(seconds);
    counter!("andon_run_transitions_total").increment(runs as u64);
    counter!("andon_decided_total").increment(decided as u64);
}

pub(crate) fn settled(run: &RunId, status: RunStatus, problem: Option<&Problem>) {
    counter!("andon_runs_settled_total", "status" => status.as_str()).increment(1);
    match (status, problem) {
        (RunStatus::Done | RunStatus::Cancelled, _) => debug!(%run, %status, "run settled"),
        (_, Some(problem)) => warn!(%run, %status, code = %problem.code, detail = %problem.detail, "run settled"),
        (_, None) => warn!(%run, %status, "run settled"),
    }
}

pub(crate) fn episode_closed(id: &EpisodeKey, by: &str) {
    info!(action = %id.action, key = id.key, by, "episode closed by a person");
}

pub(crate) fn pending(runs: usize, in_flight: usize, backlog: i64) {
    gauge!("andon_runs_pending").set(runs as f64);
    gauge!("andon_requests_in_flight").set(in_flight as f64);
    gauge!("andon_backlog").set(backlog as f64);
}

pub(crate) fn decision_failed(event: i64, problem: &Problem) {
    counter!("andon_decisions_failed_total").increment(1);
    error!(event, code = %problem.code, detail = %problem.detail, "the event could not be decided");
}

pub(crate) fn commit_failed(failure: &JournalError, attempt: u32) {
    counter!("andon_commit_failures_total").increment(1);
    error!(error = %failure, attempt, "the journal did not take the turn; trying again");
}

pub(crate) fn journal_lost(failure: &JournalError) {
    error!(error = %failure, "the journal is lost to this process; stopping");
}

pub(crate) fn read_failed(failure: &JournalError) {
    counter!("andon_read_failures_total").increment(1);
    error!(error = %failure, "the journal could not be read; trying again");
}

pub(crate) fn run_unusable(run: &RunId, reason: &str) {
    counter!("andon_runs_unusable_total").increment(1);
    error!(%run, reason, "a stored run cannot be continued by this program; it stays pending until somebody cancels it");
}

pub(crate) fn source_failed(source: &Name, problem: &Problem) {
    counter!("andon_source_failures_total", "source" => source.to_string()).increment(1);
    warn!(%source, code = %problem.code, detail = %problem.detail, "the source could not be read; trying again");
}

pub(crate) fn object_missing(source: &Name, path: &str) {
    counter!("andon_objects_missing_total", "source" => source.to_string()).increment(1);
    info!(%source, path, "a notification names an object that is gone or not this source's");
}

pub(crate) fn retained(retained: Retained) {
    let Retained { events, attachments, replayed, quarantine, marks, episodes } = retained;
    let gone = [
        ("events", events),
        ("attachments", attachments),
        ("replayed", replayed),
        ("quarantine", quarantine),
        ("marks", marks),
        ("episodes", episodes),
    ];
    for (what, rows) in gone {
        if rows > 0 {
            counter!("andon_retained_total", "what" => what).increment(rows as u64);
            info!(what, rows, "removed what was older than its limit");
        }
    }
}

pub(crate) fn retention_failed(failure: &JournalError) {
    warn!(error = %failure, "what is too old could not be removed");
}

pub(crate) fn configured(revision: i64, decisions: usize, actions: usize, sources: usize) {
    gauge!("andon_configuration_revision").set(revision as f64);
    info!(revision, decisions, actions, sources, "configuration in force");
}
