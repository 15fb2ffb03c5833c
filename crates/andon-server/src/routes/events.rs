//! Events as they are stored, and what was decided about them.

use std::sync::Arc;

use andon_engine::DryRun;
use andon_journal::{EventFilter, EventRow, Page};
use andon_model::{Event, Offset};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only events below this offset: `next` of the page before.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// Only events of this type.
    r#type: Option<String>,
    /// Only events of this subject.
    subject: Option<String>,
}

/// List events, newest first.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", operation_id = "list_events", params(EventsQuery),
    responses((status = 200, description = "a page of events", body = schema::Page<schema::EventRow>)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<EventsQuery>,
) -> Result<Json<Page<EventRow>>, ApiError> {
    let EventsQuery { before, limit, r#type: kind, subject } = query;
    let filter = EventFilter { before, limit: paging::rows(limit)?, kind, subject };
    Ok(Json(api.handle.views().events(filter).await?))
}

/// Show one event with its decisions and runs.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/events/{offset}", tag = "events", operation_id = "show_event",
    params(("offset" = i64, Path, description = "place of the event in the journal")),
    responses((status = 200, description = "the event", body = schema::EventRow)))]
pub(crate) async fn show(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(offset): ApiPath<Offset>,
) -> Result<Json<EventRow>, ApiError> {
    let row = api.handle.views().event_detail(offset).await?;
    row.map(Json).ok_or_else(|| ApiError::not_found(format_args!("event {offset}")))
}

/// Decide an event again.
///
/// For an event whose decision failed or asked for no action. Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/events/{offset}/decide", tag = "events", operation_id = "decide_event",
    params(("offset" = i64, Path, description = "place of the event in the journal")),
    responses((status = 204, description = "it will be decided again")))]
pub(crate) async fn decide(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(offset): ApiPath<Offset>,
) -> Result<StatusCode, ApiError> {
    let handle = api.handle.clone();
    api.detached(async move { handle.decide_again(offset).await }).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Decide a sample event without storing or sending anything.
///
/// Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/dry-run", tag = "events", request_body = schema::CloudEvent,
    responses((status = 200, description = "what would happen", body = schema::DryRun)))]
pub(crate) async fn dry_run(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiJson(mut event): ApiJson<Event>,
) -> Json<DryRun> {
    // An attribute of the format, not of the event: decoders drop it as well.
    event.extensions.remove("specversion");
    Json(api.handle.dry_run(&event))
}
