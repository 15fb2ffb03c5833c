//! Decision tables and lookups of one configuration revision: what events and steps ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_act::{Action, Determined, Library, RunContext};
use andon_decide::DecisionModel;
use andon_model::{Code, Event, Lookup, Name, Offset, Problem, TableVersion};
use serde_json::Value;

/// A decision with the version of its table.
#[derive(Debug)]
pub(crate) struct VersionedDecision {
    pub(crate) table: TableVersion,
    pub(crate) model: DecisionModel,
    /// Whether new events are decided by it; otherwise it answers steps alone.
    pub(crate) for_events: bool,
}

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) decisions: Vec<VersionedDecision>,
    pub(crate) lookups: BTreeMap<Name, Arc<Lookup>>,
}

impl Library for Tables {
    fn decide(&self, decision: &Name, event: &Event) -> Result<Determined, Problem> {
        let found = self.decisions.iter().find(|known| known.table.name == *decision);
        let found = found.ok_or_else(|| missing(format!("there is no usable decision {decision}")))?;
        let evaluation = found.model.evaluate(event)?;
        Ok(Determined { table: found.table.clone(), rows: evaluation.rows, outputs: evaluation.outputs })
    }

    fn lookup(&self, lookup: &Name, key: &BTreeMap<String, String>) -> Result<Option<Value>, Problem> {
        let found = self.lookups.get(lookup).ok_or_else(|| missing(format!("there is no usable lookup {lookup}")))?;
        check_key(lookup, found, key.keys()).map_err(missing)?;
        let cells: Vec<String> = found.key_columns().iter().filter_map(|column| key.get(column).cloned()).collect();
        Ok(found.get(&cells))
    }
}

/// Whether `key` names every key column of the lookup, and nothing else.
pub(crate) fn check_key<'a>(
    name: &Name,
    lookup: &Lookup,
    key: impl IntoIterator<Item = &'a String>,
) -> Result<(), String> {
    let mut given: Vec<&String> = key.into_iter().collect();
    let mut needed: Vec<&String> = lookup.key_columns().iter().collect();
    given.sort();
    needed.sort();
    if given == needed {
        return Ok(());
    }
    Err(format!("lookup {name} is asked by its key columns: {}", lookup.key_columns().join(", ")))
}

fn missing(what: String) -> Problem {
    Problem::new(Code::ConfigurationReference, what)
}

/// An action and the tables of its revision: what a run is executed by.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) action: Action,
    pub(crate) tables: Arc<Tables>,
}

impl Pinned {
    /// What the run of an event sees.
    pub(crate) fn context<'a>(&'a self, event: &'a Event, offset: Offset) -> RunContext<'a> {
        RunContext { action: &self.action, event, offset, library: &*self.tables }
    }
}

impl std::ops::Deref for Pinned {
    type Target = Action;

    fn deref(&self) -> &Action {
        &self.action
    }
}
