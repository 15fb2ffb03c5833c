//! The port to the configuration's own tables: what `decision` and `lookup` steps ask.

use std::collections::BTreeMap;
use std::fmt;

use andon_model::{Event, Name, Problem, RowHit, TableVersion};
use serde_json::Value;

/// Decision tables and lookups of one configuration revision.
///
/// An implementation is pure: the same question has the same answer whenever it is asked, since a run
/// that is resumed may ask again.
pub trait Library: fmt::Debug + Send + Sync {
    /// What the decision says about the event, whether its filter is meant for such an event or not.
    ///
    /// # Errors
    /// [`andon_model::Code::ConfigurationReference`] when there is no such decision,
    /// [`andon_model::Code::DecisionFailed`] when it cannot be computed for this event.
    fn decide(&self, decision: &Name, event: &Event) -> Result<Determined, Problem>;

    /// The row of the lookup for a key (key column → cell) as an object; `None` when it is not listed.
    ///
    /// # Errors
    /// [`andon_model::Code::ConfigurationReference`] when there is no such lookup, or its key columns are
    /// others than those of `key`.
    fn lookup(&self, lookup: &Name, key: &BTreeMap<String, String>) -> Result<Option<Value>, Problem>;
}

/// What a decision said.
#[derive(Debug, Clone, PartialEq)]
pub struct Determined {
    /// Decision and version of its table.
    pub table: TableVersion,
    /// The rows that hit, in order, with what their columns saw.
    pub rows: Vec<RowHit>,
    /// One output per hit.
    pub outputs: Vec<Value>,
}
