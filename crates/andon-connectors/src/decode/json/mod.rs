//! `json`: any JSON body, mapped to an event by constants and JSON pointers (RFC 6901).

mod options;

use andon_journal::{Decoded, Decoder, Delivery};
use andon_model::{Event, Problem, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::attribute::{AttributeFrom, dotted};
use super::lines::{Line, decode_lines, one_fault};
use super::text::{content_id, fault, kind_of, parse_json, parse_line, without_mark};
use super::{MAX_EVENT_BYTES, Part, PartDecoder, Position, page};

/// What a number in a time attribute counts since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TimeUnit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
}

/// The decoder `json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json {
    /// `type` of the events.
    pub kind: AttributeFrom,
    /// `source` of the events.
    pub source: AttributeFrom,
    /// `id` of the events; without it a digest of the canonical body, so that equal content is the same event; of a
    /// payload from a broker, of topic and body.
    pub id: Option<AttributeFrom>,
    /// `subject` of the events; a pointer that leads nowhere gives none.
    pub subject: Option<AttributeFrom>,
    /// `time` of the events; a pointer that leads nowhere gives none.
    pub time: Option<AttributeFrom>,
    /// How numbers in `time` are read; without it they are faults.
    pub time_unit: Option<TimeUnit>,
    /// JSON pointer to the part that becomes `data`; empty for the whole.
    pub data: String,
    /// Whether the payload is JSON Lines.
    pub lines: bool,
}

impl Decoder for Json {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        if self.lines {
            return decode_lines(&delivery.body, Position::default(), usize::MAX, |line| self.line(delivery, line))
                .decoded;
        }
        match self.document(delivery) {
            Ok(event) => Decoded { events: vec![event], ..Decoded::default() },
            Err(problem) => one_fault(problem, delivery.body.clone()),
        }
    }
}

impl PartDecoder for Json {
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        if self.lines {
            return decode_lines(&delivery.body, from, max_events, |line| self.line(delivery, line));
        }
        page(self.decode(delivery), from, max_events.max(1))
    }
}

impl Json {
    fn document(&self, delivery: &Delivery) -> Result<Event, Problem> {
        let body = &delivery.body[..];
        if body.len() > MAX_EVENT_BYTES {
            let what = format!("the body has {} bytes, the limit is {MAX_EVENT_BYTES}", body.len());
            return Err(Problem::new(andon_model::Code::TooLarge, what).at("$"));
        }
        self.event(delivery, parse_json(without_mark(body).0)?, body, "$")
    }

    fn line(&self, delivery: &Delivery, line: Line<'_>) -> Result<Option<Event>, Problem> {
        let body = parse_line(line.number, line.text)?;
        self.event(delivery, body, line.text, &format!("line {}, $", line.number)).map(Some)
    }

    fn event(&self, delivery: &Delivery, body: Value, bytes: &[u8], root: &str) -> Result<Event, Problem> {
        let required =
            |from: &AttributeFrom| from.text(&body, root)?.filter(|t| !t.is_empty()).ok_or_else(|| from.missing(root));
        let id = self.id.as_ref().map(required).transpose()?;
        let id = id.unwrap_or_else(|| content_id(delivery, &body, bytes));
        let mut event = Event::new(required(&self.source)?, id, required(&self.kind)?, Value::Null);
        event.subject = self.subject.as_ref().map(|s| s.text(&body, root)).transpose()?.flatten();
        event.subject = event.subject.filter(|s| !s.is_empty());
        event.time = self.time.as_ref().map(|t| self.time(t, &body, root)).transpose()?.flatten();
        event.datacontenttype = Some("application/json".into());
        event.data = self.data(body, root)?;
        Ok(event)
    }

    fn data(&self, mut body: Value, root: &str) -> Result<Value, Problem> {
        match body.pointer_mut(&self.data) {
            Some(part) => Ok(part.take()),
            None => Err(fault(format!("{root}{}", dotted(&self.data)), "data is taken from here, but nothing is here")),
        }
    }

    fn time(&self, from: &AttributeFrom, body: &Value, root: &str) -> Result<Option<Timestamp>, Problem> {
        let AttributeFrom::Pointer(pointer) = from else { return Ok(None) };
        let wrong = |what: String| fault(format!("{root}{}", dotted(pointer)), what);
        match body.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                text.parse().map(Some).map_err(|error: andon_model::InvalidTimestamp| wrong(error.to_string()))
            }
            Some(Value::Number(number)) => match self.time_unit {
                Some(unit) => Ok(Some(unit.timestamp(number.as_f64().unwrap_or_default()))),
                None => {
                    Err(wrong("the time is a number: say what it counts by time_unit = \"s\", \"ms\" or \"us\"".into()))
                }
            },
            Some(other) => Err(wrong(format!("a time is a text or a number, this is {}", kind_of(other)))),
        }
    }
}

impl TimeUnit {
    #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, as a time far out should")]
    fn timestamp(self, count: f64) -> Timestamp {
        let micros_each = match self {
            Self::Seconds => 1e6,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1.0,
        };
        Timestamp::from_micros((count * micros_each).round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn pointer(path: &str) -> AttributeFrom {
        AttributeFrom::Pointer(path.into())
    }

    fn decoder() -> Json {
        Json {
            kind: AttributeFrom::Constant("silo.level".into()),
            source: AttributeFrom::Constant("/silos".into()),
            id: None,
            subject: Some(pointer("/device/id")),
            time: Some(pointer("/at")),
            time_unit: None,
            data: String::new(),
            lines: false,
        }
    }

    fn decode(decoder: &Json, body: &str) -> Decoded {
        decoder.decode(&Delivery { body: Bytes::copy_from_slice(body.as_bytes()), ..Delivery::default() })
    }

    #[test]
    fn pointers_and_constants_make_an_event() {
        let body = r#"{"device":{"id":17},"at":"2026-03-05T14:00:00Z","level":0.1}"#;
        let event = decode(&decoder(), body).events.remove(0);
        assert_eq!((event.kind.as_str(), event.subject.as_deref()), ("silo.level", Some("17")));
        assert_eq!(event.time.map(|t| t.to_string()).as_deref(), Some("2026-03-05T14:00:00Z"));
        assert_eq!(event.data["level"], 0.1);
        assert_eq!(event.id.len(), 64);
    }

    #[test]
    fn numbers_are_times_when_the_unit_is_known() {
        let seconds = Json { time_unit: Some(TimeUnit::Seconds), ..decoder() };
        let time = |d: &Json| decode(d, r#"{"at":1772719200.5}"#).events.first().and_then(|e| e.time);
        assert_eq!(time(&seconds).map(|t| t.to_string()).as_deref(), Some("2026-03-05T14:00:00.5Z"));
        assert_eq!(decode(&decoder(), r#"{"at":5}"#).faults[0].0.place.as_deref(), Some("$.at"));
    }

    #[test]
    fn lines_and_parts_of_the_body() {
        let lines = Json { lines: true, data: "/d".into(), id: Some(pointer("/n/0")), ..decoder() };
        let decoded = decode(&lines, "{\"n\":[1],\"d\":{\"x\":1}}\n{\"n\":[2]}\n{\"n\":[],\"d\":1}\n");
        assert_eq!((decoded.events[0].id.as_str(), &decoded.events[0].data["x"]), ("1", &Value::from(1)));
        let places: Vec<_> = decoded.faults.iter().filter_map(|(p, _)| p.place.as_deref()).collect();
        assert_eq!(places, ["line 2, $.d", "line 3, $.n[0]"]);
    }
}
