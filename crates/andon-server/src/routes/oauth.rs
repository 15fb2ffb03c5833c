//! OAuth2: the token endpoint, what others need to verify our tokens, and the clients.

use std::sync::Arc;

use andon_devices::registry::{Versioned, list as list_records};
use andon_devices::token::{Client, ClientId, Discovery, ErrorBody, Jwks, MAX_FORM_BYTES, TokenError, TokenRequest};
use andon_model::{Code, Problem};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::auth::{Administer, Caller};
use crate::devices::{ClientWish, TokenFault};
use crate::error::{ApiError, Failure};
use crate::extract::{ApiJson, ApiPath};
use crate::schema;

/// Most clients of one answer.
const MAX_CLIENTS: usize = 1_000;

/// Get an access token, by `client_credentials` or `refresh_token`.
///
/// Parameters stand in the body (as a form), in the query, or both; the client proves who it is by Basic authentication
/// or by `client_id` and `client_secret` among the parameters. Open to everybody: clients show their own credentials.
#[utoipa::path(post, path = "/oauth2/token", tag = "oauth", operation_id = "oauth_token",
    request_body(content = schema::TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "the token", body = schema::TokenAnswer),
        (status = 400, description = "no token", body = schema::TokenRefusal)))]
pub(crate) async fn token(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
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
pub(crate) async fn discovery(State(api): State<Arc<Api>>) -> Json<Discovery> {
    Json(api.office.discovery())
}

/// A client as the API shows it: without the hash of its secret.
#[derive(Serialize)]
pub(crate) struct ClientAnswer {
    #[serde(flatten)]
    client: Client,
    /// Whether it has no secret.
    public: bool,
    /// In the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl ClientAnswer {
    fn of(client: Client, secret: Option<String>) -> Self {
        let public = client.secret.is_none();
        Self { client: Client { secret: None, ..client }, public, client_secret: secret }
    }
}

/// List the token clients.
///
/// Role: admin.
#[utoipa::path(get, path = "/api/v1/oauth/clients", tag = "oauth", operation_id = "list_clients",
    responses((status = 200, description = "all clients", body = Vec<schema::OauthClient>)))]
pub(crate) async fn list(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
) -> Result<Json<Vec<ClientAnswer>>, ApiError> {
    let found: Vec<Versioned<Client>> =
        list_records(api.office.registry.as_ref(), "", MAX_CLIENTS).await.map_err(Problem::from)?;
    Ok(Json(found.into_iter().map(|client| ClientAnswer::of(client.value, None)).collect()))
}

/// Make a token client; its secret is shown this once.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/oauth/clients", tag = "oauth", operation_id = "create_client",
    request_body = schema::WantedClient,
    responses((status = 201, description = "the client", body = schema::OauthClient)))]
pub(crate) async fn create(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wish): ApiJson<ClientWish>,
) -> Result<(StatusCode, Json<ClientAnswer>), ApiError> {
    let (client, secret) = api.office.create_client(wish).await?;
    tracing::info!(client = %client.id, author = %caller.name, "token client made");
    let secret = secret.map(|secret| secret.expose().to_owned());
    Ok((StatusCode::CREATED, Json(ClientAnswer::of(client, secret))))
}

/// Remove a token client with its refresh tokens and its claim.
///
/// Role: admin.
#[utoipa::path(delete, path = "/api/v1/oauth/clients/{id}", tag = "oauth", operation_id = "delete_client",
    params(("id" = String, Path, description = "id of the client")),
    responses((status = 204, description = "removed")))]
pub(crate) async fn delete(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let id = client_id(&id)?;
    let (work, client) = (api.clone(), id.clone());
    api.detached(async move { work.office.delete_client(&client).await }).await??;
    tracing::info!(client = %id, author = %caller.name, "token client removed");
    Ok(StatusCode::NO_CONTENT)
}

/// For whom a refresh token is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedRefreshToken {
    subject: String,
}

/// A refresh token, shown this once.
#[derive(Serialize)]
pub(crate) struct RefreshTokenAnswer {
    refresh_token: String,
}

/// Make a refresh token for a client, on behalf of somebody; it is shown this once.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/oauth/clients/{id}/refresh-tokens", tag = "oauth",
    operation_id = "create_refresh_token", params(("id" = String, Path, description = "id of the client")),
    request_body = schema::WantedRefreshToken,
    responses((status = 201, description = "the token", body = schema::RefreshTokenAnswer)))]
pub(crate) async fn create_refresh_token(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
    ApiJson(wanted): ApiJson<WantedRefreshToken>,
) -> Result<(StatusCode, Json<RefreshTokenAnswer>), ApiError> {
    if !(1..=128).contains(&wanted.subject.len()) {
        return Err(ApiError::bad_request("the subject has 1 to 128 bytes"));
    }
    let id = client_id(&id)?;
    let token = api.office.refresh_token(&id, &wanted.subject).await?;
    tracing::info!(client = %id, author = %caller.name, "refresh token made");
    Ok((StatusCode::CREATED, Json(RefreshTokenAnswer { refresh_token: token.expose().to_owned() })))
}

fn client_id(text: &str) -> Result<ClientId, ApiError> {
    ClientId::new(text).ok_or_else(|| ApiError::not_found(format_args!("the client {text}")))
}
