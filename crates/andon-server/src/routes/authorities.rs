//! The certificate authority: made, replaced, shown; and its revocation list.

use std::sync::Arc;

use andon_devices::pki::KeyKind;
use andon_devices::registry::AuthorityRecord;
use andon_devices::registry::authorities::{AuthorityPlan, authorities};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Administer, Caller, SeeDevices};
use crate::error::ApiError;
use crate::extract::ApiJson;
use crate::schema;

/// What the authorities are to be like; defaults where it is left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedAuthority {
    name: Option<String>,
    organization: Option<String>,
    key: Option<KeyKind>,
    root_days: Option<u32>,
    issuing_days: Option<u32>,
    /// Whether the root is replaced too.
    #[serde(default)]
    root: bool,
}

impl WantedAuthority {
    fn plan(self, usual: AuthorityPlan) -> AuthorityPlan {
        AuthorityPlan {
            name: self.name.unwrap_or(usual.name),
            organization: self.organization.or(usual.organization),
            key: self.key.unwrap_or(usual.key),
            root_days: self.root_days.unwrap_or(usual.root_days),
            issuing_days: self.issuing_days.unwrap_or(usual.issuing_days),
        }
    }
}

/// List the authorities with their certificates; keys are never shown.
///
/// Devices trust the roots. Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/authorities", tag = "devices", operation_id = "list_authorities",
    responses((status = 200, description = "all of them, oldest first", body = Vec<schema::Authority>)))]
pub(crate) async fn list(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
) -> Result<Json<Vec<AuthorityRecord>>, ApiError> {
    let all = authorities(api.office.registry.as_ref()).await?;
    Ok(Json(all.into_iter().map(|found| found.value).collect()))
}

/// Make the root and the issuing authority. Without this, the first device makes them with the defaults.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/authorities", tag = "devices", operation_id = "found_authority",
    request_body = schema::WantedAuthority,
    responses((status = 201, description = "the authorities", body = Vec<schema::Authority>)))]
pub(crate) async fn found(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wanted): ApiJson<WantedAuthority>,
) -> Result<(StatusCode, Json<Vec<AuthorityRecord>>), ApiError> {
    let work = api.clone();
    let plan = wanted.plan(api.office.authority_plan());
    api.detached(async move { work.office.found_authority(&plan).await }).await??;
    tracing::info!(author = %caller.name, "certificate authority made");
    let all = authorities(api.office.registry.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(all.into_iter().map(|found| found.value).collect())))
}

/// Replace the issuing authority, and the root if asked for. What the old ones signed stays good.
///
/// Role: admin.
#[utoipa::path(post, path = "/api/v1/authorities/rotate", tag = "devices", operation_id = "rotate_authority",
    request_body = schema::WantedAuthority,
    responses((status = 200, description = "all authorities", body = Vec<schema::Authority>)))]
pub(crate) async fn rotate(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wanted): ApiJson<WantedAuthority>,
) -> Result<Json<Vec<AuthorityRecord>>, ApiError> {
    let (work, with_root) = (api.clone(), wanted.root);
    let plan = wanted.plan(api.office.authority_plan());
    api.detached(async move { work.office.renew_authority(&plan, with_root).await }).await??;
    tracing::warn!(author = %caller.name, with_root, "certificate authority replaced");
    let all = authorities(api.office.registry.as_ref()).await?;
    Ok(Json(all.into_iter().map(|found| found.value).collect()))
}

/// The revocation list, in DER.
///
/// Open to everybody: it holds serial numbers and no names.
#[utoipa::path(get, path = "/crl/devices.crl", tag = "devices", operation_id = "revocation_list",
    responses((status = 200, description = "as in RFC 5280", content_type = "application/pkix-crl", body = schema::RawBytes)))]
pub(crate) async fn revocation_list(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    let list = api.office.revocation_list().await?;
    Ok(([(CONTENT_TYPE, "application/pkix-crl")], list.der.clone()).into_response())
}
