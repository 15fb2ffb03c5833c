//! What is kept of a run between two inputs.

use andon_model::{DocumentRef, Event, EventKey, Key, Name, Offset, Problem, RunId, RunStatus, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunEpisode;
use crate::{Action, Library, Request, Stage, Step, step_key};

/// Version tag of the stored form.
const FORMAT: u8 = 1;

/// What does not change while a run executes: its action and its event.
#[derive(Debug, Clone, Copy)]
pub struct RunContext<'a> {
    /// The action, compiled from the configuration revision that the run is pinned to.
    pub action: &'a Action,
    /// The event.
    pub event: &'a Event,
    /// Its place in the journal.
    pub offset: Offset,
    /// Tables and lookups of the same configuration revision.
    pub library: &'a dyn Library,
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Waits for other runs of its episode.
    Joining,
    /// Wants a place at the destination, to send.
    Ready,
    /// The request may be on its way.
    Sending {
        /// When it was handed to the target.
        since: Timestamp,
    },
    /// Wants a place at the destination, to search.
    ProbeDue,
    /// The search is on its way; it changes nothing.
    Probing,
    /// Waits until a point in time.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// Whether it then searches (`true`) or sends.
        probe: bool,
    },
    /// Nothing more happens without a person.
    Settled {
        /// How it ended.
        status: RunStatus,
    },
}

/// The answer of a completed step, for later templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step.
    pub step: Name,
    /// Its stage.
    pub stage: Stage,
    /// The body of its answer; `null` when it was resolved by hand or too large to keep.
    pub body: Value,
}

/// The state of a run; its JSON form is what the journal stores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Version tag of this form.
    pub v: u8,
    /// The run.
    pub id: RunId,
    /// The event's identity, from which every key is derived.
    pub event: EventKey,
    /// The action.
    pub action: Name,
    /// The configuration revision it is pinned to.
    pub revision: i64,
    /// The decision's output that asked for the action.
    pub decision: Value,
    /// The decision's lookups: alias → values.
    pub lookups: Value,
    /// Index of the current step.
    pub step: usize,
    /// Where it is.
    pub phase: Phase,
    /// Attempts to send in the current step.
    pub attempt: u32,
    /// Lines of the timeline so far.
    #[serde(default)]
    pub lines: u32,
    /// Whether an attempt of the current step may have been processed although nobody knows.
    #[serde(default)]
    pub in_doubt: bool,
    /// Searches in a row without a definite answer.
    #[serde(default)]
    pub probes: u32,
    /// The current step's request once it is rendered; sent byte for byte in every attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Completed steps.
    pub results: Vec<StepResult>,
    /// Documents that its steps made or found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef>,
    /// The episode that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<RunEpisode>,
    /// Why it waits or did not end in `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl RunState {
    pub(super) fn new(id: RunId, event: &Event, action: &Name, revision: i64, decision: Value, lookups: Value) -> Self {
        Self {
            v: FORMAT,
            id,
            event: event.key(),
            action: action.clone(),
            revision,
            decision,
            lookups,
            step: 0,
            phase: Phase::Ready,
            attempt: 0,
            lines: 0,
            in_doubt: false,
            probes: 0,
            request: None,
            results: Vec::new(),
            documents: Vec::new(),
            episode: None,
            problem: None,
        }
    }

    /// The status that people see.
    pub fn status(&self) -> RunStatus {
        match &self.phase {
            Phase::Joining | Phase::Ready | Phase::ProbeDue => RunStatus::Queued,
            Phase::Sending { .. } | Phase::Probing => RunStatus::Sending,
            Phase::Waiting { .. } => RunStatus::Waiting,
            Phase::Settled { status } => *status,
        }
    }

    /// When it wants to be woken.
    pub fn due(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Waiting { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// The current step of `action`, `None` when all of its route are done.
    pub fn current<'a>(&self, action: &'a Action) -> Option<&'a Step> {
        action.steps.get(self.step).filter(|_| self.range(action).contains(&self.step))
    }

    /// Whether `action` can take over this run: the completed steps are the same, in order.
    pub fn fits(&self, action: &Action) -> bool {
        let range = self.range(action);
        let stages = action.steps.get(range.clone()).unwrap_or_default();
        let is_of_route = |result: &&StepResult| stages.iter().any(|step| step.definition.stage == result.stage);
        let done = self.results.iter().filter(is_of_route).map(|result| &result.step);
        let steps = action.steps.get(range.start..self.step);
        action.name == self.action
            && action.episode.is_some() == self.episode.is_some()
            && self.step <= range.end
            && steps.is_some_and(|steps| done.eq(steps.iter().map(Step::name)))
            && self.resumes_in(action)
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let state: Self = serde_json::from_str(text)?;
        if state.v == FORMAT {
            return Ok(state);
        }
        Err(serde::de::Error::custom(format!("run state of format {}, this program reads {FORMAT}", state.v)))
    }

    pub(super) fn key(&self, step: &Step) -> Key {
        step_key(&self.event, &self.action, step.name())
    }
}
