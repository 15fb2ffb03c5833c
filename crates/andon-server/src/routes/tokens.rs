//! Tokens of the API: made, listed, withdrawn.

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{NewToken, Role, TokenRow};
use andon_model::{Code, Name, Problem, Timestamp};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::auth::{Administer, Caller, fresh_token};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath};
use crate::schema;

/// Most tokens at once: they are all held in memory.
const MAX_TOKENS: usize = 10_000;

/// List the tokens, without their texts.
///
/// Role: admin.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, description = "all tokens", body = Vec<schema::Token>)))]
pub(crate) async fn list(_: Caller<Administer>, State(api): State<Arc<Api>>) -> Result<Json<Vec<TokenRow>>, ApiError> {
    let tokens = api.tokens.store().tokens().await?;
    Ok(Json(tokens.into_iter().map(|(row, _)| row).collect()))
}

/// The token that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedToken {
    name: Name,
    role: Role,
    expires_in_seconds: Option<u64>,
}

/// A token with its text, which is shown this once.
#[derive(Serialize)]
pub(crate) struct CreatedToken {
    name: Name,
    role: Role,
    expires_at: Option<Timestamp>,
    token: String,
}

/// Make a token; its text is shown this once.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "create_token",
    request_body = schema::WantedToken,
    responses((status = 201, description = "the token", body = schema::CreatedToken)))]
pub(crate) async fn create(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wanted): ApiJson<WantedToken>,
) -> Result<(StatusCode, Json<CreatedToken>), ApiError> {
    let WantedToken { name, role, expires_in_seconds } = wanted;
    refuse_taken(&api, &name).await?;
    let at = api.clock.now();
    let expires_at = expires_in_seconds.map(|seconds| at.after(Duration::from_secs(seconds)));
    let (text, sha256) = fresh_token()?;
    api.tokens.store().put_token(NewToken { name: name.clone(), role, sha256, expires_at, at }).await?;
    api.tokens.reload().await?;
    tracing::info!(token = %name, ?role, "token made");
    let created = CreatedToken { name, role, expires_at, token: text.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(created)))
}

/// A name in use is refused: silently replacing a token would lock its holder out.
async fn refuse_taken(api: &Api, name: &Name) -> Result<(), ApiError> {
    let tokens = api.tokens.store().tokens().await?;
    let conflict = |detail: String| Err(Problem::new(Code::Conflict, detail).into());
    if tokens.iter().any(|(row, _)| row.name == *name) {
        return conflict(format!("there is a token {name} already; delete it first"));
    }
    if tokens.len() >= MAX_TOKENS {
        return conflict(format!("there are {MAX_TOKENS} tokens already; delete some first"));
    }
    Ok(())
}

/// Withdraw a token; it stops working at once.
///
/// Role: admin.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "tokens", operation_id = "delete_token",
    params(("name" = String, Path, description = "name of the token")),
    responses((status = 204, description = "withdrawn")))]
pub(crate) async fn delete(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<Name>,
) -> Result<StatusCode, ApiError> {
    let existed = api.tokens.store().delete_token(&name).await?;
    api.tokens.reload().await?;
    if !existed {
        return Err(ApiError::not_found(format_args!("token {name}")));
    }
    tracing::info!(token = %name, "token withdrawn");
    Ok(StatusCode::NO_CONTENT)
}
