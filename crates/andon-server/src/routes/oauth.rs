//! OAuth2: the token endpoint, and what others need to verify our tokens.

use std::sync::Arc;

use andon_devices::registry::KeyRecord;
use andon_devices::token::{Discovery, ErrorBody, Jwks, MAX_FORM_BYTES, TokenError, TokenRequest};
use andon_model::{Code, Problem};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::api::Api;
use crate::auth::{Administer, Caller};
use crate::devices::TokenFault;
use crate::error::{ApiError, Failure};
use crate::schema;

/// Get an access token, by `client_credentials` or `refresh_token`.
///
/// Parameters stand in the body (as a form), in the query, or both; the client proves who it is by Basic authentication
/// or by `client_id` and `client_secret` among the parameters. Open to everybody: clients show their own credentials.
#[utoipa::path(post, path = "/oauth2/token", tag = "oauth", operation_id = "oauth_token",
    request_body(content = schema::TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "the token", body = schema::TokenAnswer),
        (status = 400, description = "no token", body = schema::TokenRefusal)))]
pub(crate) async fn token(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    api.office.gives_tokens()?;
    let (parts, body) = request.into_parts();
    let payload = api.bodies.read(&parts.headers, body, MAX_FORM_BYTES).await?;
    let query = parts.uri.query().unwrap_or_default();
    let parsed = match authorization(&parts.headers) {
        Ok(header) => TokenRequest::parse(header, query, &payload.bytes),
        Err(problem) => return Err(problem.into()),
    };
    drop(payload);
    let work = api.clone();
    let answered = match parsed {
        Ok(request) => api.detached(async move { work.office.token(&request).await }).await?,
        Err(error) => Err(TokenFault::Refused(error)),
    };
    match answered {
        Ok(token) => Ok(Json(token).into_response()),
        Err(TokenFault::Refused(error)) => Ok(refused(&error)),
        Err(TokenFault::Problem(problem)) => Err(problem.into()),
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let header = headers.get(AUTHORIZATION).map(|value| value.to_str()).transpose();
    header.map_err(|_| Problem::new(Code::BadRequest, "the header authorization is not text"))
}

/// In the form of RFC 6749; what exactly is wrong goes to the log alone.
fn refused(error: &TokenError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body: ErrorBody = error.body();
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(Failure(Problem::new(Code::Unauthenticated, error.to_string())));
    response
}

/// The keys that access tokens are verified with.
///
/// Open to everybody.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "oauth", operation_id = "jwks",
    responses((status = 200, description = "a key set, as in RFC 7517", body = Object)))]
pub(crate) async fn jwks(State(api): State<Arc<Api>>) -> Result<Json<Jwks>, ApiError> {
    Ok(Json(api.office.jwks().await?))
}

/// Where the issuer's endpoints are, and what they can do.
///
/// Open to everybody.
#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "oauth", operation_id = "discovery",
    responses((status = 200, description = "as in OpenID Connect Discovery 1.0", body = Object)))]
pub(crate) async fn discovery(State(api): State<Arc<Api>>) -> Result<Json<Discovery>, ApiError> {
    Ok(Json(api.office.discovery().await?))
}

/// The same, where clients of OAuth alone look for it.
///
/// Open to everybody.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", operation_id = "oauth_discovery",
    responses((status = 200, description = "as in RFC 8414", body = Object)))]
pub(crate) async fn oauth_discovery(state: State<Arc<Api>>) -> Result<Json<Discovery>, ApiError> {
    discovery(state).await
}

/// List the keys that sign access tokens, without their private halves.
///
/// Role: admin.
#[utoipa::path(get, path = "/api/v1/oauth/keys", tag = "oauth", operation_id = "list_keys",
    responses((status = 200, description = "the keys, oldest first", body = Vec<schema::TokenKey>)))]
pub(crate) async fn keys(_: Caller<Administer>, State(api): State<Arc<Api>>) -> Result<Json<Vec<KeyRecord>>, ApiError> {
    Ok(Json(api.office.signer_records().await?.into_iter().map(|found| found.value).collect()))
}

/// Replace the key that signs access tokens. The old one stays in the key set until its tokens have expired.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/oauth/keys/rotate", tag = "oauth", operation_id = "rotate_key",
    responses((status = 200, description = "the keys, oldest first", body = Vec<schema::TokenKey>)))]
pub(crate) async fn rotate_key(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
) -> Result<Json<Vec<KeyRecord>>, ApiError> {
    let work = api.clone();
    let keys = api.detached(async move { work.office.rotate_signer().await }).await??;
    tracing::warn!(author = %caller.name, "the key that signs access tokens is replaced");
    Ok(Json(keys))
}
