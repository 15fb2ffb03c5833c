//! Steps that send nothing: a row of a lookup, or what a decision table says. They are evaluated within
//! the transition that begins them, so they cost no commit and cannot be found half done.

use std::collections::BTreeMap;

use andon_model::{Code, Event, Name, Problem, RowHit};
use serde_json::{Value, json};

use super::render::scope;
use super::{RunContext, RunState};
use crate::Step;
use crate::definition::{WhenEmpty, WhenMissing, Work};
use crate::template::Template;

/// Most rows that the timeline shows of one decision.
const MAX_SHOWN_ROWS: usize = 20;

/// What a local step came to: its answer for later steps, and what the timeline shows.
pub(super) struct Concluded {
    pub(super) body: Value,
    pub(super) shown: Value,
}

/// Evaluates `step` if it is a local one.
pub(super) fn conclude(ctx: RunContext<'_>, state: &RunState, step: &Step) -> Option<Result<Concluded, Problem>> {
    match &step.work {
        Work::Lookup { lookup, key, missing } => Some(look_up(ctx, state, step, (lookup, key, *missing))),
        Work::Table { decision, input, empty } => Some(decide(ctx, state, step, (decision, input.as_ref(), *empty))),
        Work::Request(_) | Work::Rules { .. } | Work::Summary(_) => None,
    }
}

fn look_up(
    ctx: RunContext<'_>,
    state: &RunState,
    step: &Step,
    (lookup, key, missing): (&Name, &[(String, Template)], WhenMissing),
) -> Result<Concluded, Problem> {
    let scope = scope(ctx, state, step);
    let cells = key.iter().map(|(column, cell)| Ok((column.clone(), cell.render(&scope)?)));
    let key = cells.collect::<Result<BTreeMap<_, _>, Problem>>()?;
    let found = ctx.library.lookup(lookup, &key)?;
    if found.is_none() && missing == WhenMissing::Refuse {
        let cells: Vec<String> = key.iter().map(|(column, cell)| format!("{column} {cell:?}")).collect();
        let detail = format!("lookup {lookup} has no row for {}; add it, or say missing = \"null\"", cells.join(", "));
        return Err(Problem::new(Code::NothingDetermined, detail));
    }
    let shown = json!({ "lookup": lookup, "key": key, "found": found.is_some() });
    Ok(Concluded { body: found.unwrap_or_default(), shown })
}

fn decide(
    ctx: RunContext<'_>,
    state: &RunState,
    step: &Step,
    (decision, input, empty): (&Name, Option<&Template>, WhenEmpty),
) -> Result<Concluded, Problem> {
    let asked = input.map(|input| with_data(ctx, state, step, input)).transpose()?;
    let found = ctx.library.decide(decision, asked.as_ref().unwrap_or(ctx.event))?;
    if found.rows.is_empty() && empty == WhenEmpty::Refuse {
        let detail = format!("no row of decision {decision} hits; add one, or say empty = \"continue\"");
        return Err(Problem::new(Code::NothingDetermined, detail));
    }
    let shown = json!({ "decision": found.table.name, "version": found.table.version, "rows": shown(&found.rows) });
    let output = found.outputs.first().cloned().unwrap_or_else(|| json!({}));
    let body = json!({ "matched": !found.rows.is_empty(), "output": output, "outputs": found.outputs });
    Ok(Concluded { body, shown })
}

/// The event as the table is to see it: with other data.
fn with_data(ctx: RunContext<'_>, state: &RunState, step: &Step, input: &Template) -> Result<Event, Problem> {
    let text = input.render(&scope(ctx, state, step))?;
    let data = serde_json::from_str(&text).map_err(|e| Problem::new(Code::BadBody, e.to_string()))?;
    Ok(Event { data, data_base64: None, ..ctx.event.clone() })
}

fn shown(rows: &[RowHit]) -> &[RowHit] {
    &rows[..rows.len().min(MAX_SHOWN_ROWS)]
}
