//! Cloud properties of devices, as Azure's `IoT Central` offers them.
//!
//! `PATCH /api/devices/<id>/properties?api-version=…` merges what the body holds, null removes; `GET` reads.
//! Doing the same change again changes nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::lock::hold;
use crate::sap::DevicePatch;
use crate::sap::call::{Call, Payload};
use crate::sap::plain::with_json;
use crate::sap::simulator::System;
use crate::statistics::RequestKind;

/// Most devices.
const MAX_DEVICES: usize = 100_000;

/// The properties of all devices.
#[derive(Default)]
pub(crate) struct Devices(Mutex<BTreeMap<String, Map<String, Value>>>);

impl Devices {
    fn merge(&self, device: &str, changes: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut devices = hold(&self.0);
        if devices.len() >= MAX_DEVICES && !devices.contains_key(device) {
            return None;
        }
        let properties = devices.entry(device.to_owned()).or_default();
        for (name, value) in changes {
            match value {
                Value::Null => drop(properties.remove(name)),
                value => drop(properties.insert(name.clone(), value.clone())),
            }
        }
        Some(properties.clone())
    }

    fn read(&self, device: &str) -> Map<String, Value> {
        hold(&self.0).get(device).cloned().unwrap_or_default()
    }

    pub(crate) fn forget(&self) {
        hold(&self.0).clear();
    }
}

/// The device of a path `/api/devices/<id>/properties`.
pub(crate) fn device(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/api/devices/")?.trim_end_matches('/').strip_suffix("/properties")?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// Answers for a device.
pub(crate) fn answer(system: &System, call: &Call<'_>, device: &str) -> Response {
    system.statistics.count(RequestKind::Device);
    if !call.query.contains("api-version=") {
        return refusal(
            StatusCode::BAD_REQUEST,
            "InvalidApiVersion",
            "You must specify api-version in the query string.",
        );
    }
    match (call.method.as_str(), call.payload) {
        ("GET", _) => with_json(StatusCode::OK, &Value::Object(system.devices.read(device))),
        ("PATCH", Payload::Json(Value::Object(changes))) => patch(system, device, changes),
        ("PATCH", _) => refusal(StatusCode::BAD_REQUEST, "InvalidBody", "The body is not a JSON object."),
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "Properties are read or patched."),
    }
}

fn patch(system: &System, device: &str, changes: &Map<String, Value>) -> Response {
    let Some(properties) = system.devices.merge(device, changes) else {
        return refusal(StatusCode::INSUFFICIENT_STORAGE, "Full", "The simulator knows too many devices.");
    };
    let (device, properties_sent) = (device.to_owned(), Value::Object(changes.clone()));
    system.notes.patch(DevicePatch { device, properties: properties_sent, at: system.now() });
    with_json(StatusCode::OK, &Value::Object(properties))
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    with_json(status, &json!({"error": {"code": code, "message": message}}))
}
