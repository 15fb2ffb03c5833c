//! Envelopes of queues and topics: SQS messages, alone or in lists, and SNS notifications, in one another.
//!
//! | envelope | told by | inside |
//! |---|---|---|
//! | SNS notification | `Type` = `Notification` | the text `Message` |
//! | list of messages or records | array `Messages` or `Records` | each entry |
//! | SQS message, as polled or as a function sees it | text `Body` or `body` | that text |
//!
//! Raw message delivery leaves the SNS envelope out; anything else is a leaf, which is the decoder's matter.

use andon_model::Problem;
use bytes::Bytes;
use serde_json::Value;

use super::text::{fault, parse_json};

/// Envelopes in envelopes that are opened: SQS holds SNS holds S3, and one to spare.
const MAX_DEPTH: usize = 4;

/// Leaves looked at in one delivery; a real one has few.
const MAX_LEAVES: usize = 1_000;

/// What stood in the envelopes.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) leaves: Vec<Leaf>,
    /// What could not be opened.
    pub(super) faults: Vec<(Problem, Bytes)>,
}

/// A document that is no envelope.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) document: Value,
    /// Where it stands, as in `$.Messages[0].Body`.
    pub(super) place: String,
}

impl Leaf {
    /// Its JSON text.
    pub(super) fn raw(&self) -> Bytes {
        self.document.to_string().into()
    }
}

/// Opens the envelopes of a document that stands at a place.
pub(super) fn open(document: &Value, place: &str) -> Opened {
    let mut opened = Opened::default();
    opened.open(document, place, 0);
    opened
}

impl Opened {
    fn open(&mut self, document: &Value, place: &str, depth: usize) {
        let raw = || Bytes::from(document.to_string());
        if depth > MAX_DEPTH {
            let problem = fault(place, format!("more than {MAX_DEPTH} envelopes in one another"));
            return self.faults.push((problem, raw()));
        }
        match Shape::of(document) {
            Shape::Text(member) => self.text(&document[member], &format!("{place}.{member}"), depth),
            Shape::List(member) => self.list(&document[member], &format!("{place}.{member}"), depth),
            Shape::Subscription => self.faults.push((subscription(document, place), raw())),
            Shape::Leaf => self.leaves.push(Leaf { document: document.clone(), place: place.to_owned() }),
        }
    }

    /// Opens a JSON text that stands in a string.
    fn text(&mut self, text: &Value, place: &str, depth: usize) {
        let text = text.as_str().unwrap_or_default();
        match parse_json(text.as_bytes()) {
            Ok(document) => self.open(&document, place, depth + 1),
            Err(problem) => {
                let inside = problem.place.clone().unwrap_or_default();
                let problem = problem.at(format!("{place}, {inside}"));
                self.faults.push((problem, Bytes::copy_from_slice(text.as_bytes())));
            }
        }
    }

    fn list(&mut self, entries: &Value, place: &str, depth: usize) {
        let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("{place}[{at}]");
            if self.leaves.len() + self.faults.len() >= MAX_LEAVES {
                let rest = Value::from(&entries[at..]).to_string();
                let problem = fault(place, format!("more than {MAX_LEAVES} records in one delivery; the rest is kept"));
                return self.faults.push((problem, rest.into()));
            }
            self.open(entry, &place, depth + 1);
        }
    }
}

/// What a document is, told by its members.
enum Shape {
    /// A JSON text in this member.
    Text(&'static str),
    /// Documents in this member.
    List(&'static str),
    Subscription,
    Leaf,
}

impl Shape {
    fn of(document: &Value) -> Self {
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        match text("Type") {
            Some("Notification") if text("Message").is_some() => return Self::Text("Message"),
            Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") => return Self::Subscription,
            _ => {}
        }
        let list = ["Records", "Messages"].into_iter().find(|name| document.get(name).is_some_and(Value::is_array));
        let body = ["body", "Body"].into_iter().find(|name| text(name).is_some());
        list.map(Self::List).or(body.map(Self::Text)).unwrap_or(Self::Leaf)
    }
}

fn subscription(document: &Value, place: &str) -> Problem {
    let url = document.get("SubscribeURL").and_then(Value::as_str).unwrap_or("its SubscribeURL");
    let what = format!("the topic asks to confirm the subscription: an administrator opens {url} once");
    fault(format!("{place}.Type"), what)
}
