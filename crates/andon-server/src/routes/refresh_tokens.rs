//! The refresh tokens of a client: made, listed, revoked.

use std::sync::Arc;

use andon_devices::token::{FamilyId, RefreshFamily, Scopes};
use andon_model::Timestamp;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::oauth_clients::{ListQuery, client_id};
use super::paging::rows;
use crate::api::Api;
use crate::auth::{Administer, Caller};
use crate::devices::Page;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

/// For whom a refresh token is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedRefreshToken {
    subject: String,
}

/// A refresh token, shown this once.
#[derive(Serialize)]
pub(crate) struct RefreshTokenAnswer {
    id: FamilyId,
    refresh_token: String,
}

/// A refresh token as the API shows it later, with all that came from it by rotation: without any text or hash.
#[derive(Serialize)]
pub(crate) struct FamilyAnswer {
    id: FamilyId,
    subject: String,
    scopes: Scopes,
    created: Timestamp,
    expires: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<Timestamp>,
}

impl From<RefreshFamily> for FamilyAnswer {
    fn from(family: RefreshFamily) -> Self {
        let RefreshFamily { id, subject, scopes, created, expires, revoked, .. } = family;
        Self { id, subject, scopes, created, expires, revoked }
    }
}

/// A page of refresh tokens.
#[derive(Serialize)]
pub(crate) struct FamilyPage {
    tokens: Vec<FamilyAnswer>,
    /// What `after` is for the next page; none after the last.
    next: Option<String>,
}

/// List the refresh tokens of a client. Those that came from one another by rotation are one.
///
/// Role: admin.
#[utoipa::path(get, path = "/api/v1/oauth/clients/{id}/refresh-tokens", tag = "oauth",
    operation_id = "list_refresh_tokens", params(("id" = String, Path, description = "id of the client"),
        ("after" = Option<String>, Query, description = "the member `next` of the page before"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 1,000; 100 when absent")),
    responses((status = 200, description = "a page; it may have fewer rows than asked for and not be the last",
        body = schema::RefreshTokenPage)))]
pub(crate) async fn list(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<FamilyPage>, ApiError> {
    let (after, limit) = (query.after.unwrap_or_default(), rows(query.limit)?);
    let Page { rows, next } = api.office.families(&client_id(&id)?, &after, limit).await?;
    Ok(Json(FamilyPage { tokens: rows.into_iter().map(FamilyAnswer::from).collect(), next }))
}

/// Revoke a refresh token of a client, with all that came from it. Access tokens live on for their rest.
///
/// Doing it again changes nothing. Role: admin.
#[utoipa::path(delete, path = "/api/v1/oauth/clients/{id}/refresh-tokens/{token}", tag = "oauth",
    operation_id = "revoke_refresh_token", params(("id" = String, Path, description = "id of the client"),
        ("token" = String, Path, description = "id of the refresh token: what stands before its dot")),
    responses((status = 200, description = "revoked", body = schema::RefreshTokenFacts)))]
pub(crate) async fn revoke(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath((id, token)): ApiPath<(String, String)>,
) -> Result<Json<FamilyAnswer>, ApiError> {
    let id = client_id(&id)?;
    let family = api.office.revoke_family(&id, &token).await?;
    tracing::warn!(client = %id, token = family.id.as_str(), author = %caller.name, "refresh token revoked");
    Ok(Json(family.into()))
}

/// Make a refresh token for a client, on behalf of somebody; it is shown this once.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/oauth/clients/{id}/refresh-tokens", tag = "oauth",
    operation_id = "create_refresh_token", params(("id" = String, Path, description = "id of the client")),
    request_body = schema::WantedRefreshToken,
    responses((status = 201, description = "the token", body = schema::RefreshTokenAnswer)))]
pub(crate) async fn create(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
    ApiJson(wanted): ApiJson<WantedRefreshToken>,
) -> Result<(StatusCode, Json<RefreshTokenAnswer>), ApiError> {
    if !(1..=128).contains(&wanted.subject.len()) {
        return Err(ApiError::bad_request("the subject has 1 to 128 bytes"));
    }
    let id = client_id(&id)?;
    let (family, token) = api.office.refresh_token(&id, &wanted.subject).await?;
    tracing::info!(client = %id, token = family.id.as_str(), author = %caller.name, "refresh token made");
    let answer = RefreshTokenAnswer { id: family.id, refresh_token: token.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(answer)))
}
