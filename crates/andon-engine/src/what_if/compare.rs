//! Two rehearsals of one event, held against each other.

use std::collections::BTreeSet;

use andon_model::{Decision, Name, Problem, RunStatus};
use serde::Serialize;
use serde_json::{Value, json};

use super::fields::differing;
use super::rehearse::{Ending, Recorded, Rehearsal, RehearsedRun, Sent};
use super::{Changed, Part, PartKind};

/// Everything that differs, with the documents that are recorded. `in_full` keeps the requests themselves.
pub(super) fn compare((before, after): (&Rehearsal, &Rehearsal), recorded: &Recorded, in_full: bool) -> Vec<Part> {
    let mut comparison = Comparison { parts: Vec::new(), recorded, in_full };
    comparison.failures(before.failure.as_ref(), after.failure.as_ref());
    comparison.decisions(&before.decisions, &after.decisions);
    let actions: BTreeSet<&Name> = before.runs.keys().chain(after.runs.keys()).collect();
    for action in actions {
        comparison.run(action, before.runs.get(action), after.runs.get(action));
    }
    comparison.parts
}

struct Comparison<'a> {
    parts: Vec<Part>,
    recorded: &'a Recorded,
    in_full: bool,
}

impl Comparison<'_> {
    fn failures(&mut self, before: Option<&Problem>, after: Option<&Problem>) {
        if before != after {
            self.add(PartKind::Failure, "", before, after);
        }
    }

    fn decisions(&mut self, before: &[Decision], after: &[Decision]) {
        let names: BTreeSet<&Name> = before.iter().chain(after).map(|decision| &decision.table.name).collect();
        for name in names {
            let of = |decisions: &[Decision]| decisions.iter().find(|d| d.table.name == *name).map(shown);
            let (before, after) = (of(before), of(after));
            if before != after {
                self.add(PartKind::Decision, name.as_str(), before.as_ref(), after.as_ref());
            }
        }
    }

    fn run(&mut self, action: &Name, before: Option<&RehearsedRun>, after: Option<&RehearsedRun>) {
        if before == after {
            return;
        }
        if before.is_none() || after.is_none() {
            self.add::<Value>(
                PartKind::Action,
                action.as_str(),
                before.map(|_| &Value::Null),
                after.map(|_| &Value::Null),
            );
        }
        self.requests(action, requests(before), requests(after));
        let (before, after) = (before.and_then(stopped), after.and_then(stopped));
        if before != after {
            self.add(PartKind::Ending, action.as_str(), before.as_ref(), after.as_ref());
        }
    }

    fn requests(&mut self, action: &Name, before: &[Sent], after: &[Sent]) {
        let steps = before.iter().chain(after.iter().filter(|sent| find(before, &sent.step).is_none()));
        let mut differs_already = false;
        for step in steps.map(|sent| &sent.step) {
            let (before, after) = (find(before, step), find(after, step));
            if before == after {
                continue;
            }
            let fields = before.zip(after).map_or_else(Vec::new, |(before, after)| differing(before, after));
            let kept = |sent: Option<&Sent>| sent.filter(|_| self.in_full).map(full);
            self.parts.push(Part {
                what: PartKind::Request,
                change: change(before.is_some(), after.is_some()),
                name: action.to_string(),
                step: Some(step.clone()),
                document: self.recorded.document(action, step),
                fields,
                assumed: differs_already,
                before: kept(before),
                after: kept(after),
            });
            differs_already = true;
        }
    }

    fn add<T: Serialize>(&mut self, what: PartKind, name: &str, before: Option<&T>, after: Option<&T>) {
        let value = |side: Option<&T>| side.and_then(|side| serde_json::to_value(side).ok()).filter(|v| !v.is_null());
        self.parts.push(Part {
            what,
            change: change(before.is_some(), after.is_some()),
            name: name.to_owned(),
            step: None,
            document: None,
            fields: Vec::new(),
            assumed: false,
            before: value(before),
            after: value(after),
        });
    }
}

fn change(before: bool, after: bool) -> Changed {
    match (before, after) {
        (false, _) => Changed::Added,
        (true, false) => Changed::Removed,
        (true, true) => Changed::Changed,
    }
}

/// What counts of a decision: rows by number with what they put out, and actions. Version and time do not.
fn shown(decision: &Decision) -> Value {
    let rows: Vec<Value> = decision.rows.iter().map(|hit| json!({ "row": hit.row, "output": hit.output })).collect();
    json!({ "rows": rows, "actions": decision.actions })
}

/// The end of a run that stops by itself; where an answer is missing nothing is known, and `done` goes without saying.
fn stopped(run: &RehearsedRun) -> Option<Value> {
    match &run.ending {
        Ending::Settled { status, problem } if *status != RunStatus::Done => {
            Some(json!({ "status": status, "problem": problem }))
        }
        Ending::Settled { .. } | Ending::Unanswered => None,
    }
}

fn requests(run: Option<&RehearsedRun>) -> &[Sent] {
    run.map_or(&[], |run| &run.requests)
}

fn find<'a>(sent: &'a [Sent], step: &Name) -> Option<&'a Sent> {
    sent.iter().find(|sent| sent.step == *step)
}

fn full(sent: &Sent) -> Value {
    json!({ "destination": sent.destination, "request": sent.request })
}
