//! The invariants as predicates, numbered as in `ARCHITECTURE.md`: the same code judges tests,
//! simulations and a running plant.

use std::collections::BTreeMap;
use std::fmt;

use andon_journal::RunDetail;
use andon_model::{TimelineEntry, TimelineKind};

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number: `A1`.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken: {}", self.invariant, self.detail)
    }
}

/// A1: at most one document in the destination per key. `references` are the keys its books hold.
pub fn check_books<'a>(references: impl IntoIterator<Item = &'a str>) -> Vec<Violation> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reference in references {
        *counts.entry(reference).or_default() += 1;
    }
    let repeated = counts.into_iter().filter(|(_, count)| *count > 1);
    repeated
        .map(|(key, count)| Violation { invariant: "A1", detail: format!("{count} documents carry the key {key}") })
        .collect()
}

/// A2 and A3 for one run, by its timeline.
pub fn check_run(run: &RunDetail) -> Vec<Violation> {
    let mut found = unprobed_repetition(&run.timeline);
    let last = run.timeline.last().map(|entry| entry.kind);
    if run.row.status.is_settled() != (last == Some(TimelineKind::Settled)) {
        let detail = format!("run {} is {} but its timeline ends with {last:?}", run.row.id, run.row.status);
        found.push(Violation { invariant: "A3", detail });
    }
    found
}

/// A2: between a lost request and the next one of the same step stands a probe that found nothing, or
/// a person, unless the guard says that a repetition does no harm.
fn unprobed_repetition(timeline: &[TimelineEntry]) -> Vec<Violation> {
    let mut in_doubt: BTreeMap<&str, bool> = BTreeMap::new();
    let mut found = Vec::new();
    for entry in timeline {
        let doubt = in_doubt.entry(entry.step.as_str()).or_default();
        match entry.kind {
            TimelineKind::Lost => *doubt = entry.detail["repeatable"] != true,
            TimelineKind::Probed if entry.detail["found"] == 0 => *doubt = false,
            TimelineKind::Released => *doubt = false,
            TimelineKind::Sending if *doubt => {
                let detail = format!("step {} was sent again at {} while its fate was unknown", entry.step, entry.at);
                found.push(Violation { invariant: "A2", detail });
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn timeline(entries: &[(TimelineKind, Value)]) -> Vec<TimelineEntry> {
        let entry = |(kind, detail): &(TimelineKind, Value)| TimelineEntry {
            at: andon_model::Timestamp::default(),
            kind: *kind,
            step: "create".into(),
            attempt: 1,
            detail: detail.clone(),
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn a_repetition_needs_a_probe() {
        use TimelineKind::{Lost, Probed, Released, Sending};
        let broken = |entries: &[(TimelineKind, Value)]| !unprobed_repetition(&timeline(entries)).is_empty();
        let (send, lost) = ((Sending, json!({})), (Lost, json!({})));
        assert!(broken(&[send.clone(), lost.clone(), send.clone()]));
        assert!(broken(&[send.clone(), lost.clone(), (Probed, json!({"problem": {}})), send.clone()]));
        assert!(!broken(&[send.clone(), lost.clone(), (Probed, json!({"found": 0})), send.clone()]));
        assert!(!broken(&[send.clone(), lost, (Released, json!({})), send.clone()]));
        assert!(!broken(&[send.clone(), (Lost, json!({"repeatable": true})), send]));
    }

    #[test]
    fn books_hold_each_key_once() {
        assert!(check_books(["A", "B"]).is_empty());
        assert_eq!(check_books(["A", "B", "A"])[0].to_string(), "A1 broken: 2 documents carry the key A");
    }
}
