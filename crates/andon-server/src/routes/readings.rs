//! Readings: what devices have reported, as it was received, and how many.

use std::sync::Arc;

use andon_journal::{DeviceReadings, ReadingFilter};
use andon_model::{IngestId, Reading};
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::extract::ApiQuery;
use crate::schema;

/// Which readings.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadingsQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// From this place in the raw log on; the newest when absent.
    from: Option<u64>,
    /// Only readings of this device.
    device: Option<String>,
}

/// List readings in the order in which they came, the newest ones unless `from` says otherwise.
///
/// With a device, a page looks at up to 100,000 readings of all devices; go on at `next` if it shows less than there is.
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/readings", tag = "readings", operation_id = "list_readings",
    params(ReadingsQuery), responses((status = 200, description = "the readings", body = schema::ReadingPage)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<ReadingsQuery>,
) -> Result<Json<schema::ReadingPage>, ApiError> {
    let ReadingsQuery { limit, from, device } = query;
    let filter = ReadingFilter { from: from.map(IngestId), device, limit: paging::rows(limit)? };
    let page = api.readings.readings(filter).await?;
    let readings = page.readings.iter().map(reading).collect();
    Ok(Json(schema::ReadingPage { readings, next: page.next.0 }))
}

fn reading(reading: &Reading) -> schema::Reading {
    let json = serde_json::from_slice(&reading.payload).ok();
    schema::Reading {
        id: reading.id.0,
        ts: reading.received.to_string(),
        device: reading.device.to_string(),
        topic: reading.topic.to_string(),
        payload_base64: json.is_none().then(|| BASE64.encode(&reading.payload)),
        payload: json,
    }
}

/// Show how the raw log is.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/readings/status", tag = "readings", operation_id = "show_readings_status",
    responses((status = 200, description = "the raw log in numbers", body = schema::ReadingLogStatus)))]
pub(crate) async fn status(_: Caller<Read>, State(api): State<Arc<Api>>) -> Json<schema::ReadingLogStatus> {
    let status = api.readings.status();
    Json(schema::ReadingLogStatus {
        next: status.next.0,
        received: status.received,
        devices: status.devices,
        missing: status.missing,
        failing: status.failing,
    })
}

/// Which devices.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountsQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// Devices behind this one.
    #[serde(default)]
    after: String,
}

/// Count the readings of each device since the raw log began, in the order of their names.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/readings/devices", tag = "readings", operation_id = "count_readings",
    params(CountsQuery), responses((status = 200, description = "counts by device", body = Vec<schema::DeviceReadings>)))]
pub(crate) async fn devices(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<CountsQuery>,
) -> Result<Json<Vec<DeviceReadings>>, ApiError> {
    Ok(Json(api.readings.received(&query.after, paging::rows(query.limit)?)))
}
