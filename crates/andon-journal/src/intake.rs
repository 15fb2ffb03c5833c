//! How events come in: deliveries, decoders and pulled sources.

use andon_model::{Event, Name, Problem, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;

use crate::{CheckpointMove, NewAttachment};

/// Bytes that arrived from outside, with what is known about them.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// Media type, as the sender gave it.
    pub content_type: Option<String>,
    /// HTTP headers in lower case, or the transport's equivalent.
    pub headers: Vec<(String, String)>,
    /// The object's path in its bucket, or empty.
    pub path: String,
    /// The object's version: `ETag`, or empty.
    pub version: String,
    /// The device that sent it, known by its certificate; none where the transport knows none.
    pub device: Option<String>,
    /// The payload, untouched.
    pub body: Bytes,
}

/// The topic of a payload that a broker delivered, beside its headers: an event that has no id of its own is known by
/// topic and content.
pub const MQTT_TOPIC_HEADER: &str = "mqtt-topic";

/// Where the headers of a quarantine entry hold the device that sent it. What a sender calls so is not kept.
pub const DEVICE_HEADER: &str = "andon-device";

/// Headers beside `ce-*` that decoders take an event's identity from.
const IDENTITY_HEADERS: [&str; 4] = ["solace-message-id", "x-message-id", "idempotency-key", MQTT_TOPIC_HEADER];

impl Delivery {
    /// The headers that belong to the event: `ce-*`, which hold its attributes in the binary mode of
    /// `CloudEvents`, those that name it, and the device that sent it. Credentials and cookies are never among them
    /// (invariant K1).
    pub fn attribute_headers(&self) -> Vec<(String, String)> {
        let belongs = |name: &str| name.starts_with("ce-") || IDENTITY_HEADERS.contains(&name);
        let device = self.device.iter().map(|device| (DEVICE_HEADER.to_owned(), device.clone()));
        self.headers.iter().filter(|(name, _)| belongs(name)).cloned().chain(device).collect()
    }

    /// The first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Bytes that no decoder could read, kept as they came.
#[derive(Debug, Clone)]
pub struct NewQuarantine {
    /// Configuration name of the source.
    pub source: Name,
    /// Why, and where in the payload.
    pub problem: Problem,
    /// Media type, as the sender gave it.
    pub content_type: Option<String>,
    /// The headers that its decoder needs again: [`Delivery::attribute_headers`].
    pub headers: Vec<(String, String)>,
    /// The object's path, or empty.
    pub path: String,
    /// The bytes.
    pub raw: Bytes,
}

/// What a decoder made of a delivery: good events and, beside them, what it could not read.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// Events, in the order of the payload.
    pub events: Vec<Event>,
    /// What belongs to these events.
    pub attachments: Vec<NewAttachment>,
    /// Faults with the bytes that they concern.
    pub faults: Vec<(Problem, Bytes)>,
    /// Objects that the delivery points at (S3 notifications): their paths, to be read and decoded.
    pub objects: Vec<String>,
    /// Records that were read and gave no event, because the format or the configuration says so: normal
    /// results, states that trigger nothing.
    pub passed: usize,
}

/// Turns deliveries into events. Pure: the same delivery gives the same events with the same ids.
pub trait Decoder: Send + Sync {
    /// Reads one delivery; never panics, never drops a byte silently.
    fn decode(&self, delivery: &Delivery) -> Decoded;
}

/// A member of a set-like checkpoint: "this object, in this version, has been read".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The object's path.
    pub key: String,
    /// Its version (`ETag`, sequencer), compared as text.
    pub version: String,
}

/// What a pulled source hands over at once; stored in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Events, in order.
    pub events: Vec<Event>,
    /// What belongs to these events.
    pub attachments: Vec<NewAttachment>,
    /// What could not be decoded.
    pub quarantine: Vec<NewQuarantine>,
    /// Objects that are read to their end by this batch.
    pub marks: Vec<Mark>,
    /// Records that were read and gave no event.
    pub passed: usize,
    /// Where the source is after this batch.
    pub checkpoint: Option<CheckpointMove>,
}

/// Why a source could not deliver; the engine backs off and asks again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub Problem);

/// How deliveries to a source prove who sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntakeAuth {
    /// A token with the role `intake` or `admin`: as bearer, or as the password of basic authentication.
    Token,
    /// `hex(HMAC-SHA256(secret, timestamp "." body))` in a header, beside a timestamp header.
    Hmac {
        /// Name of the secret.
        secret: Name,
        /// Header that carries `sha256=<hex>`; lower case.
        signature_header: String,
        /// Header that carries the sender's Unix time in seconds; lower case.
        timestamp_header: String,
        /// How far the two clocks may differ, in seconds.
        tolerance_seconds: u64,
    },
}

/// Reads single objects of a bucket source, for notifications that name them.
#[async_trait]
pub trait ObjectReader: Send + Sync {
    /// The object at `path` (decoded, without the bucket). `Ok(None)`: outside the source's prefix and
    /// suffix, or gone since.
    async fn read(&self, path: &str) -> Result<Option<Delivery>, SourceError>;

    /// Adds to what was decoded of an object what lies beside it in the bucket, such as the picture of a
    /// result. Where that is missing for good, the object is a fault. An error: not there yet, or it cannot
    /// be read now; the same object must be brought again.
    async fn attach(&self, object: &Delivery, decoded: Decoded, now: Timestamp) -> Result<Decoded, SourceError>;
}

/// A source that is asked for events. It is acknowledged only after its batch is durable.
#[async_trait]
pub trait Source: Send {
    /// The next batch; waits until there is one. Must be safe to cancel and to repeat.
    async fn next(&mut self) -> Result<Batch, SourceError>;

    /// The last batch is durable: delete, commit or move on.
    async fn acknowledge(&mut self) -> Result<(), SourceError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_of_the_event_are_kept() {
        let given = ["ce-id", "authorization", "cookie", "x-signature", "idempotency-key", DEVICE_HEADER, "ce-id"];
        let headers = given.map(|name| (name.to_owned(), "value".to_owned())).to_vec();
        let device = Some("pump-01".to_owned());
        let kept = Delivery { headers, device, ..Delivery::default() }.attribute_headers();
        let pairs: Vec<_> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected =
            [("ce-id", "value"), ("idempotency-key", "value"), ("ce-id", "value"), (DEVICE_HEADER, "pump-01")];
        assert_eq!(pairs, expected);
    }
}
