//! Attachments: bytes that belong to an event, such as the picture that an inspection is about.
//!
//! **Constraints.** Bytes are named by their content (SHA-256), kept once however many events name them, and
//! written in the same transaction as the events: an event never names an attachment that is not there.
//! They go with the last event that names them, so never while a run of it is unsettled. An event that was
//! known before keeps what it came with; what comes with a duplicate is dropped like the duplicate itself.
//!
//! **Life of an attachment.** An intake finds bytes beside an event and calls [`attach`]: the event's data
//! then holds an [`AttachmentInfo`] under a key of the intake's choice, and the bytes travel as a
//! [`NewAttachment`] to [`crate::Journal::append`]. A step of the kind `attachment` names the digest, and its
//! adapter asks [`Attachments::attachment`] for the bytes; people fetch them through the API.

use andon_model::{Code, Event, EventKey, Offset, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::JournalError;

/// Largest attachment: 20 MiB.
pub const MAX_ATTACHMENT_BYTES: usize = 20 << 20;

/// Most attachments of one event.
pub const MAX_ATTACHMENTS: usize = 16;

/// Longest name and media type, in characters; the rest is cut off.
const MAX_TEXT_CHARS: usize = 255;

/// Media type of bytes about which nothing is known.
pub const UNKNOWN_CONTENT_TYPE: &str = "application/octet-stream";

/// Bytes as an intake found them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedFile {
    /// Name of the file, without folders.
    pub name: String,
    /// Media type.
    pub content_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// An attachment to be stored with its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// The event that it belongs to: one of the same append. If that event is not new, nothing is stored.
    pub event: EventKey,
    /// SHA-256 of the bytes in lower-case hexadecimal.
    pub digest: String,
    /// Media type.
    pub content_type: String,
    /// Name of the file, without folders and control characters.
    pub name: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// How an attachment stands in its event's data, and in lists:
/// `{"digest": "9f86…", "name": "7.jpg", "content_type": "image/jpeg", "bytes": 48213}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentInfo {
    /// SHA-256 of the bytes in lower-case hexadecimal.
    pub digest: String,
    /// Name of the file.
    pub name: String,
    /// Media type.
    pub content_type: String,
    /// How many bytes.
    pub bytes: u64,
}

/// An attachment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttachment {
    /// Media type, as the first event that is kept gave it.
    pub content_type: String,
    /// Name of the file, likewise.
    pub name: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// Reading what was attached.
#[async_trait]
pub trait Attachments: Send + Sync {
    /// The bytes with this digest (SHA-256, lower-case hexadecimal); `None` when no event has them.
    async fn attachment(&self, digest: &str) -> Result<Option<StoredAttachment>, JournalError>;

    /// What belongs to one event, by name.
    async fn attachments_of(&self, event: Offset) -> Result<Vec<AttachmentInfo>, JournalError>;
}

impl NewAttachment {
    /// How the event's data names it.
    pub fn info(&self) -> AttachmentInfo {
        AttachmentInfo {
            digest: self.digest.clone(),
            name: self.name.clone(),
            content_type: self.content_type.clone(),
            bytes: self.bytes.len() as u64,
        }
    }
}

/// Names `file` in the event's data under `key` and gives what must be appended with the event.
///
/// An object that stands under the key keeps its other members. Refused, with the event unchanged: a file
/// larger than [`MAX_ATTACHMENT_BYTES`] ([`Code::TooLarge`]), data or a member that is no object
/// ([`Code::Undecodable`]).
pub fn attach(event: &mut Event, key: &str, file: AttachedFile) -> Result<NewAttachment, Problem> {
    check_size(key, file.bytes.len())?;
    let attachment = NewAttachment {
        event: event.key(),
        digest: digest_of(&file.bytes),
        content_type: one_line(&file.content_type, UNKNOWN_CONTENT_TYPE),
        name: one_line(&file.name, "attachment"),
        bytes: file.bytes,
    };
    let place = member(&mut event.data, key)?;
    let AttachmentInfo { digest, name, content_type, bytes } = attachment.info();
    place.insert("digest".to_owned(), digest.into());
    place.insert("name".to_owned(), name.into());
    place.insert("content_type".to_owned(), content_type.into());
    place.insert("bytes".to_owned(), bytes.into());
    Ok(attachment)
}

/// SHA-256 in lower-case hexadecimal.
fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn check_size(key: &str, bytes: usize) -> Result<(), Problem> {
    if bytes <= MAX_ATTACHMENT_BYTES {
        return Ok(());
    }
    let detail = format!("the attachment has {bytes} bytes, at most {MAX_ATTACHMENT_BYTES} are kept");
    Err(Problem::new(Code::TooLarge, detail).at(format!("attachment {key}")))
}

/// The object under `key`, made when nothing is there.
fn member<'a>(data: &'a mut Value, key: &str) -> Result<&'a mut Map<String, Value>, Problem> {
    let empty = || Value::Object(Map::new());
    let taken = |what: String| {
        let detail = format!("{what} is no object, so that no attachment can be named in it");
        Problem::new(Code::Undecodable, detail).at(format!("attachment {key}"))
    };
    if data.is_null() {
        *data = empty();
    }
    let Value::Object(members) = data else { return Err(taken("the event's data".to_owned())) };
    match members.entry(key).or_insert_with(empty) {
        Value::Object(named) => Ok(named),
        _ => Err(taken(format!("the member {key:?} of the event's data"))),
    }
}

/// Text that fits a header and a table: one line, bounded, never empty.
fn one_line(text: &str, otherwise: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect();
    if line.trim().is_empty() { otherwise.to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(bytes: usize) -> AttachedFile {
        AttachedFile {
            name: "a\r\nb.jpg".to_owned(),
            content_type: "image/jpeg".to_owned(),
            bytes: Bytes::from(vec![7; bytes]),
        }
    }

    fn attached(data: Value, bytes: usize) -> (Event, Result<NewAttachment, Problem>) {
        let mut event = Event::new("s", "1", "t", data);
        let attachment = attach(&mut event, "image", file(bytes));
        (event, attachment)
    }

    #[test]
    fn data_names_what_is_attached_and_keeps_what_it_had() {
        let named = json!({"digest": "ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879",
            "name": "ab.jpg", "content_type": "image/jpeg", "bytes": 1});
        let check = |data: Value, expected: Value| {
            let (event, attachment) = attached(data, 1);
            let attachment = attachment.expect("attached");
            assert_eq!(event.data, expected);
            assert_eq!((&attachment.event, json!(attachment.info())), (&event.key(), named.clone()));
        };
        check(json!(null), json!({ "image": named }));
        check(json!({"a": 1}), json!({"a": 1, "image": named}));
        let mut with_path = json!({"image": {"path": "in/7.jpg"}});
        let expected = with_path["image"].as_object_mut().expect("an object");
        expected.extend(named.as_object().expect("an object").clone());
        check(json!({"image": {"path": "in/7.jpg"}}), with_path);
    }

    #[test]
    fn what_cannot_be_named_or_kept_leaves_the_event_alone() {
        let check = |data: Value, bytes, code| {
            let (event, attachment) = attached(data.clone(), bytes);
            assert_eq!((attachment.expect_err("refused").code, event.data), (code, data));
        };
        check(json!([1]), 1, Code::Undecodable);
        check(json!("text"), 1, Code::Undecodable);
        check(json!({"image": "in/7.jpg"}), 1, Code::Undecodable);
        check(json!(null), MAX_ATTACHMENT_BYTES + 1, Code::TooLarge);
    }
}
