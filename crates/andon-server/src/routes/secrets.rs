//! Secrets: put, listed by name, removed; never shown (invariant K1).

use std::sync::Arc;

use andon_model::{Name, Secret, Timestamp};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::api::Api;
use crate::auth::{Administer, Caller};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath};
use crate::schema;

/// Longest secret: enough for a certificate with its key.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// A secret in a list.
#[derive(Serialize)]
pub(crate) struct SecretRow {
    name: Name,
    updated_at: Timestamp,
}

/// List the names of the secrets.
///
/// Role: admin.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", operation_id = "list_secrets",
    responses((status = 200, description = "all names", body = Vec<schema::SecretName>)))]
pub(crate) async fn list(_: Caller<Administer>, State(api): State<Arc<Api>>) -> Result<Json<Vec<SecretRow>>, ApiError> {
    let names = api.secrets.secret_names().await?.into_iter();
    Ok(Json(names.map(|(name, updated_at)| SecretRow { name, updated_at }).collect()))
}

/// A secret's text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretBody {
    #[serde(deserialize_with = "secret_text")]
    value: Secret,
}

/// The usual refusal of a wrong type repeats the value; this one does not.
fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() && text.len() <= MAX_SECRET_BYTES => Ok(Secret::new(text)),
        _ => Err(D::Error::custom(format_args!("expected a text of 1 to {MAX_SECRET_BYTES} bytes"))),
    }
}

/// Store or replace a secret.
///
/// Role: admin.
#[utoipa::path(put, path = "/api/v1/secrets/{name}", tag = "secrets", operation_id = "put_secret",
    params(("name" = String, Path, description = "name of the secret")), request_body = schema::SecretValue,
    responses((status = 204, description = "stored")))]
pub(crate) async fn put(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<Name>,
    ApiJson(body): ApiJson<SecretBody>,
) -> Result<StatusCode, ApiError> {
    api.secrets.put_secret(&name, body.value, api.clock.now()).await?;
    tracing::info!(secret = %name, "secret stored");
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a secret.
///
/// Role: admin.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", tag = "secrets", operation_id = "delete_secret",
    params(("name" = String, Path, description = "name of the secret")),
    responses((status = 204, description = "removed")))]
pub(crate) async fn delete(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<Name>,
) -> Result<StatusCode, ApiError> {
    if !api.secrets.delete_secret(&name).await? {
        return Err(ApiError::not_found(format_args!("secret {name}")));
    }
    tracing::info!(secret = %name, "secret removed");
    Ok(StatusCode::NO_CONTENT)
}
