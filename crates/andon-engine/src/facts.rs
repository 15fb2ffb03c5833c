//! What decisions and lookups tell about an action's templates before any event comes.

use andon_act::template::{Facts, KnownRow, KnownTable, Origin};
use andon_decide::{DecisionModel, StatedRow};
use andon_model::Name;

use crate::tables::Tables;

impl Tables {
    /// What is known about the values that the templates of an action see: the rows that name it, with their outputs,
    /// and the lookups of their decisions.
    pub(crate) fn facts(&self, action: &Name) -> Facts {
        let asking = self.decisions.iter().filter(|decision| decision.for_events);
        let asking = asking.filter(|decision| decision.model.actions_named().contains(action));
        let origins = asking.map(|decision| origin(&decision.model, action)).collect();
        let tables = self.decisions.iter().map(|decision| (decision.model.name().clone(), table(&decision.model)));
        Facts { origins, lookups: self.lookups.clone(), tables: tables.collect() }
    }
}

fn origin(model: &DecisionModel, action: &Name) -> Origin {
    let stated = model.stated();
    let names = |row: &StatedRow| row.actions.iter().flatten().any(|name| name == action.as_str());
    let lookups = model.lookups().map(|(alias, name, lookup)| (alias.to_owned(), (name.clone(), lookup.clone())));
    Origin {
        decision: model.name().clone(),
        lookups: lookups.collect(),
        outputs: stated.as_ref().map(|stated| stated.outputs.clone()),
        rows: stated.into_iter().flat_map(|stated| stated.rows).filter(names).map(known).collect(),
    }
}

/// What a step that asks the decision may be told.
fn table(model: &DecisionModel) -> KnownTable {
    let Some(stated) = model.stated() else { return KnownTable::default() };
    KnownTable { outputs: Some(stated.outputs), rows: stated.rows.into_iter().map(known).collect() }
}

fn known(row: StatedRow) -> KnownRow {
    KnownRow { number: row.number, output: row.output, open: row.open }
}
