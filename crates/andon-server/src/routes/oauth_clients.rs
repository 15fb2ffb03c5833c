//! The clients that get access tokens: made, listed, removed.

use std::sync::Arc;

use andon_devices::registry::{Versioned, list as list_records};
use andon_devices::token::{Client, ClientId};
use andon_model::Problem;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::paging::rows;
use crate::api::Api;
use crate::auth::{Administer, Caller};
use crate::devices::ClientWish;
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

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

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    pub(super) after: Option<String>,
    pub(super) limit: Option<usize>,
}

/// List the token clients.
///
/// Role: admin.
#[utoipa::path(get, path = "/api/v1/oauth/clients", tag = "oauth", operation_id = "list_clients",
    params(("after" = Option<String>, Query, description = "the last id of the page before"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 1,000; 100 when absent")),
    responses((status = 200, description = "a page, in the order of ids", body = Vec<schema::OauthClient>)))]
pub(crate) async fn list(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<Vec<ClientAnswer>>, ApiError> {
    let (after, limit) = (query.after.unwrap_or_default(), rows(query.limit)?);
    let found: Vec<Versioned<Client>> =
        list_records(api.office.registry.as_ref(), &after, limit).await.map_err(Problem::from)?;
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

pub(super) fn client_id(text: &str) -> Result<ClientId, ApiError> {
    ClientId::new(text).ok_or_else(|| ApiError::not_found(format_args!("the client {text}")))
}
