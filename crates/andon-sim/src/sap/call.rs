//! A request for a service, read far enough to decide what becomes of it.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;

use super::dialect::Dialect;
use super::exchange::Exchange;
use super::failure::{Circumstances, Failure};
use super::fields::Service;
use super::simulator::System;
use super::{address, batch};
use crate::faults::FaultKind;

/// The body of a request.
pub(crate) enum Payload {
    Empty,
    Json(Value),
    /// Not JSON; says why.
    Malformed(String),
}

impl Payload {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        serde_json::from_slice(bytes).map_or_else(|error| Self::Malformed(error.to_string()), Self::Json)
    }

    /// The JSON that a modifying request must bring.
    pub(crate) fn json(&self) -> Result<&Value, Failure> {
        match self {
            Self::Json(value) => Ok(value),
            Self::Empty => Err(Failure::malformed("The request body is empty")),
            Self::Malformed(what) => Err(Failure::malformed(format!("The request body is not JSON: {what}"))),
        }
    }
}

/// A request for a service, admitted.
pub(crate) struct Call<'a> {
    pub(crate) ordinal: u64,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) payload: &'a Payload,
    /// The body as sent.
    pub(crate) bytes: &'a Bytes,
    /// A fault that must be met where the work is done.
    pub(crate) fault: Option<FaultKind>,
}

impl Call<'_> {
    /// Whether the client asked for JSON; SAP answers in XML otherwise.
    pub(crate) fn wants_json(&self) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accept.contains("application/json")
            || self.query.contains("$format=json")
            || self.query.contains("%24format=json")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Does what a call asks for.
pub(crate) fn answer(system: &System, call: &Call<'_>) -> Response {
    let now = system.now();
    let found = address::service(call.path);
    let service = found.as_ref().ok().map(|(service, _)| *service);
    let mut turn = system.ledger.singly();
    let done = found.and_then(|(service, rest)| {
        if batch::is_meant(call, rest) {
            return batch::answer(system, call, service, now);
        }
        Exchange::new(system, call, service, now)?.perform(rest, &mut turn)
    });
    done.unwrap_or_else(|failure| failure.answer(&circumstances(system, call, service)))
}

/// What an error document tells about a call.
pub(crate) fn circumstances<'a>(system: &System, call: &Call<'_>, service: Option<&'a Service>) -> Circumstances<'a> {
    let (request, now, shape) = (call.ordinal, system.now(), system.config.error_shape);
    let dialect = address::dialect(call.path).unwrap_or(Dialect::V2);
    Circumstances { service, request, now, wants_json: call.wants_json(), shape, dialect }
}
