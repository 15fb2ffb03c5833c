//! An event as `CloudEvents` 1.0 describes it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// The place of an event in the journal: gapless, starting at 1 (invariant J1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What makes an event the same event again: `(source, id)` (invariant J4).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventKey {
    /// `source` attribute: a URI reference.
    pub source: String,
    /// `id` attribute: unique within the source.
    pub id: String,
}

/// One event, in the shape of the `CloudEvents` 1.0 JSON format
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).
///
/// Binary payloads are carried as text in `data_base64`, as the format says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique within `source`.
    pub id: String,
    /// Where it comes from: a URI reference.
    pub source: String,
    /// What happened, in reverse-DNS form.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to; events of one subject are worked on in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Media type of `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// Schema of `data`: a URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// The payload, `null` when absent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// The payload when it is not JSON: base64 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
    /// Extension attributes, flat beside the others.
    #[serde(flatten)]
    pub extensions: Map<String, Value>,
}

impl Event {
    /// An event with the required attributes and a JSON payload.
    pub fn new(source: impl Into<String>, id: impl Into<String>, kind: impl Into<String>, data: Value) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            kind: kind.into(),
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            data,
            data_base64: None,
            extensions: Map::new(),
        }
    }

    /// The identity of the event.
    pub fn key(&self) -> EventKey {
        EventKey { source: self.source.clone(), id: self.id.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_form_round_trips_with_extensions() {
        let text = json!({"id":"1","source":"s","type":"t","subject":"p","time":"2024-03-05T14:00:00Z","data":{"a":1},"traceparent":"00-x"});
        let event: Event = serde_json::from_value(text.clone()).expect("valid event");
        assert_eq!(event.extensions["traceparent"], "00-x");
        assert_eq!(serde_json::to_value(&event).expect("serialises"), text);
    }
}
