//! Attachments: an upload brings raw bytes, headers say what they are and what they belong to.
//!
//! | header | property |
//! |---|---|
//! | `Slug` | `FileName`, percent-decoded |
//! | `Content-Type` | `MimeType` |
//! | `BusinessObjectTypeName`, `LinkedSAPObjectKey` | the object, both mandatory |
//! | `SemanticObject`, `SAPObjectType`, `SAPObjectNodeType`, `HarmonizedDocumentType` | the same |

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::call::Call;
use super::cell::Cell;
use super::failure::Failure;
use super::fields::Service;
use super::ledger::Document;
use super::reply;
use super::row::Row;
use super::simulator::System;
use super::tables::{ATTACHMENTS, MIME_TYPE};

/// Headers that become the property of the same name.
const SAME: [&str; 6] = [
    "BusinessObjectTypeName",
    "LinkedSAPObjectKey",
    "SemanticObject",
    "SAPObjectType",
    "SAPObjectNodeType",
    "HarmonizedDocumentType",
];
/// How many of these must be given.
const MANDATORY: usize = 2;

/// Reads an upload.
pub(super) fn read(system: &System, call: &Call<'_>) -> Result<(Row, Option<Bytes>), Failure> {
    if call.bytes.len() > system.config.max_attachment_bytes {
        return Err(too_long(system.config.max_attachment_bytes));
    }
    let mut row = Row::new(ATTACHMENTS.root);
    let slug = call.header("slug").map(|slug| percent_decode_str(slug).decode_utf8_lossy().into_owned());
    put(&mut row, "FileName", slug.as_deref().ok_or_else(|| missing("Slug"))?)?;
    put(&mut row, MIME_TYPE, call.header(header::CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream"))?;
    for (index, name) in SAME.into_iter().enumerate() {
        match call.header(name).filter(|value| !value.is_empty()) {
            Some(value) => put(&mut row, name, value)?,
            None if index < MANDATORY => return Err(missing(name)),
            None => {}
        }
    }
    row.set("FileSize", Cell::text(call.bytes.len().to_string()));
    Ok((row, Some(call.bytes.clone())))
}

/// The attachments of the object that the parameters name, in the order of upload.
pub(super) fn of(
    system: &System,
    service: &'static Service,
    parameters: &[(&'static str, Cell)],
) -> Result<Vec<Arc<Document>>, Failure> {
    for name in &SAME[..MANDATORY] {
        if !parameters.iter().any(|(given, _)| given == name) {
            return Err(Failure::malformed(format!("Parameter '{name}' is missing")));
        }
    }
    let same = |document: &Arc<Document>, name: &str, cell: &Cell| match cell {
        Cell::Text(text) => text.is_empty() || document.row.text(name) == &**text,
        _ => false,
    };
    let mut found = system.ledger.candidates(service, None);
    found.retain(|document| parameters.iter().all(|(name, cell)| same(document, name, cell)));
    Ok(found)
}

/// The answer of `GetAttachmentCount`.
pub(super) fn count(found: usize) -> Response {
    let count = json!({"__metadata": {"type": "API_CV_ATTACHMENT_SRV.AttachmentsCount"}, "AttachmentCount": found});
    reply::json(StatusCode::OK, json!({"d": {"GetAttachmentCount": count}}).to_string())
}

/// The refusal of what is too long, also before it was read.
pub(super) fn too_long(limit: usize) -> Failure {
    let what = format!("The file is larger than the maximum of {limit} bytes");
    Failure::framework(StatusCode::PAYLOAD_TOO_LARGE, what).with_code("SDOK/101")
}

fn put(row: &mut Row, name: &str, value: &str) -> Result<(), Failure> {
    let limit = row.kind.position(name).map_or(0, |at| row.kind.field(at).edm.length());
    if value.encode_utf16().count() > limit {
        return Err(Failure::malformed(format!("Header '{name}' is longer than {limit} characters")));
    }
    row.set(name, Cell::text(value));
    Ok(())
}

fn missing(name: &str) -> Failure {
    Failure::application("CV_ATTACHMENT/002", format!("Header {name} is missing"), name)
}
