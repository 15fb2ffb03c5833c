//! What the books tell: the simulator's own, reliable account of what was created.

use std::collections::BTreeMap;

use andon_model::Timestamp;
use serde::{Deserialize, Serialize};

/// The answer of `GET /sim/books`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Counts over everything, whatever part of it is listed.
    pub totals: Totals,
    /// References that more than one document carries; at most 1,000 are listed.
    pub duplicates: Vec<Duplicate>,
    /// Documents in the order of creation.
    pub documents: Vec<BookEntry>,
    /// Whether more documents follow: ask again with `after` set to the last number.
    pub truncated: bool,
    /// Calls of `/sim/echo` by `Idempotency-Key`; at most 1,000 are listed, most calls first.
    pub echoes: Vec<EchoEntry>,
    /// Changes of device properties, in order.
    #[serde(default)]
    pub device_patches: Vec<DevicePatch>,
    /// Calls of the language model, in order.
    #[serde(default)]
    pub llm_calls: Vec<LlmCall>,
    /// Calls of the rule service, in order.
    #[serde(default)]
    pub rule_calls: Vec<RuleCall>,
    /// What was published to the mesh, and how often it was delivered.
    #[serde(default)]
    pub mesh_messages: Vec<MeshMessage>,
}

/// Counts over the books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Documents.
    pub documents: u64,
    /// Documents by service.
    pub by_service: BTreeMap<String, u64>,
    /// Different references.
    pub references: u64,
    /// Documents without a reference.
    pub without_reference: u64,
    /// Documents beyond the first with the same reference.
    pub surplus: u64,
    /// Different `Idempotency-Key`s seen by `/sim/echo`.
    pub echo_keys: u64,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// Number.
    pub number: String,
    /// Service through which it was created.
    pub service: String,
    /// Entity set.
    pub entity_set: String,
    /// The caller's reference, where the service has one and it was given: `MaintNotifExtReferenceNumber`,
    /// `PurReqnExternalReference` (of the items), `QualityIssueReference`; of an attachment
    /// `<object type>/<object key>/<file name>`.
    pub reference: Option<String>,
    /// The properties that say what it is about.
    pub fields: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Place in the order of creation, counted from 1.
    pub sequence: u64,
    /// Ordinal of the request that created it, counted from 1.
    pub request: u64,
    /// How often it was changed since.
    pub changes: u64,
    /// Children that were created with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildEntry>,
    /// What was attached, where the document is an attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<AttachmentEntry>,
}

/// A child of a document, such as the item of a requisition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildEntry {
    /// The navigation that leads to it.
    pub navigation: String,
    /// The properties that it has, as text.
    pub fields: BTreeMap<String, String>,
    /// Children of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildEntry>,
}

/// What was attached to which object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentEntry {
    /// Name, from header `Slug`.
    pub file_name: String,
    /// Type, from header `Content-Type`.
    pub mime_type: String,
    /// `BusinessObjectTypeName`.
    pub object_type: String,
    /// `LinkedSAPObjectKey`.
    pub object_key: String,
    /// Length of the content.
    pub bytes: u64,
    /// SHA-256 of the content in lower-case hexadecimal.
    pub sha256: String,
}

/// A change of a device's properties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePatch {
    /// The device.
    pub device: String,
    /// What was sent.
    pub properties: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// A call of the language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LlmCall {
    /// `chat`, `anthropic` or `converse`.
    pub shape: String,
    /// Model or deployment.
    pub model: String,
    /// The text of all messages, at most 4,000 characters.
    pub prompt: String,
    /// The fault that the answer met.
    pub fault: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A call of the rule service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCall {
    /// `RuleServiceId`.
    pub rule_service: String,
    /// What was asked.
    pub vocabulary: serde_json::Value,
    /// How many results were found.
    pub results: u64,
    /// When.
    pub at: Timestamp,
}

/// What was published to the mesh, in one queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshMessage {
    /// Place in the order of publishing, counted from 1.
    pub number: u64,
    /// The topic, or none when it was sent to the queue.
    pub topic: Option<String>,
    /// The queue that holds or held it.
    pub queue: String,
    /// `Solace-Message-ID`, as given or made up.
    pub message_id: String,
    /// Statuses that the consumer answered with; 0 stands for no answer.
    pub statuses: Vec<u16>,
    /// `queued`, `acknowledged` or `dead`.
    pub state: String,
}

/// A reference that more than one document carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The reference.
    pub reference: String,
    /// The documents' numbers, in order.
    pub numbers: Vec<String>,
}

/// How often `/sim/echo` was called with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoEntry {
    /// The `Idempotency-Key`.
    pub key: String,
    /// Calls.
    pub calls: u64,
}
