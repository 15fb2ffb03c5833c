//! Decisions for others: a table in force, asked without an event of the journal.
//!
//! Pure: nothing is stored, no run is planned, and the lane does not notice. The same question has the same answer
//! until another configuration is in force.

use std::collections::BTreeMap;

use andon_journal::Finding;
use andon_model::{Code, Event, Name, Problem};
use serde_json::{Map, Value};

use crate::tables::{Tables, VersionedDecision};
use crate::{Handle, HandleError};

/// Source and type of the event that the table sees.
const SOURCE: &str = "/rule-services";
const KIND: &str = "andon.rule-service";

/// What a decision said.
#[derive(Debug, Clone, PartialEq)]
pub struct Determination {
    /// What the caller calls the object that holds an output.
    pub result_object: String,
    /// One output per row that hit; empty when none did.
    pub outputs: Vec<Value>,
}

impl Handle {
    /// Asks the decision that `service` names, by its name or by its `rule_service_id`, about data objects (name →
    /// attributes). The table sees them as `event.data.<object>.<attribute>`, and as `event.data.<attribute>` each
    /// attribute whose name stands in one object only, so that a table for events answers as well.
    ///
    /// # Errors
    /// [`HandleError::NotFound`] when there is no such decision; the inner error says why it cannot be made.
    pub fn determine(
        &self,
        service: &str,
        objects: Map<String, Value>,
    ) -> Result<Result<Determination, Problem>, HandleError> {
        let catalog = self.shared.catalog();
        let Some(decision) = find(catalog.tables(), service) else {
            return Err(HandleError::NotFound(format!("rule service {service}")));
        };
        let event = Event::new(SOURCE, service, KIND, Value::Object(data(objects)));
        let result_object = decision.model.result_object().to_owned();
        let evaluated = decision.model.evaluate(&event);
        Ok(evaluated.map(|evaluation| Determination { result_object, outputs: evaluation.outputs }))
    }
}

fn find<'a>(tables: &'a Tables, service: &str) -> Option<&'a VersionedDecision> {
    let by_name = tables.decisions.iter().find(|decision| decision.model.name().as_str() == service);
    let has_id = |id: &str| id.eq_ignore_ascii_case(service);
    by_name.or_else(|| tables.decisions.iter().find(|decision| decision.model.rule_service_id().is_some_and(has_id)))
}

/// A finding for every decision whose identifier belongs to another one already.
pub(crate) fn shared_identifiers(decisions: &[VersionedDecision]) -> Vec<Finding> {
    let mut owners: BTreeMap<&str, &Name> = BTreeMap::new();
    let mut findings = Vec::new();
    for model in decisions.iter().map(|decision| &decision.model) {
        let Some(id) = model.rule_service_id() else { continue };
        if let Some(owner) = owners.insert(id, model.name()) {
            let problem = Problem::new(Code::ConfigurationReference, format!("rule service {id} is decision {owner}"));
            findings.push(Finding::error(problem.at(format!("decisions/{}.toml", model.name()))));
        }
    }
    findings
}

/// The objects, and beside them the attributes that are no object's name and not ambiguous.
fn data(objects: Map<String, Value>) -> Map<String, Value> {
    let mut plain = Map::new();
    let mut ambiguous = Vec::new();
    for (name, value) in objects.values().filter_map(Value::as_object).flatten() {
        if plain.insert(name.clone(), value.clone()).is_some() {
            ambiguous.push(name.clone());
        }
    }
    plain.retain(|name, _| !ambiguous.contains(name));
    plain.extend(objects);
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_stand_beside_their_objects_unless_ambiguous() {
        let check = |objects: Value, expected: Value| {
            assert_eq!(Value::Object(data(objects.as_object().expect("objects").clone())), expected);
        };
        check(json!({"A": {"x": 1}}), json!({"A": {"x": 1}, "x": 1}));
        check(json!({"A": {"x": 1}, "B": {"x": 2, "y": 3}}), json!({"A": {"x": 1}, "B": {"x": 2, "y": 3}, "y": 3}));
        check(json!({"A": {"B": 1}, "B": {"y": 2}}), json!({"A": {"B": 1}, "B": {"y": 2}, "y": 2}));
        check(json!({}), json!({}));
    }
}
