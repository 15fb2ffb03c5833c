//! Reporting without MQTT: readings and values of properties over HTTP.
//!
//! Whoever calls speaks for devices: a token with the role intake, operator or admin for any, as the door trusts the
//! certificate of a gateway. What is answered with 2xx is durable in the raw log (invariant J3); a repeated call is kept twice, as a repeated publication is.

use std::sync::Arc;

use andon_engine::plant::PUT_TOPIC;
use andon_journal::{Kept, NewReading, ReadingLogError};
use andon_model::{Code, Problem, SpeaksFor};
use axum::Json;
use axum::extract::{Request, State};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::api::Api;
use crate::auth::{Caller, Deliver};
use crate::error::ApiError;
use crate::extract::ApiJson;
use crate::schema;
use crate::telemetry::batch_put::{self, Found, Sorted};
use crate::telemetry::intake::{self, Form};

/// Report readings of devices: a JSON array, one object, or JSON Lines (`application/x-ndjson`).
///
/// All are kept or none. Each becomes a reading of its device in the raw log, durable when this is answered.
/// Role: intake, operator or admin, for any device.
#[utoipa::path(post, path = "/api/v1/readings", tag = "readings", operation_id = "report_readings",
    request_body(content((Vec<schema::NewReading> = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 202, description = "they are durable", body = schema::KeptReadings)))]
pub(crate) async fn readings(
    _: Caller<Deliver>,
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<(StatusCode, Json<schema::KeptReadings>), ApiError> {
    let (parts, body) = request.into_parts();
    let form = form(&parts.headers)?;
    let received = api.clock.now();
    let payload = api.bodies.read(&parts.headers, body, api.settings.readings_body_bytes).await?;
    let readings = intake::readings(&payload.bytes, form, received, &api.event_time)?;
    drop(payload);
    if readings.is_empty() {
        return Ok((StatusCode::ACCEPTED, Json(schema::KeptReadings { first: None, count: 0 })));
    }
    let kept = keep(&api, readings).await?;
    Ok((StatusCode::ACCEPTED, Json(schema::KeptReadings { first: Some(kept.first.0), count: kept.count })))
}

fn form(headers: &HeaderMap) -> Result<Form, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(Form::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Ok(Form::Lines)
        }
        _ => {
            let problem = Problem::new(Code::BadRequest, "send application/json or application/x-ndjson");
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem.at("header content-type")))
        }
    }
}

/// Put values of properties, in the shape of AWS IoT SiteWise's `BatchPutAssetPropertyValue`.
///
/// 200 does not mean that all was taken: look at `errorEntries`. What was is durable in the raw log, as one reading of a
/// device with the caller's name. Role: intake, operator or admin.
#[utoipa::path(post, path = "/api/v1/properties/batch", tag = "readings", operation_id = "put_property_values",
    request_body = schema::PropertyBatch,
    responses((status = 200, description = "what was not taken", body = schema::PropertyBatchAnswer)))]
pub(crate) async fn properties(
    caller: Caller<Deliver>,
    State(api): State<Arc<Api>>,
    ApiJson(batch): ApiJson<schema::PropertyBatch>,
) -> Result<Json<schema::PropertyBatchAnswer>, ApiError> {
    if let Some(detail) = batch_put::refusal(&batch) {
        return Err(ApiError::bad_request(detail));
    }
    let received = api.clock.now();
    let Sorted { kept, errors } = batch_put::sort(batch, received, |entry| find(&api, entry));
    if let Some(kept) = kept {
        let payload = kept.to_string().into_bytes();
        let (device, topic) = (caller.name.as_str().into(), PUT_TOPIC.into());
        keep(&api, vec![NewReading { received, device, topic, speaks_for: SpeaksFor::Anyone, payload }]).await?;
    }
    Ok(Json(schema::PropertyBatchAnswer { error_entries: errors }))
}

fn find(api: &Api, entry: &schema::PropertyEntry) -> Found {
    let plant = api.handle.plant();
    let (asset, property) = match (&entry.property_alias, &entry.asset_id, &entry.property_id) {
        (Some(alias), None, None) => match plant.alias(alias) {
            None if plant.makes_alias(alias) => return Found::NewAlias,
            None => return Found::Nothing,
            Some(found) => found,
        },
        (None, Some(asset), Some(property)) => (asset.clone(), property.clone()),
        _ => return Found::Unclear,
    };
    plant.value(&asset, &property).map_or(Found::Nothing, |value| Found::Property(Box::new(value)))
}

/// Comes back when the readings are durable, however long the sender waits.
async fn keep(api: &Api, readings: Vec<NewReading>) -> Result<Kept, ApiError> {
    let log = Arc::clone(&api.log);
    api.detached(async move { log.append(readings).await }).await?.map_err(not_kept)
}

fn not_kept(error: ReadingLogError) -> ApiError {
    match error {
        ReadingLogError::Unwritable(problem) => ApiError::unavailable(problem),
        ReadingLogError::Closed => ApiError::unavailable(Problem::new(Code::BackPressure, error.to_string())),
        ReadingLogError::TooLarge { index, .. } => {
            Problem::new(Code::TooLarge, error.to_string()).at(format!("entry {index}")).into()
        }
    }
}
