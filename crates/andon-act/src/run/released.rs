//! A person moves a run on.

use andon_model::{DocumentRef, Release, RunStatus, TimelineKind};
use serde_json::{Value, json};

use super::Phase;
use super::kept::body_with;
use super::transition::Moving;
use crate::Guard;

impl Moving<'_> {
    pub(super) fn released(&mut self, phase: &Phase, release: &Release, by: &str) {
        match (phase, release) {
            (Phase::Sending { .. } | Phase::Probing, _) => {
                self.rejected = Some("a request is on its way; wait for its answer");
                return;
            }
            (Phase::Settled { status: RunStatus::Done | RunStatus::Cancelled }, _) => {
                self.rejected = Some("the run has ended");
                return;
            }
            (Phase::Joining, Release::Retry { .. } | Release::Resolve { .. }) => {
                self.rejected = Some("the run waits for another one of the same episode");
                return;
            }
            _ => {}
        }
        match release {
            Release::Cancel => {
                self.note_release(release, by);
                self.settle(RunStatus::Cancelled, None);
            }
            Release::Resolve { document } => {
                if self.current().is_none() {
                    self.rejected = Some("no step has begun yet; retry the run, or cancel it");
                    return;
                }
                self.note_release(release, by);
                self.resolve(document.clone());
            }
            Release::Retry { confirmed_absent } => self.retry(phase, *confirmed_absent, by),
        }
    }

    fn note_release(&mut self, release: &Release, by: &str) {
        self.note(TimelineKind::Released, json!({ "by": by, "release": release }));
    }

    fn resolve(&mut self, number: Option<String>) {
        let Some(step) = self.current() else { return };
        let name = step.name().to_string();
        let path = step.definition.document.as_deref().unwrap_or_default();
        let body = number.as_deref().map_or(Value::Null, |number| body_with(path, number));
        let document = number.map(|number| DocumentRef { step: name, number, found_by_probe: false });
        self.push_result(body, document);
    }

    /// Tries the stopped step again, on the safe side: what may exist is searched for first.
    fn retry(&mut self, phase: &Phase, confirmed_absent: bool, by: &str) {
        if self.rejoins(phase) {
            self.note_release(&Release::Retry { confirmed_absent }, by);
            return self.rejoin();
        }
        let Some(step) = self.current() else { return };
        let in_doubt = self.state.in_doubt || matches!(phase, Phase::Settled { status: RunStatus::Parked });
        let next = match (&step.guard, in_doubt && !confirmed_absent) {
            (Guard::Park, true) => {
                self.rejected =
                    Some("look in the destination first: retry with confirmed_absent, or resolve with the document");
                return;
            }
            (Guard::Probe(_), true) => Phase::ProbeDue,
            _ => Phase::Ready,
        };
        self.note_release(&Release::Retry { confirmed_absent }, by);
        if !in_doubt {
            self.state.request = None;
        }
        self.state.in_doubt &= !confirmed_absent;
        self.state.attempt = 0;
        self.state.probes = 0;
        self.state.problem = None;
        if next == Phase::Ready { self.begin() } else { self.enter(next) }
    }
}
