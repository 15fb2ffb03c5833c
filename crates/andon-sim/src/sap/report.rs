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
    /// The caller's reference (`MaintNotifExtReferenceNumber`), where the service has one and it was given.
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
