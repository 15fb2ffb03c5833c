//! `cloudevents`: `CloudEvents` 1.0 over HTTP and in files.
//!
//! Sources of the formats: the `CloudEvents` 1.0.2 core specification, its JSON event format and its HTTP
//! protocol binding (<https://github.com/cloudevents/spec/tree/v1.0.2/cloudevents>).
//!
//! | mode | recognised by |
//! |---|---|
//! | structured | `Content-Type: application/cloudevents+json` |
//! | batched | `Content-Type: application/cloudevents-batch+json` |
//! | binary | headers `ce-*`; the body is the event's data |
//! | object in a bucket | its path: `.jsonl` and `.ndjson` hold one event per line, others one event or an array |

mod attributes;
mod binary;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Code, Event, Problem};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::lines::{decode_lines, one_fault};
use super::text::{fault, kind_of, parse_json, parse_line, syntax_fault, without_mark};
use super::{MAX_BATCH_EVENTS, MAX_EVENT_BYTES, Part, PartDecoder, Position, page};
use crate::source::{Configured, Section};
use attributes::{At, event_from};

/// The decoder `cloudevents`. It has no options.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloudEvents;

/// How the events lie in a delivery.
#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Structured,
    Batched,
    Binary,
    Lines,
}

impl Configured for CloudEvents {
    fn configured(section: &Section<'_>) -> Result<Self, Problem> {
        section.no_options().map(|()| Self)
    }
}

impl Decoder for CloudEvents {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        match mode(delivery) {
            Ok(Mode::Structured) => single(structured(&delivery.body), delivery),
            Ok(Mode::Binary) => single(binary::event(delivery), delivery),
            Ok(Mode::Batched) => batch(&delivery.body),
            Ok(Mode::Lines) => decode_lines(&delivery.body, Position::default(), usize::MAX, line).decoded,
            Err(problem) => one_fault(problem, delivery.body.clone()),
        }
    }
}

impl PartDecoder for CloudEvents {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        match mode(delivery) {
            Ok(Mode::Lines) => decode_lines(&delivery.body, from, max_events, line),
            _ => page(self.decode(delivery), from, max_events.max(1)),
        }
    }
}

fn mode(delivery: &Delivery) -> Result<Mode, Problem> {
    let media = delivery.content_type.as_deref().map(essence).unwrap_or_default();
    match media.as_str() {
        "application/cloudevents+json" => Ok(Mode::Structured),
        "application/cloudevents-batch+json" => Ok(Mode::Batched),
        other if other.starts_with("application/cloudevents") => {
            Err(fault("header content-type", format!("{other} is not read here; use the JSON format")))
        }
        _ if delivery.headers.iter().any(|(name, _)| name.starts_with("ce-")) => Ok(Mode::Binary),
        _ if !delivery.path.is_empty() => Ok(stored_mode(delivery)),
        _ => Err(fault(
            "header content-type",
            "not a CloudEvent: send Content-Type application/cloudevents+json, \
             application/cloudevents-batch+json, or headers ce-id, ce-source, ce-type, ce-specversion",
        )),
    }
}

/// Buckets do not keep the media type reliably, so the path and the first byte tell.
fn stored_mode(delivery: &Delivery) -> Mode {
    let has_lines = [".jsonl", ".ndjson"].iter().any(|suffix| delivery.path.ends_with(suffix));
    match without_mark(&delivery.body).0.trim_ascii_start().first() {
        _ if has_lines => Mode::Lines,
        Some(b'[') => Mode::Batched,
        _ => Mode::Structured,
    }
}

/// The media type without parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn single(event: Result<Event, Problem>, delivery: &Delivery) -> Decoded {
    match event {
        Ok(event) => Decoded { events: vec![event], ..Decoded::default() },
        Err(problem) => one_fault(problem, delivery.body.clone()),
    }
}

fn structured(body: &Bytes) -> Result<Event, Problem> {
    within_limit(body.len(), "$")?;
    event_from(object(parse_json(without_mark(body).0)?, "$")?, &At::Json("$".into()))
}

fn line(line: super::lines::Line<'_>) -> Result<Option<Event>, Problem> {
    let place = format!("line {}, $", line.number);
    let members = object(parse_line(line.number, line.text)?, &place)?;
    event_from(members, &At::Json(place)).map(Some)
}

/// Every element stands for itself: one that is no event does not harm its neighbours.
fn batch(body: &Bytes) -> Decoded {
    let elements = match batch_elements(body) {
        Ok(elements) => elements,
        Err(problem) => return one_fault(problem, body.clone()),
    };
    let mut decoded = Decoded::default();
    for (at, element) in elements.into_iter().enumerate() {
        match batch_event(element, &format!("$[{at}]")) {
            Ok(event) => decoded.events.push(event),
            Err(problem) => decoded.faults.push((problem, body.slice_ref(element.get().as_bytes()))),
        }
    }
    decoded
}

fn batch_elements(body: &Bytes) -> Result<Vec<&RawValue>, Problem> {
    let text = without_mark(body).0;
    let elements: Vec<&RawValue> = serde_json::from_slice(text).map_err(|error| syntax_fault(&error, 0))?;
    if elements.len() > MAX_BATCH_EVENTS {
        let what = format!("the batch has {} events, the limit is {MAX_BATCH_EVENTS}", elements.len());
        return Err(Problem::new(Code::TooLarge, what).at("$"));
    }
    Ok(elements)
}

fn batch_event(element: &RawValue, place: &str) -> Result<Event, Problem> {
    within_limit(element.get().len(), place)?;
    let value = parse_json(element.get().as_bytes()).map_err(|problem| problem.at(place))?;
    event_from(object(value, place)?, &At::Json(place.to_owned()))
}

fn object(value: Value, place: &str) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(members) => Ok(members),
        other => Err(fault(place, format!("an event is an object, this is {}", kind_of(&other)))),
    }
}

fn within_limit(bytes: usize, place: &str) -> Result<(), Problem> {
    if bytes <= MAX_EVENT_BYTES {
        return Ok(());
    }
    let what = format!("the event has {bytes} bytes, the limit is {MAX_EVENT_BYTES}");
    Err(Problem::new(Code::TooLarge, what).at(place))
}

#[cfg(test)]
mod tests;
