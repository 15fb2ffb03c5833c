//! A transition as an event, in the shape in which alarms of AWS IoT SiteWise become events: what is configured for those
//! works for these without a change.
//!
//! The id is made of alarm, episode, its beginning and the state, within the asset's source: the same readings give the
//! same ids, and an episode tells of a state once. The subject is the asset, so that its events are worked on in order.

use andon_model::{Event, Timestamp};
use serde_json::{Map, Value, json};

use super::record::Moved;
use super::{Cause, Evaluation, OperationKind, Transition};
use crate::definition::Links;

/// `type` of the events, the same as that of SiteWise's alarms.
const EVENT_TYPE: &str = "com.amazon.iotsitewise.alarm";

/// What an alarm is about, beside its transition.
pub(crate) struct About<'a> {
    pub(crate) name: &'a str,
    pub(crate) model: &'a str,
    pub(crate) property: &'a str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) alias: Option<&'a str>,
    pub(crate) links: &'a Links,
    pub(crate) severity: Option<u8>,
    pub(crate) opened: Option<Timestamp>,
}

/// The event of a transition.
pub(crate) fn event(transition: &Transition, moved: &Moved, about: &About<'_>) -> Event {
    let (alarm, state) = (&transition.alarm, transition.to.word());
    let id = format!("{alarm}-{}-{}-{state}", transition.episode, moved.stamp.as_micros());
    let source = format!("/andon/assets/{}", uri_part(&transition.asset));
    let mut event = Event::new(source, id, EVENT_TYPE, Value::Null);
    event.subject = Some(transition.asset.to_string());
    event.time = Some(transition.at);
    event.datacontenttype = Some("application/json".into());
    event.data = data(transition, about);
    event
}

fn data(transition: &Transition, about: &About<'_>) -> Value {
    let evaluation = transition.evaluation.as_ref();
    let mut data = json!({
        "asset_id": transition.asset,
        "asset_name": about.name,
        "model": about.model,
        "property_id": transition.alarm,
        "property": about.property,
        "unit": about.unit,
        "alias": about.alias,
        "state": transition.to.word(),
        "value": evaluation.map(|e| e.value),
        "operator": evaluation.map(|e| e.operator.word()),
        "threshold": evaluation.map(|e| e.threshold),
        "action": action(&transition.cause).map(OperationKind::word),
        "note": transition.note,
        "by": transition.by,
        "severity": about.severity,
        "episode": transition.episode,
        "opened_at": about.opened,
        "equipment": about.links.equipment,
        "functional_location": about.links.functional_location,
        "timestamp": transition.at,
        "detail": detail(transition, evaluation),
    });
    if let Some(members) = data.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    data
}

fn action(cause: &Cause) -> Option<OperationKind> {
    if let Cause::Person(kind) = cause { Some(*kind) } else { None }
}

/// The state as SiteWise writes it into a property.
fn detail(transition: &Transition, evaluation: Option<&Evaluation>) -> Value {
    let mut detail = Map::new();
    detail.insert("stateName".into(), transition.to.word().into());
    if let Some(e) = evaluation {
        let rule = json!({"inputProperty": e.value, "operator": e.operator.word(), "threshold": e.threshold});
        detail.insert("ruleEvaluation".into(), json!({"simpleRule": rule}));
    }
    if let Some(kind) = action(&transition.cause) {
        detail.insert("customerAction".into(), customer_action(kind, transition));
    }
    if transition.from == crate::definition::AlarmState::SnoozeDisabled && transition.cause == Cause::Time {
        let change = json!({"triggerType": "SNOOZE_TIMEOUT"});
        detail.insert("systemEvent".into(), json!({"eventType": "STATE_CHANGE", "stateChangeConfiguration": change}));
    }
    Value::Object(detail)
}

fn customer_action(kind: OperationKind, transition: &Transition) -> Value {
    let mut about = Map::new();
    if let OperationKind::Snooze { until } = kind {
        about.insert("snoozeDuration".into(), until.since(transition.at).as_secs().into());
    }
    if let Some(note) = &transition.note {
        about.insert("note".into(), note.as_str().into());
    }
    let mut action = Map::new();
    action.insert("actionName".into(), kind.word().into());
    action.insert(kind.word().to_lowercase(), Value::Object(about));
    Value::Object(action)
}

/// Bytes that a path of a URI may not have are written as `%` and two digits.
fn uri_part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => out.push(byte.into()),
            _ => out.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
    out
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase()
}
