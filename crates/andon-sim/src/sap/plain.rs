//! The endpoints for plain HTTP steps: an echo and a made-up equipment.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::call::Payload;
use super::notification::short_equipment;
use super::simulator::System;
use super::{reply, stock};
use crate::statistics::RequestKind;

/// Answers with what was sent, and how often this key was seen.
pub(crate) fn echo(system: &System, key: Option<&str>, payload: &Payload) -> Response {
    system.statistics.count(RequestKind::Echo);
    let received = match payload {
        Payload::Json(value) => value.clone(),
        Payload::Empty => serde_json::Value::Null,
        Payload::Malformed(what) => return problem(StatusCode::BAD_REQUEST, &format!("the body is not JSON: {what}")),
    };
    let call = key.map_or(1, |key| system.ledger.echo(key));
    with_json(StatusCode::OK, &json!({"call": call, "received": received}))
}

/// An equipment, the same for the same id; 404 where the simulator was told which there are.
pub(crate) fn equipment(system: &System, id: &str) -> Response {
    system.statistics.count(RequestKind::Equipment);
    let short = short_equipment(id);
    if !stock::exists(&system.config, id) {
        return problem(StatusCode::NOT_FOUND, &format!("equipment {short} does not exist"));
    }
    with_json(StatusCode::OK, &stock::describe(short))
}

/// An error of the plain endpoints.
pub(crate) fn problem(status: StatusCode, what: &str) -> Response {
    with_json(status, &json!({ "error": what }))
}

/// Plain JSON, without the OData headers.
pub(crate) fn with_json(status: StatusCode, value: &serde_json::Value) -> Response {
    reply::with_type(status, "application/json", value.to_string())
}
