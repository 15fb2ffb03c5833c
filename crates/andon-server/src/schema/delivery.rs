//! Events on their way in, and where they go in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::QuarantinedPart;

/// Bytes of any kind.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct RawBytes(pub Vec<u8>);

/// An event in the JSON format of CloudEvents 1.0.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudEvent {
    /// Always `1.0`; required in deliveries, not repeated in answers.
    #[schema(example = "1.0")]
    pub specversion: Option<String>,
    /// Unique within `source`: an event is the same again when both are.
    pub id: String,
    /// Where it comes from: a URI reference.
    pub source: String,
    /// What happened, in reverse-DNS form.
    pub r#type: String,
    /// What it happened to; events of one subject are worked on in order.
    pub subject: Option<String>,
    /// When it happened.
    #[schema(format = DateTime)]
    pub time: Option<String>,
    /// Media type of `data`.
    pub datacontenttype: Option<String>,
    /// Schema of `data`: a URI.
    pub dataschema: Option<String>,
    /// The payload.
    pub data: Option<Value>,
    /// The payload in base64, when it is not JSON.
    pub data_base64: Option<String>,
    /// Extension attributes.
    #[serde(flatten)]
    pub extensions: Map<String, Value>,
}

/// An event as the events-to-business-actions framework takes it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FrameworkEvent {
    /// The event.
    pub data: FrameworkData,
}

/// The members by which the framework decides; all others are payload.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct FrameworkData {
    /// The system that saw it.
    pub source_system: Option<String>,
    /// Where the device is.
    pub device_location: Option<String>,
    /// What kind of device it is.
    pub device_type: Option<String>,
    /// Payload.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// What became of a delivery; all of it is durable.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The events, in the order of the delivery.
    pub events: Vec<AcceptedEvent>,
    /// What could not be decoded.
    pub quarantined: Vec<QuarantinedPart>,
}

/// An event that is stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AcceptedEvent {
    /// Its place in the journal.
    pub offset: i64,
    /// `false` when it was known before.
    pub new: bool,
}

/// A source of events.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// How deliveries prove who sent them.
    pub auth: SourceAuth,
    /// How to sign, when deliveries are signed.
    pub signature: Option<Signature>,
}

/// How deliveries prove who sent them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceAuth {
    /// By a token with the role intake, operator or admin.
    Token,
    /// By a signature.
    Hmac,
}

/// `sha256=hex(HMAC-SHA256(secret, timestamp "." body))` in one header, the timestamp in another.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Signature {
    /// Name of the secret.
    pub secret: String,
    /// Header of the signature.
    pub signature_header: String,
    /// Header of the sender's Unix time in seconds.
    pub timestamp_header: String,
    /// How far the clocks may differ, in seconds.
    pub tolerance_seconds: u64,
}
