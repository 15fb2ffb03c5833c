//! Episodes: which documents further events join, and closing one by hand.

use std::sync::Arc;

use andon_journal::{EpisodeFilter, EpisodeKey, EpisodeRow};
use andon_model::Name;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiQuery};
use crate::schema;

/// Which episodes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EpisodesQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// Only episodes of this action.
    #[param(value_type = Option<String>)]
    action: Option<Name>,
    /// Only episodes with this key.
    key: Option<String>,
}

/// List the episodes that an event joined last, newest first.
///
/// Role: viewer, operator or admin. Whether a document is still open is known in its destination alone.
#[utoipa::path(get, path = "/api/v1/episodes", tag = "runs", operation_id = "list_episodes", params(EpisodesQuery),
    responses((status = 200, description = "the episodes", body = Vec<schema::EpisodeRow>)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<EpisodesQuery>,
) -> Result<Json<Vec<EpisodeRow>>, ApiError> {
    let EpisodesQuery { limit, action, key } = query;
    let filter = EpisodeFilter { limit: paging::rows(limit)?, action, key };
    Ok(Json(api.handle.views().episodes(filter).await?))
}

/// Close an episode: the next event with its key makes a document of its own, whatever the destination says of the
/// old one.
///
/// Role: operator or admin. 409 while one of its runs is pending or parked.
#[utoipa::path(post, path = "/api/v1/episodes/close", tag = "runs", operation_id = "close_episode",
    request_body = schema::EpisodeKey, responses((status = 204, description = "the episode is closed")))]
pub(crate) async fn close(
    caller: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiJson(id): ApiJson<EpisodeKey>,
) -> Result<StatusCode, ApiError> {
    let handle = api.handle.clone();
    api.detached(async move { handle.close_episode(id, caller.name.as_str()).await }).await??;
    Ok(StatusCode::NO_CONTENT)
}
