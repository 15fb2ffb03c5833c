//! How the process is: for probes, monitoring, and people.

use std::sync::Arc;

use andon_engine::Status;
use andon_journal::Counts;
use andon_model::{Code, Problem};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::openapi::COMMITTED;
use crate::schema;
use crate::telemetry::conservation;

/// The process in numbers.
#[derive(Serialize)]
pub(crate) struct StatusBody {
    version: &'static str,
    status: Status,
    counts: Counts,
}

/// Show how the engine is, and what the journal holds.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/status", tag = "operations", operation_id = "show_status",
    responses((status = 200, description = "the process in numbers", body = schema::StatusAnswer)))]
pub(crate) async fn status(_: Caller<Read>, State(api): State<Arc<Api>>) -> Result<Json<StatusBody>, ApiError> {
    let counts = api.handle.views().counts().await?;
    Ok(Json(StatusBody { version: env!("CARGO_PKG_VERSION"), status: api.handle.status(), counts }))
}

/// This description.
///
/// Open to everybody.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations", operation_id = "show_openapi", security(()),
    responses((status = 200, description = "the OpenAPI description", body = Object)))]
pub(crate) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], COMMITTED).into_response()
}

/// Whether the process lives.
///
/// Open to everybody.
#[utoipa::path(get, path = "/healthz", tag = "operations", operation_id = "healthz", security(()),
    responses((status = 200, description = "it lives", body = String, content_type = "text/plain")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the engine is at work and the journal took its last commit and what came in last.
///
/// Open to everybody; says why not by its code only.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "readyz", security(()),
    responses((status = 200, description = "ready", body = String, content_type = "text/plain")))]
pub(crate) async fn readyz(State(api): State<Arc<Api>>) -> Result<&'static str, ApiError> {
    let status = api.handle.status();
    if status.ready {
        return Ok("ready\n");
    }
    let code = status.problem.map_or(Code::Journal, |problem| problem.code);
    Err(ApiError::unavailable(Problem::new(code, "the engine is not at work; see /api/v1/status")))
}

/// Metrics in the Prometheus text format.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((status = 200, description = "metrics", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(_: Caller<Read>, State(api): State<Arc<Api>>) -> Response {
    if let Some(lake) = &api.lake {
        conservation::record(api.readings.as_ref(), lake.as_ref(), api.clock.as_ref()).await;
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], (api.metrics)()).into_response()
}
