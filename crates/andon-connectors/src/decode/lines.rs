//! JSON Lines: one JSON value per line, read in parts.
//!
//! Blank lines are passed over, a carriage return before the line end and a byte order mark at the start
//! are not part of a line. A line that cannot be read is a fault of its own; the next line goes on.

use andon_journal::Decoded;
use andon_model::{Code, Event, Problem};
use bytes::Bytes;
use serde::de::IgnoredAny;

use super::text::{fault, without_mark};
use super::{MAX_EVENT_BYTES, MAX_FAULTS, Part, Position};

/// Bytes after which a part ends even if it gave few events, so that nobody waits long for it.
const PART_BYTES: usize = 4 << 20;

/// One line of a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Without its line end.
    pub(super) text: &'a [u8],
}

/// Reads lines of `body` from `from` on. `read` gives an event, `None` for a line that the format says
/// to pass over, or a fault.
pub(super) fn decode_lines(
    body: &Bytes,
    from: Position,
    max_events: usize,
    read: impl Fn(Line<'_>) -> Result<Option<Event>, Problem>,
) -> Part {
    if from == Position::default()
        && let Some(problem) = not_lines(body)
    {
        return Part { decoded: one_fault(problem, body.clone()), next: None };
    }
    let mut part = Part::default();
    let mut at = from;
    while let Some((line, end)) = next_line(body, at) {
        if at.faults == MAX_FAULTS {
            part.decoded.faults.push((too_many_faults(line.number), body.slice(at.byte..)));
            return part;
        }
        match read_limited(line, &read) {
            Ok(Some(event)) => part.decoded.events.push(event),
            Ok(None) => part.decoded.passed += usize::from(!is_blank(line)),
            Err(problem) => {
                part.decoded.faults.push((problem, body.slice_ref(line.text)));
                at.faults += 1;
            }
        }
        at = Position { byte: end, done: line.number, faults: at.faults };
        if part.decoded.events.len() >= max_events.max(1) || at.byte - from.byte >= PART_BYTES {
            part.next = (at.byte < body.len()).then_some(at);
            return part;
        }
    }
    part
}

/// A whole payload as one fault.
pub(super) fn one_fault(problem: Problem, raw: Bytes) -> Decoded {
    Decoded { faults: vec![(problem, raw)], ..Decoded::default() }
}

fn is_blank(line: Line<'_>) -> bool {
    line.text.trim_ascii().is_empty()
}

fn read_limited(
    line: Line<'_>,
    read: impl Fn(Line<'_>) -> Result<Option<Event>, Problem>,
) -> Result<Option<Event>, Problem> {
    if is_blank(line) {
        return Ok(None);
    }
    if line.text.len() > MAX_EVENT_BYTES {
        let what = format!("the line has {} bytes, the limit is {MAX_EVENT_BYTES}", line.text.len());
        return Err(Problem::new(Code::TooLarge, what).at(format!("line {}", line.number)));
    }
    read(line)
}

/// The line at a position, and where the line after it starts.
fn next_line(body: &Bytes, at: Position) -> Option<(Line<'_>, usize)> {
    let rest = body.get(at.byte..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let end = (at.byte + length + 1).min(body.len());
    let text = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
    let text = if at.byte == 0 { without_mark(text).0 } else { text };
    Some((Line { number: at.done + 1, text }, end))
}

/// Finds payloads that are one JSON document instead of lines: an array, or an object spread over lines.
fn not_lines(body: &Bytes) -> Option<Problem> {
    let text = without_mark(body).0.trim_ascii_start();
    let first_line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let what = match text.first()? {
        b'[' => "a JSON array",
        b'{' if is_cut_off(first_line) && serde_json::from_slice::<IgnoredAny>(text).is_ok() => {
            "one JSON object over several lines"
        }
        _ => return None,
    };
    let line = body[..body.len() - text.len()].split(|b| *b == b'\n').count();
    let detail = format!("JSON Lines expected (one object per line, nothing between the lines), this is {what}");
    Some(fault(format!("line {line}, column 1"), detail))
}

fn is_cut_off(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

fn too_many_faults(line: usize) -> Problem {
    let what = format!("{MAX_FAULTS} lines before could not be read; the rest from here on is kept undecoded");
    Problem::new(Code::TooLarge, what).at(format!("line {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn read(line: Line<'_>) -> Result<Option<Event>, Problem> {
        match line.text {
            b"skip" => Ok(None),
            b"bad" => Err(fault(format!("line {}", line.number), "bad")),
            text => Ok(Some(Event::new("s", String::from_utf8_lossy(text), "t", Value::Null))),
        }
    }

    fn check(body: &str, events: &[&str], faults: &[&str]) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        for max_events in [1, 2, 100] {
            let (mut at, mut ids, mut places) = (Some(Position::default()), Vec::new(), Vec::new());
            while let Some(from) = at {
                let part = decode_lines(&body, from, max_events, read);
                assert!(part.decoded.events.len() <= max_events);
                ids.extend(part.decoded.events.into_iter().map(|e| e.id));
                places.extend(part.decoded.faults.into_iter().filter_map(|(p, _)| p.place));
                at = part.next;
            }
            assert_eq!((ids.as_slice(), places.as_slice()), (strings(events).as_slice(), strings(faults).as_slice()));
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|t| (*t).to_owned()).collect()
    }

    #[test]
    fn lines_are_read_one_by_one() {
        check("", &[], &[]);
        check("a\nb\r\n\n  \nc", &["a", "b", "c"], &[]);
        check("\u{feff}a\nskip\nbad\nd\n", &["a", "d"], &["line 3"]);
    }

    #[test]
    fn whole_documents_are_refused() {
        check("\n[1,\n2]", &[], &["line 2, column 1"]);
        check("{\n  \"a\": 1\n}\n", &[], &["line 1, column 1"]);
        check("{\"a\": \n{\"b\": 1}\n", &["{\"a\": ", "{\"b\": 1}"], &[]);
    }

    #[test]
    fn faults_are_limited_and_the_rest_is_kept() {
        let body = Bytes::from("bad\n".repeat(250));
        let part = decode_lines(&body, Position::default(), 10, read);
        assert_eq!(part.decoded.faults.len(), MAX_FAULTS + 1);
        let kept: usize = part.decoded.faults.iter().map(|(_, raw)| raw.len()).sum();
        assert_eq!(kept, MAX_FAULTS * 3 + 150 * 4);
    }

    #[test]
    fn long_lines_are_refused() {
        let body = Bytes::from(format!("a\n{}\nb", "x".repeat(MAX_EVENT_BYTES + 1)));
        let part = decode_lines(&body, Position::default(), 10, read);
        assert_eq!(part.decoded.events.len(), 2);
        assert_eq!(part.decoded.faults[0].0.code, Code::TooLarge);
    }
}
