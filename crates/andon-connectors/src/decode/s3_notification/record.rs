//! One change of one object.

use andon_model::Problem;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::decode::text::fault;

/// What happened to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Removed,
}

/// A record that was understood.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) bucket: String,
    pub(super) bucket_place: String,
    /// Decoded.
    pub(super) key: String,
    pub(super) change: Change,
    pub(super) sequencer: Option<Sequencer>,
}

/// The order of changes to one key: a hexadecimal number of any length, in either case. Kept in lower
/// case without leading zeros, so that length and then text order it as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequencer(String);

impl Sequencer {
    fn new(text: &str) -> Option<Self> {
        let hex = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| Self(text.trim_start_matches('0').to_ascii_lowercase()))
    }

    /// Whether `a` is later than `b`. Without a sequencer the later record in the document is.
    pub(super) fn is_newer(a: Option<&Self>, b: Option<&Self>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a.0.len(), &a.0) > (b.0.len(), &b.0),
            _ => true,
        }
    }
}

/// Reads a record of S3's own notification. `None`: it is not about the object's content.
pub(super) fn from_s3(record: &Value, place: &str) -> Result<Option<Record>, Problem> {
    let event = text(record, "/eventName", place)?;
    let Some(change) = change(event.trim_start_matches("s3:")) else { return Ok(None) };
    let key = form_decoded(text(record, "/s3/object/key", place)?)
        .ok_or_else(|| fault(format!("{place}.s3.object.key"), "the decoded key is not UTF-8"))?;
    Ok(Some(Record {
        bucket: text(record, "/s3/bucket/name", place)?.to_owned(),
        bucket_place: format!("{place}.s3.bucket.name"),
        key,
        change,
        sequencer: sequencer(record, "/s3/object/sequencer", place)?,
    }))
}

/// Reads an event of `EventBridge`; its keys are not encoded.
pub(super) fn from_event_bridge(event: &Value, place: &str) -> Result<Option<Record>, Problem> {
    let change = match text(event, "/detail-type", place)? {
        "Object Created" => Change::Created,
        "Object Deleted" => Change::Removed,
        _ => return Ok(None),
    };
    Ok(Some(Record {
        bucket: text(event, "/detail/bucket/name", place)?.to_owned(),
        bucket_place: format!("{place}.detail.bucket.name"),
        key: text(event, "/detail/object/key", place)?.to_owned(),
        change,
        sequencer: sequencer(event, "/detail/object/sequencer", place)?,
    }))
}

fn change(event: &str) -> Option<Change> {
    match event.split(':').next()? {
        "ObjectCreated" => Some(Change::Created),
        "ObjectRemoved" | "LifecycleExpiration" => Some(Change::Removed),
        // Tags, storage classes, replication and restores leave the content as it is.
        _ => None,
    }
}

/// Undoes the encoding of an HTML form value: `+` is a space, `%XX` a byte of UTF-8.
fn form_decoded(key: &str) -> Option<String> {
    percent_decode_str(&key.replace('+', " ")).decode_utf8().ok().map(Into::into)
}

fn sequencer(record: &Value, pointer: &str, place: &str) -> Result<Option<Sequencer>, Problem> {
    match record.pointer(pointer) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(Sequencer::new) {
            Some(sequencer) => Ok(Some(sequencer)),
            None => Err(fault(dotted(place, pointer), "a hexadecimal number in a text is expected")),
        },
    }
}

fn text<'a>(record: &'a Value, pointer: &str, place: &str) -> Result<&'a str, Problem> {
    let text = record.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| fault(dotted(place, pointer), "a text is expected here"))
}

fn dotted(place: &str, pointer: &str) -> String {
    format!("{place}{}", pointer.replace('/', "."))
}
