//! Episodes: which documents further events join.

use std::sync::Arc;

use andon_journal::{EpisodeFilter, EpisodeRow};
use andon_model::Name;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::extract::ApiQuery;
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
