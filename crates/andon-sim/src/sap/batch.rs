//! `$batch`: several requests in one, `multipart/mixed`.
//!
//! Reads stand for themselves; a changeset stands or falls as a whole and is answered by one part when it
//! falls. The outer answer is 202 (V4: 200) whatever became of the parts. The fault `partial_batch` lets the
//! last part fail after those before it were committed.

use std::collections::HashMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use andon_model::Timestamp;
use axum::body::to_bytes;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::call::{Call, Payload, circumstances};
use super::dialect::Dialect;
use super::exchange::Exchange;
use super::failure::Failure;
use super::fields::Service;
use super::multipart::{self, Item, Operation};
use super::reply;
use super::simulator::System;
use super::turn::Turn;
use crate::faults::FaultKind;
use crate::statistics::RequestKind;

const OUTER: &str = "ejjeeffe0";
const INNER: &str = "ejjeeffe1";

/// Whether a call is a `$batch`.
pub(super) fn is_meant(call: &Call<'_>, rest: &str) -> bool {
    call.method == Method::POST && matches!(rest.trim_matches('/'), "$batch" | "%24batch")
}

/// Does what the parts ask for, in their order.
pub(super) fn answer(
    system: &System,
    call: &Call<'_>,
    service: &'static Service,
    now: Timestamp,
) -> Result<Response, Failure> {
    system.statistics.count(RequestKind::Batch);
    let content_type = call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let items = multipart::read(content_type, call.bytes).map_err(Failure::malformed)?;
    let batch = Batch { system, call, service, now };
    let doomed = call.fault.filter(|fault| *fault == FaultKind::PartialBatch).map(|_| items.len().saturating_sub(1));
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        batch.perform(item, doomed == Some(index), &mut out);
    }
    out.extend(["--", OUTER, "--\r\n"]);
    let status = if service.dialect == Dialect::V2 { StatusCode::ACCEPTED } else { StatusCode::OK };
    let mut response = reply::with_type(status, "multipart/mixed", out);
    reply::put(&mut response, header::CONTENT_TYPE, &format!("multipart/mixed; boundary={OUTER}"));
    Ok(response)
}

struct Batch<'a> {
    system: &'a System,
    call: &'a Call<'a>,
    service: &'static Service,
    now: Timestamp,
}

impl Batch<'_> {
    fn perform(&self, item: &Item, doomed: bool, out: &mut String) {
        match item {
            _ if doomed => {
                self.system.statistics.count_fault(FaultKind::PartialBatch);
                out.push_str(&part(OUTER, self.refusal(&internal()), None));
            }
            Item::Changeset(operations) => self.changeset(operations, out),
            Item::Single(operation) if operation.method == Method::GET => {
                let response = self.one(operation, &HashMap::new(), &mut self.system.ledger.singly());
                out.push_str(&part(OUTER, response, operation.content_id.as_deref()));
            }
            Item::Single(_) => {
                let failure = Failure::malformed("A modifying request of a batch stands in a changeset");
                out.push_str(&part(OUTER, self.refusal(&failure), None));
            }
        }
    }

    fn changeset(&self, operations: &[Operation], out: &mut String) {
        let mut turn = self.system.ledger.together();
        let mut created = HashMap::new();
        let mut inner = String::new();
        for operation in operations {
            let response = self.one(operation, &created, &mut turn);
            if response.status().as_u16() >= 400 {
                turn.roll_back();
                out.push_str(&part(OUTER, response, operation.content_id.as_deref()));
                return;
            }
            if let (Some(id), Some(location)) = (&operation.content_id, response.headers().get(header::LOCATION)) {
                created.insert(id.clone(), location.to_str().unwrap_or_default().to_owned());
            }
            inner.push_str(&part(INNER, response, operation.content_id.as_deref()));
        }
        inner.extend(["--", INNER, "--\r\n"]);
        let length = inner.len();
        let head =
            format!("--{OUTER}\r\nContent-Type: multipart/mixed; boundary={INNER}\r\nContent-Length: {length}\r\n\r\n");
        out.extend([head.as_str(), &inner, "\r\n"]);
    }

    /// One request; `$1` at the start of its target stands for what the part with that `Content-ID` created.
    fn one(&self, operation: &Operation, created: &HashMap<String, String>, turn: &mut Turn<'_>) -> Response {
        let target = operation.resolve(created);
        let target = target.split_once(self.service.path).map_or(target.as_str(), |(_, rest)| rest);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, headers) =
            (format!("{}/{}", self.service.path, path.trim_start_matches('/')), self.headers(operation));
        let payload = Payload::read(&operation.body);
        let call = Call {
            ordinal: self.call.ordinal,
            method: &operation.method,
            path: &path,
            query,
            headers: &headers,
            payload: &payload,
            bytes: &operation.body,
            fault: None,
        };
        let rest = path.strip_prefix(self.service.path).unwrap_or_default();
        let done = Exchange::new(self.system, &call, self.service, self.now);
        let done = done.and_then(|exchange| exchange.perform(rest, turn));
        done.unwrap_or_else(|failure| failure.answer(&circumstances(self.system, &call, Some(self.service))))
    }

    /// The headers of a part, with what it takes over from the batch.
    fn headers(&self, operation: &Operation) -> HeaderMap {
        let mut headers = operation.headers.clone();
        for name in [header::HOST, header::ACCEPT] {
            if let (false, Some(value)) = (headers.contains_key(&name), self.call.headers.get(&name)) {
                headers.insert(name, value.clone());
            }
        }
        if headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"multipart/")) {
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        }
        headers
    }

    fn refusal(&self, failure: &Failure) -> Response {
        failure.answer(&super::failure::Circumstances {
            wants_json: true,
            ..circumstances(self.system, self.call, Some(self.service))
        })
    }
}

fn internal() -> Failure {
    Failure::framework(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred")
}

/// A response as a part.
fn part(boundary: &str, response: Response, content_id: Option<&str>) -> String {
    let (parts, body) = response.into_parts();
    let body = String::from_utf8_lossy(&ready(body)).into_owned();
    let status = parts.status;
    let mut http = format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    for (name, value) in &parts.headers {
        http.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
    }
    http.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", &body]);
    let id = content_id.map(|id| format!("content-id: {id}\r\n")).unwrap_or_default();
    format!(
        "--{boundary}\r\nContent-Type: application/http\r\nContent-Length: {}\r\n\
         content-transfer-encoding: binary\r\n{id}\r\n{http}\r\n",
        http.len()
    )
}

/// The bytes of a body that is in memory as a whole, as those of all answers to parts are.
fn ready(body: axum::body::Body) -> Bytes {
    let mut reading = pin!(to_bytes(body, usize::MAX));
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(bytes)) => bytes,
        _ => Bytes::new(),
    }
}
