//! What could not be decoded: looked at, downloaded, tried again.

use std::sync::Arc;

use andon_journal::{Page, QuarantineRow};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::IntoParams;

use super::intake::Accepted;
use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiPath, ApiQuery};
use crate::schema;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct QuarantineQuery {
    /// Only entries below this identifier: `next` of the page before.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
}

/// List quarantine entries, newest first.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "quarantine", operation_id = "list_quarantine",
    params(QuarantineQuery),
    responses((status = 200, description = "a page of entries", body = schema::Page<schema::QuarantineRow>)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<QuarantineQuery>,
) -> Result<Json<Page<QuarantineRow>>, ApiError> {
    let limit = paging::rows(query.limit)?;
    Ok(Json(api.handle.views().quarantine(query.before, limit).await?))
}

/// Show one quarantine entry without its bytes.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", tag = "quarantine", operation_id = "show_quarantine",
    params(("id" = i64, Path, description = "identifier of the entry")),
    responses((status = 200, description = "the entry", body = schema::QuarantineRow)))]
pub(crate) async fn show(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<i64>,
) -> Result<Json<QuarantineRow>, ApiError> {
    entry(&api, id).await.map(Json)
}

/// Download the bytes of a quarantine entry, as they came.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/quarantine/{id}/raw", tag = "quarantine", operation_id = "download_quarantine",
    params(("id" = i64, Path, description = "identifier of the entry")),
    responses((status = 200, description = "the bytes", body = schema::RawBytes, content_type = "application/octet-stream")))]
pub(crate) async fn raw(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<i64>,
) -> Result<Response, ApiError> {
    let raw: Bytes = entry(&api, id).await?.raw.unwrap_or_default();
    // Foreign bytes: never shown by a browser as if they were ours.
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"quarantine-{id}.bin\"")),
    ];
    Ok((headers, raw).into_response())
}

/// Take a quarantine entry through its source's decoder again.
///
/// After the decoder or the source's configuration was mended; the decoder gets the bytes, the media type and the
/// headers of the event again. Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/replay", tag = "quarantine", operation_id = "replay_quarantine",
    params(("id" = i64, Path, description = "identifier of the entry")),
    responses((status = 202, description = "everything is stored", body = schema::Accepted),
        (status = 207, description = "some or all of it cannot be decoded still; the entry stays open",
            body = schema::Accepted)))]
pub(crate) async fn replay(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<i64>,
) -> Result<(StatusCode, Json<Accepted>), ApiError> {
    let handle = api.handle.clone();
    let accepted = Accepted::from(api.detached(async move { handle.replay_quarantine(id).await }).await??);
    Ok((accepted.status(), Json(accepted)))
}

async fn entry(api: &Api, id: i64) -> Result<QuarantineRow, ApiError> {
    let row = api.handle.views().quarantine_detail(id).await?;
    row.ok_or_else(|| ApiError::not_found(format_args!("quarantine entry {id}")))
}
