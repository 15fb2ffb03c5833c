//! What a table sees: `{ "event": <the CloudEvent in its JSON form>, "<lookup>": { … } | null, … }`.
//!
//! Numbers are decimals of 28 digits here; one too large for that reads as `null`.

use std::sync::Arc;

use andon_model::{Event, Lookup, Name};
use serde_json::{Map, Value};
use zen_expression::variable::{Symbol, VariableMap};
use zen_expression::vm::VM;
use zen_expression::{Scope, Variable};

use crate::expression::Code;

/// A lookup that a decision uses.
#[derive(Debug)]
pub(crate) struct LookupPlan {
    /// Name of the result.
    pub(crate) alias: String,
    /// Name of the mapping table.
    pub(crate) table: Name,
    /// The mapping table.
    pub(crate) lookup: Arc<Lookup>,
    /// One expression per key column, with its source.
    pub(crate) key: Vec<(String, Code)>,
}

impl LookupPlan {
    /// The listed values for the event's key, `null` when the key is not listed. The error says which part of the key
    /// cannot be computed.
    fn find(&self, scope: &Scope, vm: &mut VM) -> Result<Value, String> {
        let mut key = Vec::with_capacity(self.key.len());
        for (source, code) in &self.key {
            let part = vm
                .run(code, scope)
                .map_err(|error| format!("the key {source} of lookup {} cannot be computed: {error}", self.alias))?;
            match key_text(part) {
                Some(text) => key.push(text),
                None => return Ok(Value::Null),
            }
        }
        Ok(self.lookup.get(&key).unwrap_or(Value::Null))
    }
}

/// A key's part as text; `null`, lists and objects are in no lookup.
fn key_text(part: Variable) -> Option<String> {
    match part {
        Variable::String(text) => Some(text.as_str().to_owned()),
        Variable::Number(number) => Some(number.normalize().to_string()),
        Variable::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The context for an event, and the lookups' results by name.
pub(crate) fn build(event: &Event, lookups: &[LookupPlan]) -> Result<(Variable, Map<String, Value>), String> {
    let mut context = VariableMap::with_capacity(1 + lookups.len());
    context.insert_str("event", event_variable(event));
    let mut results = Map::new();
    if !lookups.is_empty() {
        let scope = Scope::new(Variable::from_object(context.clone()));
        let mut vm = VM::new();
        for plan in lookups {
            let found = plan.find(&scope, &mut vm)?;
            context.insert_str(&plan.alias, Variable::from(&found));
            results.insert(plan.alias.clone(), found);
        }
    }
    Ok((Variable::from_object(context), results))
}

/// The event as its JSON form reads, without the detour over JSON.
fn event_variable(event: &Event) -> Variable {
    let mut object = VariableMap::with_capacity(8 + event.extensions.len());
    let mut put = |name: &'static str, text: &str| {
        object.insert(Symbol::from_static(name), Variable::String(Symbol::from(text)));
    };
    put("id", &event.id);
    put("source", &event.source);
    put("type", &event.kind);
    let optional = [
        ("subject", &event.subject),
        ("datacontenttype", &event.datacontenttype),
        ("dataschema", &event.dataschema),
        ("data_base64", &event.data_base64),
    ];
    for (name, text) in optional {
        if let Some(text) = text {
            put(name, text);
        }
    }
    if let Some(time) = event.time {
        put("time", &time.to_string());
    }
    if !event.data.is_null() {
        object.insert(Symbol::from_static("data"), Variable::from(&event.data));
    }
    for (name, value) in &event.extensions {
        object.insert_str(name, Variable::from(value));
    }
    Variable::from_object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_reads_as_its_json_form() {
        let events = [
            json!({"id": "1", "source": "s", "type": "t"}),
            json!({"id": "1", "source": "s", "type": "t", "subject": "p", "time": "2024-03-05T14:00:00Z",
                "datacontenttype": "application/json", "dataschema": "urn:x", "data": {"a": [1, 2.5, null]}, "trace": "x"}),
            json!({"id": "1", "source": "s", "type": "t", "data_base64": "AAA=", "count": 7}),
        ];
        for text in events {
            let event: Event = serde_json::from_value(text.clone()).expect("an event");
            assert_eq!(event_variable(&event), Variable::from(&text));
        }
    }
}
