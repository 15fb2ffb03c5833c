//! Envelopes: SNS, SQS and `EventBridge` around the notification of S3.

use bytes::Bytes;
use serde_json::Value;

use super::Findings;
use super::record::{Record, from_event_bridge, from_s3};
use crate::decode::text::{fault, parse_json};

/// Envelopes in envelopes that are opened: SQS holds SNS holds S3, and one to spare.
const MAX_DEPTH: usize = 4;

/// Records looked at in one delivery; a real one has few.
const MAX_RECORDS: usize = 1_000;

/// Collects the records of a document at a place.
pub(super) fn open(document: &Value, place: &str, findings: &mut Findings) {
    open_at_depth(document, place, 0, findings);
}

fn open_at_depth(document: &Value, place: &str, depth: usize, findings: &mut Findings) {
    let raw = || Bytes::from(document.to_string());
    if depth > MAX_DEPTH {
        let problem = fault(place, format!("more than {MAX_DEPTH} envelopes in one another"));
        return findings.faults.push((problem, raw()));
    }
    match Shape::of(document) {
        Shape::Sns => inner(&document["Message"], &format!("{place}.Message"), depth, findings),
        Shape::SqsMessage(body) => inner(&document[body], &format!("{place}.{body}"), depth, findings),
        Shape::List(member) => list(&document[member], &format!("{place}.{member}"), depth, findings),
        Shape::EventBridge => keep(from_event_bridge(document, place), raw(), findings),
        Shape::S3Record => keep(from_s3(document, place), raw(), findings),
        Shape::TestEvent => {}
        Shape::Subscription => findings.faults.push((subscription(document, place), raw())),
        Shape::Unknown => findings.faults.push((fault(place, UNKNOWN), raw())),
    }
}

const UNKNOWN: &str = "not a notification of S3: a document with Records, an SNS or SQS message around one, or an \
                       EventBridge event of source aws.s3 is expected";

/// What a document is, told by its members.
enum Shape {
    Sns,
    Subscription,
    SqsMessage(&'static str),
    List(&'static str),
    EventBridge,
    S3Record,
    TestEvent,
    Unknown,
}

impl Shape {
    fn of(document: &Value) -> Self {
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        match text("Type") {
            Some("Notification") if text("Message").is_some() => return Self::Sns,
            Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") => return Self::Subscription,
            _ => {}
        }
        if text("Event") == Some("s3:TestEvent") {
            return Self::TestEvent;
        }
        if text("source") == Some("aws.s3") && text("detail-type").is_some() {
            return Self::EventBridge;
        }
        if document.get("s3").is_some() {
            return Self::S3Record;
        }
        let list = ["Records", "Messages"].into_iter().find(|name| document.get(name).is_some_and(Value::is_array));
        let body = ["body", "Body"].into_iter().find(|name| text(name).is_some());
        list.map(Self::List).or(body.map(Self::SqsMessage)).unwrap_or(Self::Unknown)
    }
}

/// Opens a JSON text that stands in a string.
fn inner(text: &Value, place: &str, depth: usize, findings: &mut Findings) {
    let text = text.as_str().unwrap_or_default();
    match parse_json(text.as_bytes()) {
        Ok(document) => open_at_depth(&document, place, depth + 1, findings),
        Err(problem) => {
            let inside = problem.place.clone().unwrap_or_default();
            let problem = problem.at(format!("{place}, {inside}"));
            findings.faults.push((problem, Bytes::copy_from_slice(text.as_bytes())));
        }
    }
}

fn list(entries: &Value, place: &str, depth: usize, findings: &mut Findings) {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    for (at, entry) in entries.iter().enumerate() {
        let place = format!("{place}[{at}]");
        if findings.records.len() + findings.faults.len() >= MAX_RECORDS {
            let rest = Value::from(&entries[at..]).to_string();
            let problem = fault(place, format!("more than {MAX_RECORDS} records in one delivery; the rest is kept"));
            return findings.faults.push((problem, rest.into()));
        }
        open_at_depth(entry, &place, depth + 1, findings);
    }
}

fn keep(record: Result<Option<Record>, andon_model::Problem>, raw: Bytes, findings: &mut Findings) {
    match record {
        Ok(Some(record)) => findings.records.push(Record { raw, ..record }),
        Ok(None) => {
            tracing::debug!(record = %String::from_utf8_lossy(&raw), "passed over: not about an object's content");
        }
        Err(problem) => findings.faults.push((problem, raw)),
    }
}

fn subscription(document: &Value, place: &str) -> andon_model::Problem {
    let url = document.get("SubscribeURL").and_then(Value::as_str).unwrap_or("its SubscribeURL");
    let what = format!("the topic asks to confirm the subscription: an administrator opens {url} once");
    fault(format!("{place}.Type"), what)
}
