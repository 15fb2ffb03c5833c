//! Readings that a gateway reports over HTTP for its devices: an array of JSON, or JSON Lines.
//!
//! **Constraints.** Pure. A batch is taken as a whole or not at all, so that a sender who repeats it after a refusal
//! repeats nothing that was kept; what is wrong is told with its entry. A payload is kept as it was written, but for the
//! time that an entry says beside it. Entries have an order, and one after the other its time of receipt.

use std::sync::Arc;
use std::time::Duration;

use andon_devices::DeviceName;
use andon_journal::{MAX_PAYLOAD_BYTES, MAX_TOPIC_BYTES, NewReading};
use andon_model::{Code, Problem, SpeaksFor, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Most readings of a batch.
pub(crate) const MAX_READINGS: usize = 10_000;

/// Where the time of a reading goes when the settings name no place in the payload.
const TIME_MEMBER: &str = "ts";

/// An entry of a batch; [`crate::schema::NewReading`] describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    device: String,
    topic: Option<String>,
    ts: Option<Timestamp>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// How a body holds its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A JSON array, or one entry.
    Json,
    /// JSON Lines: one entry on each.
    Lines,
}

/// The readings of a body, received at `received`. `time_path`: where the time of a reading is in its payload, with dots.
pub(crate) fn readings(
    body: &[u8],
    form: Form,
    received: Timestamp,
    time_path: &str,
) -> Result<Vec<NewReading>, Problem> {
    let entries = entries(body, form)?;
    if entries.len() > MAX_READINGS {
        let detail = format!("a batch has at most {MAX_READINGS} readings, this one {}", entries.len());
        return Err(Problem::new(Code::TooLarge, detail));
    }
    let read =
        |(at, entry)| reading(entry, nth(received, at), time_path).map_err(|problem| problem.at(place(form, at)));
    entries.into_iter().enumerate().map(read).collect()
}

/// Readings of a batch are received one after the other, as those are that a device publishes: at one and the same instant
/// the same value would be the same reading.
fn nth(received: Timestamp, at: usize) -> Timestamp {
    received.after(Duration::from_micros(at as u64))
}

fn place(form: Form, at: usize) -> String {
    match form {
        Form::Json => format!("entry {at}"),
        Form::Lines => format!("reading {} of the lines", at + 1),
    }
}

fn entries(body: &[u8], form: Form) -> Result<Vec<Entry<'_>>, Problem> {
    let refused =
        |place: String| move |error: serde_json::Error| Problem::new(Code::Undecodable, error.to_string()).at(place);
    if form == Form::Lines {
        let lines = body.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
        let read = |(at, line)| serde_json::from_slice(line).map_err(refused(format!("line {}", at + 1)));
        return lines.take(MAX_READINGS + 1).map(read).collect();
    }
    if body.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(body).map_err(refused("body".to_owned()));
    }
    serde_json::from_slice(body).map(|entry| vec![entry]).map_err(refused("body".to_owned()))
}

fn reading(entry: Entry<'_>, received: Timestamp, time_path: &str) -> Result<NewReading, Problem> {
    let device = DeviceName::new(&entry.device)?;
    let topic: Arc<str> = match entry.topic {
        Some(topic) => checked_topic(topic)?.into(),
        None => format!("data/{device}").into(),
    };
    let payload = match entry.ts {
        None => entry.payload.get().as_bytes().to_vec(),
        Some(ts) => with_time(entry.payload.get(), ts, time_path)?,
    };
    if payload.len() > MAX_PAYLOAD_BYTES {
        let detail = format!("the payload has {} bytes, at most {MAX_PAYLOAD_BYTES} are kept", payload.len());
        return Err(Problem::new(Code::TooLarge, detail));
    }
    Ok(NewReading { received, device: device.as_str().into(), topic, speaks_for: SpeaksFor::Anyone, payload })
}

/// Topics to publish to, as MQTT has them; those that begin with `$` are the server's own.
fn checked_topic(topic: String) -> Result<String, Problem> {
    let is_topic = !topic.is_empty() && !topic.starts_with('$') && !topic.contains(['+', '#', '\0']);
    if is_topic && topic.len() <= MAX_TOPIC_BYTES {
        return Ok(topic);
    }
    let detail = format!("a topic has 1 to {MAX_TOPIC_BYTES} bytes without + and #, and does not begin with $");
    Err(Problem::new(Code::BadRequest, detail))
}

/// The payload with the time at its place, unless it says a time there itself.
fn with_time(payload: &str, ts: Timestamp, path: &str) -> Result<Vec<u8>, Problem> {
    let no_place = || Problem::new(Code::BadRequest, "a reading with ts has an object as its payload, to hold it");
    let mut value: Value = serde_json::from_str(payload).map_err(|_| no_place())?;
    let path = if path.is_empty() { TIME_MEMBER } else { path };
    let (above, last) = path.rsplit_once('.').map_or((None, path), |(above, last)| (Some(above), last));
    let mut members = value.as_object_mut().ok_or_else(no_place)?;
    for member in above.into_iter().flat_map(|above| above.split('.')) {
        let inner = members.entry(member).or_insert_with(|| Value::Object(Map::new()));
        members = inner.as_object_mut().ok_or_else(no_place)?;
    }
    if members.contains_key(last) {
        return Ok(payload.as_bytes().to_vec());
    }
    members.insert(last.to_owned(), Value::String(ts.to_string()));
    Ok(value.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn check(body: &str, form: Form, expect: Result<&[(&str, &str, &str)], &str>) {
        let found = readings(body.as_bytes(), form, RECEIVED, "");
        let text = |reading: &NewReading| String::from_utf8(reading.payload.clone()).expect("text");
        match (found, expect) {
            (Ok(found), Ok(expect)) => {
                let found: Vec<_> =
                    found.iter().map(|r| (r.device.to_string(), r.topic.to_string(), text(r))).collect();
                let expect: Vec<_> =
                    expect.iter().map(|(d, t, p)| ((*d).to_owned(), (*t).to_owned(), (*p).to_owned())).collect();
                assert_eq!(found, expect, "{body}");
            }
            (Err(problem), Err(words)) => assert!(problem.to_string().contains(words), "{body}: {problem}"),
            (found, expect) => panic!("{body}: {found:?}, not {expect:?}"),
        }
    }

    #[test]
    fn batches_are_arrays_or_lines() {
        let one = r#"{"device":"d1","payload":{"t": 1.50}}"#;
        let two = r#"{"device":"d2","topic":"plant/d2","payload":7}"#;
        let expect: &[_] = &[("d1", "data/d1", r#"{"t": 1.50}"#), ("d2", "plant/d2", "7")];
        check(&format!("[{one},{two}]"), Form::Json, Ok(expect));
        check(&format!("{one}\r\n\n{two}\n"), Form::Lines, Ok(expect));
        check(one, Form::Json, Ok(&expect[..1]));
        check("[]", Form::Json, Ok(&[]));
        check(&format!("{one}\n{{"), Form::Lines, Err("line 2"));
        check(&format!("[{one},{{\"device\":\"a b/\",\"payload\":1}}]"), Form::Json, Err("entry 1"));
        check(r#"[{"device":"d1"}]"#, Form::Json, Err("payload"));
        check(r#"[{"device":"d1","payload":1,"colour":2}]"#, Form::Json, Err("colour"));
        check(r#"{"device":"d1","topic":"a/#","payload":1}"#, Form::Json, Err("a topic has"));
        check(r#"{"device":"d1","topic":"$andon/x","payload":1}"#, Form::Json, Err("a topic has"));
        let many = vec![one; MAX_READINGS + 1].join("\n");
        check(&many, Form::Lines, Err("at most 10000 readings"));
    }

    #[test]
    fn no_two_of_a_batch_are_received_at_once() {
        let one = r#"{"device":"d1","payload":5}"#;
        let found = readings(format!("[{one},{one},{one}]").as_bytes(), Form::Json, RECEIVED, "").expect("readings");
        let times: Vec<_> = found.iter().map(|reading| reading.received.as_micros() - RECEIVED.as_micros()).collect();
        assert_eq!(times, [0, 1, 2]);
    }

    #[test]
    fn a_time_goes_into_the_payload() {
        let check = |path: &str, payload: &str, expect: Option<&str>| {
            let found = with_time(payload, RECEIVED, path).ok().map(|bytes| String::from_utf8(bytes).expect("text"));
            assert_eq!(found.as_deref(), expect, "{payload} at {path:?}");
        };
        check("", r#"{"t":1}"#, Some(r#"{"t":1,"ts":"2023-11-14T22:13:20Z"}"#));
        check("", r#"{"ts": 5}"#, Some(r#"{"ts": 5}"#));
        check("device.time", r#"{"t":1}"#, Some(r#"{"t":1,"device":{"time":"2023-11-14T22:13:20Z"}}"#));
        check("device.time", r#"{"device":1}"#, None);
        check("", "[1]", None);
    }
}
