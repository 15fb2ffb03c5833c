//! Records: JSON values one after another, read in parts.
//!
//! One document, JSON Lines, and values without anything between them, as Firehose writes them, are the
//! same here. Between two values may stand white space, commas and byte order marks.
//!
//! A value that is no JSON is a fault of its own that reaches to the next `{` at the beginning of a line or behind a
//! `}`, or, where none follows, to the end of the payload.

use andon_journal::Decoded;
use andon_model::{Code, Event, Problem};
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};

use super::text::{fault, kind_of, said, short_digest, without_mark};
use super::{MAX_EVENT_BYTES, MAX_FAULTS, Part, Position};

/// Bytes after which a part ends even if it gave few events, so that nobody waits long for it.
const PART_BYTES: usize = 4 << 20;

/// One record of a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Its JSON text.
    pub(super) text: &'a [u8],
}

impl Record<'_> {
    /// A place in the record, as in `record 2, $.a.b` for `.a.b`.
    pub(super) fn place(&self, path: &str) -> String {
        format!("record {}, ${path}", self.number)
    }

    /// A fault at a place in the record.
    pub(super) fn fault(&self, path: &str, what: impl Into<String>) -> Problem {
        fault(self.place(path), what)
    }

    /// The members of the record, which must be an object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Problem> {
        let value = serde_json::from_slice(self.text)
            .map_err(|error| fault(format!("record {}, column {}", self.number, error.column()), said(&error)))?;
        match value {
            Value::Object(members) => Ok(members),
            other => Err(self.fault("", format!("an object is expected, this is {}", kind_of(&other)))),
        }
    }

    /// An id for a record that has none: the object's path, the record's number and a digest of its bytes.
    pub(super) fn id(&self, path: &str) -> String {
        format!("{path}#{}-{}", self.number, short_digest(self.text))
    }
}

/// What a record gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) events: Vec<Event>,
    pub(super) faults: Vec<Problem>,
    /// How much of it was read and gives no event.
    pub(super) passed: usize,
}

/// An event, nothing (the record is passed over), or a fault.
impl From<Result<Option<Event>, Problem>> for Found {
    fn from(read: Result<Option<Event>, Problem>) -> Self {
        let mut found = Self::default();
        found.add(read);
        found
    }
}

impl Found {
    /// Adds what a part of the record gave.
    pub(super) fn add(&mut self, read: Result<Option<Event>, Problem>) {
        match read {
            Ok(Some(event)) => self.events.push(event),
            Ok(None) => self.passed += 1,
            Err(problem) => self.faults.push(problem),
        }
    }
}

/// Reads records of `body` from `from` on.
pub(super) fn decode_records(
    body: &Bytes,
    from: Position,
    max_events: usize,
    read: impl Fn(Record<'_>) -> Found,
) -> Part {
    let mut part = Part::default();
    let mut at = from;
    while let Some(next) = next_value(body, at) {
        let number = at.done + 1;
        if at.faults >= MAX_FAULTS {
            part.decoded.faults.push((too_many_faults(number), body.slice(at.byte..)));
            return part;
        }
        let found = match next.text {
            Ok(text) => read(Record { number, text }),
            Err(problem) => Err(problem).into(),
        };
        let given = part.decoded.events.len();
        if given > 0 && given + found.events.len() > max_events {
            part.next = Some(at);
            return part;
        }
        let faults = keep(found, &body.slice(next.start..next.end), MAX_FAULTS - at.faults, &mut part.decoded);
        at = Position { byte: next.end, done: number, faults: at.faults + faults };
        if part.decoded.events.len() >= max_events.max(1) || at.byte - from.byte >= PART_BYTES {
            part.next = (at.byte < body.len()).then_some(at);
            return part;
        }
    }
    part
}

/// Adds what was found; says how many faults that were. Each of them holds the whole record.
fn keep(found: Found, raw: &Bytes, most_faults: usize, decoded: &mut Decoded) -> usize {
    let before = decoded.faults.len();
    let nothing = found.events.is_empty() && found.faults.is_empty();
    decoded.events.extend(found.events);
    // A record without anything in it, such as an empty list, is passed over as a whole.
    decoded.passed += if nothing { found.passed.max(1) } else { found.passed };
    decoded.faults.extend(found.faults.into_iter().take(most_faults).map(|problem| (problem, raw.clone())));
    decoded.faults.len() - before
}

/// A value of the payload, or what stands in the place of one.
struct Next<'a> {
    start: usize,
    end: usize,
    text: Result<&'a [u8], Problem>,
}

fn next_value(body: &Bytes, at: Position) -> Option<Next<'_>> {
    let start = at.byte + between(body.get(at.byte..)?);
    let rest = body.get(start..).filter(|rest| !rest.is_empty())?;
    // One byte more than allowed tells that the value is too large, without reading on to its end.
    let window = &rest[..rest.len().min(MAX_EVENT_BYTES + 1)];
    let mut values = Deserializer::from_slice(window).into_iter::<IgnoredAny>();
    let parsed = values.next()?;
    let end = start + values.byte_offset();
    Some(match parsed {
        Ok(_) if end - start <= MAX_EVENT_BYTES => Next { start, end, text: Ok(&body[start..end]) },
        Err(error) if !error.is_eof() || window.len() == rest.len() => {
            Next { start, end: resumption(body, start), text: Err(no_json(body, start, &error)) }
        }
        _ => Next { start, end: resumption(body, start), text: Err(too_large(at.done + 1)) },
    })
}

/// Bytes that stand between two values: white space, commas, and the byte order marks of joined files.
fn between(bytes: &[u8]) -> usize {
    let is_between = |b: &u8| b.is_ascii_whitespace() || *b == b',';
    let mut at = 0;
    loop {
        let (rest, mark) = without_mark(&bytes[at..]);
        let more = mark + rest.iter().take_while(|b| is_between(b)).count();
        if more == 0 {
            return at;
        }
        at += more;
    }
}

/// Where reading goes on after a value that cannot be read: at the next `{` at the beginning of a line, or behind a
/// `}`. The latter is nowhere in JSON but between two values or in a text, and a text cannot go on like a value, since
/// its quotes are escaped.
fn resumption(body: &[u8], start: usize) -> usize {
    let rest = &body[start..];
    let begins = |at: usize| {
        let before = &rest[..at];
        before.ends_with(b"\n") || before.trim_ascii_end().ends_with(b"}")
    };
    let mut opening = rest.iter().enumerate().skip(1).filter(|(_, b)| **b == b'{').map(|(at, _)| at);
    opening.find(|at| begins(*at)).map_or(body.len(), |at| start + at)
}

fn no_json(body: &[u8], start: usize, error: &serde_json::Error) -> Problem {
    let before = &body[..start];
    let lines = before.split(|b| *b == b'\n').count() - 1;
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let indent = if error.line() == 1 { start - line_start } else { 0 };
    fault(format!("line {}, column {}", lines + error.line(), indent + error.column()), said(error))
}

fn too_large(number: usize) -> Problem {
    let what = format!("the record has more than {MAX_EVENT_BYTES} bytes");
    Problem::new(Code::TooLarge, what).at(format!("record {number}"))
}

fn too_many_faults(number: usize) -> Problem {
    let what = format!("{MAX_FAULTS} faults before; the rest from here on is kept undecoded");
    Problem::new(Code::TooLarge, what).at(format!("record {number}"))
}

#[cfg(test)]
mod tests;
