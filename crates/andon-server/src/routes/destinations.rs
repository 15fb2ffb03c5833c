//! The destinations in force, and whether they can be reached.

use std::sync::Arc;

use andon_journal::DocumentKind;
use andon_model::Name;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::auth::{Caller, Operate, Read};
use crate::error::ApiError;
use crate::extract::{ApiPath, ApiQuery};
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

/// Which service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceQuery {
    service: String,
}

/// Read the `$metadata` of a service of a destination; changes nothing there.
///
/// Role: operator or admin.
#[utoipa::path(get, path = "/api/v1/destinations/{name}/metadata", tag = "destinations",
    operation_id = "read_metadata",
    params(("name" = String, Path, description = "name of the destination"),
        ("service" = String, Query, description = "path of the OData service, as in /sap/opu/odata/sap/API_X")),
    responses((status = 200, description = "the metadata, EDMX", content_type = "application/xml", body = String)))]
pub(crate) async fn metadata(
    _: Caller<Operate>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<Name>,
    ApiQuery(query): ApiQuery<ServiceQuery>,
) -> Result<Response, ApiError> {
    if !query.service.starts_with('/') {
        return Err(ApiError::bad_request("service is a path that begins with /, as in /sap/opu/odata/sap/API_X"));
    }
    let text = api.handle.fetch_metadata(&name, &query.service).await??;
    Ok(([(CONTENT_TYPE, "application/xml")], text).into_response())
}
