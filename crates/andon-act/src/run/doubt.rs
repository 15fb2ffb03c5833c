//! A request of unknown fate: by the step's guard it is sent again, searched for, or parked (invariant A2).

use andon_model::{Code, Problem, RunStatus, TimelineKind};
use serde_json::json;

use super::detail::probing_detail;
use super::kept::changeset_with;
use super::render::render_probe;
use super::transition::Moving;
use super::{Effect, Phase};
use crate::definition::{Content, RequestTemplates, Work};
use crate::{Found, Guard, Response};

impl Moving<'_> {
    /// No answer came: nobody waits for a summary, everything else is of unknown fate.
    pub(super) fn unanswered(&mut self, problem: Problem) {
        if self.summary().is_none() {
            return self.lost(problem);
        }
        self.note(TimelineKind::Lost, json!({ "problem": problem, "repeatable": true }));
        self.fall_back("lost");
    }

    /// Of unknown fate: by the guard.
    fn lost(&mut self, problem: Problem) {
        let Some(step) = self.current() else { return };
        self.state.in_doubt = true;
        let repeatable = matches!(step.guard, Guard::Natural | Guard::Repeatable);
        self.note(TimelineKind::Lost, json!({ "problem": problem, "repeatable": repeatable }));
        match &step.guard {
            Guard::Natural | Guard::Repeatable if self.state.attempt >= step.retry.attempts => {
                let problem = Problem::new(Code::RetriesExhausted, problem.to_string());
                self.settle(RunStatus::Parked, Some(problem));
            }
            Guard::Natural | Guard::Repeatable => self.wait(self.backoff(step, self.state.attempt), false, problem),
            Guard::Probe(probe) => self.wait(probe.settle, true, problem),
            Guard::Park => self.settle(RunStatus::Parked, Some(problem)),
        }
    }

    pub(super) fn probed(&mut self, found: Found) {
        match found {
            Found::One(response) => {
                self.note(TimelineKind::Probed, json!({ "found": 1, "status": response.status }));
                self.complete(self.as_answer(response), true);
            }
            Found::Absent => {
                self.note(TimelineKind::Probed, json!({ "found": 0 }));
                self.absent();
            }
            Found::Several(count) => {
                self.note(TimelineKind::Probed, json!({ "found": count }));
                let detail = format!("{count} documents carry the key; delete none before you know which one is used");
                self.settle(RunStatus::Parked, Some(Problem::new(Code::DuplicateFound, detail)));
            }
            Found::Unknown(problem) => {
                self.note(TimelineKind::Probed, json!({ "problem": problem }));
                self.probe_again(problem);
            }
        }
    }

    /// The lost request left nothing behind: the same bytes may be sent again.
    fn absent(&mut self) {
        self.state.probes = 0;
        self.state.in_doubt = false;
        let Some(step) = self.current() else { return };
        if self.state.attempt >= step.retry.attempts {
            let detail = "every attempt was lost and left no document behind";
            return self.settle(RunStatus::Refused, Some(Problem::new(Code::RetriesExhausted, detail)));
        }
        self.begin();
    }

    fn probe_again(&mut self, problem: Problem) {
        let Some(step) = self.current() else { return };
        self.state.probes += 1;
        if self.state.probes >= step.retry.attempts {
            let problem = Problem::new(Code::RetriesExhausted, problem.to_string());
            return self.settle(RunStatus::Parked, Some(problem));
        }
        self.wait(self.backoff(step, self.state.probes), true, problem);
    }

    /// What a search found, in the form of the answer that was lost.
    fn as_answer(&self, response: Response) -> Response {
        let Some(Work::Request(RequestTemplates { content: Content::Changeset(parts), .. })) =
            self.current().map(|step| &step.work)
        else {
            return response;
        };
        let found = parts.iter().position(|part| part.is_searched).unwrap_or(0);
        let body = changeset_with(parts.len(), found, response.status, &response.body);
        Response { body, ..response }
    }

    /// `ProbeDue`, admitted: searches for what the lost request may have made.
    pub(super) fn probe(&mut self) {
        let Some(step) = self.current() else { return self.settle(RunStatus::Done, None) };
        let query = match (render_probe(self.ctx, &self.state, step), step.destination()) {
            (Some(Ok(query)), Some(destination)) => Ok((query, destination.clone())),
            (Some(Err(problem)), _) => Err(problem),
            _ => Err(Problem::new(Code::Lost, "the step no longer says how to search for its document")),
        };
        match query {
            Ok((query, destination)) => {
                self.note(TimelineKind::Probing, probing_detail(&query));
                self.state.phase = Phase::Probing;
                self.effects.push(Effect::Probe { destination, query });
            }
            Err(problem) => self.settle(RunStatus::Parked, Some(problem)),
        }
    }
}
