//! Runs: where they stand, their evidence, and how a person moves them on.

use std::sync::Arc;

use andon_journal::{Page, RunDetail, RunFilter, RunRow};
use andon_model::{Name, Release, RunId, RunStatus};
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

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunsQuery {
    /// Only runs below this sequence number: `next` of the page before.
    before: Option<i64>,
    /// Rows of the page, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// Only runs of this status.
    #[param(value_type = Option<schema::RunStatus>)]
    status: Option<RunStatus>,
    /// Only runs of this action.
    #[param(value_type = Option<String>)]
    action: Option<Name>,
    /// Only runs of episodes with this key.
    episode: Option<String>,
}

/// List runs, newest first.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "list_runs", params(RunsQuery),
    responses((status = 200, description = "a page of runs", body = schema::Page<schema::RunRow>)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<RunsQuery>,
) -> Result<Json<Page<RunRow>>, ApiError> {
    let RunsQuery { before, limit, status, action, episode } = query;
    let filter = RunFilter { before, limit: paging::rows(limit)?, status, action, episode };
    Ok(Json(api.handle.views().runs(filter).await?))
}

/// Show one run with its timeline.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "show_run",
    params(("id" = String, Path, description = "identifier of the run")),
    responses((status = 200, description = "the run", body = schema::RunDetail)))]
pub(crate) async fn show(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<RunId>,
) -> Result<Json<RunDetail>, ApiError> {
    let detail = api.handle.views().run_detail(&id).await?;
    detail.map(Json).ok_or_else(|| ApiError::not_found(format_args!("run {id}")))
}

/// Retry, resolve or cancel a run.
///
/// Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/runs/{id}/release", tag = "runs", operation_id = "release_run",
    params(("id" = String, Path, description = "identifier of the run")), request_body = schema::Release,
    responses((status = 204, description = "the run goes on")))]
pub(crate) async fn release(
    caller: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<RunId>,
    ApiJson(release): ApiJson<Release>,
) -> Result<StatusCode, ApiError> {
    let handle = api.handle.clone();
    api.detached(async move { handle.release(&id, release, caller.name.as_str()).await }).await??;
    Ok(StatusCode::NO_CONTENT)
}
