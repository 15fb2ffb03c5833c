//! The destinations in force, and whether they can be reached.

use std::sync::Arc;

use andon_journal::DocumentKind;
use andon_model::Name;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::ApiPath;
use crate::schema;

/// A destination in a list.
#[derive(Serialize)]
pub(crate) struct DestinationRow {
    name: Name,
}

/// List the destinations in force.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/destinations", tag = "destinations", operation_id = "list_destinations",
    responses((status = 200, description = "all destinations", body = Vec<schema::Destination>)))]
pub(crate) async fn list(_: Caller<Read>, State(api): State<Arc<Api>>) -> Result<Json<Vec<DestinationRow>>, ApiError> {
    let documents = api.handle.documents().await?.into_iter();
    let destinations = documents.filter(|document| document.kind == DocumentKind::Destination);
    Ok(Json(destinations.map(|document| DestinationRow { name: document.name }).collect()))
}

/// Try address, connection and credentials of a destination; changes nothing there.
///
/// Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/destinations/{name}/test", tag = "destinations",
    operation_id = "test_destination", params(("name" = String, Path, description = "name of the destination")),
    responses((status = 200, description = "what was tried, in order", body = Vec<schema::TestLine>)))]
pub(crate) async fn test(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<Name>,
) -> Result<Response, ApiError> {
    Ok(Json(api.handle.test_destination(&name).await?).into_response())
}
