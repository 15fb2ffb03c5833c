//! `eventbridge`: the envelope of Amazon `EventBridge`, alone or inside messages of SQS and SNS.
//!
//! | envelope | event |
//! |---|---|
//! | `id` | `id` |
//! | `source` | `source`, as `/eventbridge/<source>` |
//! | `detail-type` | `type` |
//! | `time` | `time` |
//! | first of `resources` | `subject`, unless configured; for objects of S3 `<bucket>/<key>` |
//! | `detail` | `data`, unchanged |
//! | `account`, `region` | extension attributes `awsaccount`, `awsregion` |
//!
//! With an inner decoder `detail` goes to that one, and its events are the events. Format:
//! <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>.

mod options;

use std::sync::Arc;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem, Timestamp};
use serde_json::Value;

use super::envelope::{self, Leaf, Opened};
use super::path::uri_path;
use super::records::{Found, Record, decode_records};
use super::text::{fault, kind_of};
use super::{AttributeFrom, Part, PartDecoder, Position};

/// The decoder `eventbridge`.
#[derive(Debug, Clone)]
pub struct EventBridge {
    /// What reads `detail`; `None`: it is the event's data.
    pub inner: Option<Arc<dyn PartDecoder>>,
    /// `subject` of the events, taken from the envelope; `None`: see the table above.
    pub subject: Option<AttributeFrom>,
}

impl Decoder for EventBridge {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        self.decode_part(delivery, Position::default(), usize::MAX).decoded
    }
}

impl PartDecoder for EventBridge {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        decode_records(&delivery.body, from, max_events, |record| self.record(record, delivery))
    }
}

impl EventBridge {
    fn record(&self, record: Record<'_>, delivery: &Delivery) -> Found {
        let document = match record.object() {
            Ok(members) => Value::Object(members),
            Err(problem) => return Err(problem).into(),
        };
        let Opened { leaves, faults } = envelope::open(&document, &record.place(""));
        let mut found = Found { faults: faults.into_iter().map(|(problem, _)| problem).collect(), ..Found::default() };
        for leaf in leaves {
            match (envelope(&leaf), &self.inner) {
                (Ok(envelope), None) => found.add(self.event(&envelope, &leaf).map(Some)),
                (Ok(envelope), Some(inner)) => self.inside(inner.as_ref(), &envelope, &leaf, delivery, &mut found),
                (Err(problem), _) => found.add(Err(problem)),
            }
        }
        found
    }

    fn event(&self, envelope: &Envelope<'_>, leaf: &Leaf) -> Result<Event, Problem> {
        let source = format!("/eventbridge/{}", uri_path(envelope.source));
        let mut event = Event::new(source, envelope.id, envelope.detail_type, envelope.detail.clone());
        event.subject = self.subject(envelope, leaf)?;
        event.time = envelope.time;
        event.datacontenttype = Some("application/json".into());
        for (name, attribute) in [("account", "awsaccount"), ("region", "awsregion")] {
            let value = leaf.document.get(name).filter(|value| value.is_string()).cloned();
            event.extensions.extend(value.map(|value| (attribute.to_owned(), value)));
        }
        Ok(event)
    }

    fn subject(&self, envelope: &Envelope<'_>, leaf: &Leaf) -> Result<Option<String>, Problem> {
        let subject = match &self.subject {
            Some(from) => from.text(&leaf.document, &leaf.place)?,
            None => s3_object(envelope).or_else(|| Some(leaf.document.pointer("/resources/0")?.as_str()?.to_owned())),
        };
        Ok(subject.filter(|subject| !subject.is_empty()))
    }

    /// Hands `detail` to the inner decoder. Its places are told from the envelope's on.
    fn inside(
        &self,
        inner: &dyn PartDecoder,
        envelope: &Envelope<'_>,
        leaf: &Leaf,
        delivery: &Delivery,
        found: &mut Found,
    ) {
        let body = envelope.detail.to_string().into();
        let content_type = Some("application/json".to_owned());
        let decoded = inner.decode(&Delivery { body, content_type, ..delivery.clone() });
        found.passed += decoded.passed;
        found.faults.extend(decoded.faults.into_iter().map(|(problem, _)| {
            let inside = problem.place.clone().unwrap_or_default();
            problem.at(format!("{}.detail, {inside}", leaf.place))
        }));
        for mut event in decoded.events {
            event.time = event.time.or(envelope.time);
            match self.subject.as_ref().map(|from| from.text(&leaf.document, &leaf.place)).transpose() {
                Ok(subject) => event.subject = subject.flatten().or(event.subject),
                Err(problem) => return found.add(Err(problem)),
            }
            found.events.push(event);
        }
    }
}

/// The members that every event has.
struct Envelope<'a> {
    id: &'a str,
    source: &'a str,
    detail_type: &'a str,
    time: Option<Timestamp>,
    detail: &'a Value,
}

fn envelope(leaf: &Leaf) -> Result<Envelope<'_>, Problem> {
    let text = |member: &str| {
        let text = leaf.document.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| fault(format!("{}.{member}", leaf.place), "a text is expected here"))
    };
    let (id, source, detail_type) = (text("id")?, text("source")?, text("detail-type")?);
    let wrong = |member: &str, what: String| fault(format!("{}.{member}", leaf.place), what);
    let detail = match leaf.document.get("detail") {
        Some(detail @ Value::Object(_)) => detail,
        Some(other) => return Err(wrong("detail", format!("an object is expected, this is {}", kind_of(other)))),
        None => return Err(wrong("detail", "the member is missing".into())),
    };
    let time = match leaf.document.get("time").filter(|time| !time.is_null()) {
        None => None,
        Some(time) => match time.as_str().map(str::parse) {
            Some(Ok(time)) => Some(time),
            _ => return Err(wrong("time", "a time such as 2026-03-05T14:00:00Z is expected".into())),
        },
    };
    Ok(Envelope { id, source, detail_type, time, detail })
}

/// The object that an event of S3 is about; its key is not encoded here.
fn s3_object(envelope: &Envelope<'_>) -> Option<String> {
    if envelope.source != "aws.s3" {
        return None;
    }
    let text = |pointer: &str| envelope.detail.pointer(pointer).and_then(Value::as_str);
    Some(format!("{}/{}", text("/bucket/name")?, text("/object/key")?))
}

#[cfg(test)]
mod tests;
