//! What would happen to an event: decided and rendered, nothing stored, nothing sent.

use andon_act::{Preview, StepPreview, preview};
use andon_model::{Decision, Event, Name, Offset, Problem, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::catalog::{Catalog, Wish};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryRun {
    /// Configuration revision asked.
    pub revision: i64,
    /// One entry per table that was asked.
    pub decisions: Vec<DryRunDecision>,
    /// One entry per action that would run.
    pub actions: Vec<DryRunAction>,
    /// Why no decision could be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Problem>,
}

/// What one table said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryRunDecision {
    /// Table, version, rows, what they saw, actions.
    #[serde(flatten)]
    pub decision: Decision,
}

/// What one action would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryRunAction {
    /// The action.
    pub action: Name,
    /// The output that asked for it.
    pub output: Value,
    /// Its steps with their requests, as far as is known before the first answer; those after one with a problem are
    /// missing.
    pub steps: Vec<StepPreview>,
    /// Why not even the first step would be begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

pub(crate) fn dry_run(catalog: &Catalog, event: &Event, now: Timestamp) -> DryRun {
    let verdict = catalog.decide(event, now);
    DryRun {
        revision: catalog.revision,
        decisions: verdict.decisions.into_iter().map(|decision| DryRunDecision { decision }).collect(),
        actions: verdict.wishes.iter().filter_map(|wish| try_action(catalog, event, wish, now)).collect(),
        failure: verdict.failure,
    }
}

fn try_action(catalog: &Catalog, event: &Event, wish: &Wish, now: Timestamp) -> Option<DryRunAction> {
    let action = catalog.action(&wish.action)?;
    let context = action.context(event, Offset::default());
    let Preview { steps, problem } = preview(context, catalog.revision, wish.output.clone(), wish.lookups.clone(), now);
    Some(DryRunAction { action: wish.action.clone(), output: wish.output.clone(), steps, problem })
}
