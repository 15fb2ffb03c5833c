//! The certificate authority: made, replaced, shown; and its revocation list.

use std::sync::Arc;

use andon_devices::pki::KeyKind;
use andon_devices::registry::AuthorityRecord;
use andon_devices::registry::authorities::{AuthorityPlan, Renewal, authorities};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Administer, Caller, SeeDevices};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath};
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
    /// Whether the root before it vouches for the new one.
    #[serde(default = "vouched_for")]
    cross: bool,
}

fn vouched_for() -> bool {
    true
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
/// What is left out is as it was. The old root vouches for the new one by a cross certificate, so that devices that trust
/// the old one alone go on; with `cross: false` it does not. Role: admin.
#[utoipa::path(post, path = "/api/v1/authorities/rotate", tag = "devices", operation_id = "rotate_authority",
    request_body = schema::WantedAuthority,
    responses((status = 200, description = "all authorities", body = Vec<schema::Authority>)))]
pub(crate) async fn rotate(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wanted): ApiJson<WantedAuthority>,
) -> Result<Json<Vec<AuthorityRecord>>, ApiError> {
    let work = api.clone();
    let renewal = if wanted.root { Renewal::Root { cross: wanted.cross } } else { Renewal::Issuing };
    let plan = wanted.plan(api.office.next_authority_plan().await?);
    api.detached(async move { work.office.renew_authority(&plan, renewal).await }).await??;
    tracing::warn!(author = %caller.name, ?renewal, "certificate authority replaced");
    let all = authorities(api.office.registry.as_ref()).await?;
    Ok(Json(all.into_iter().map(|found| found.value).collect()))
}

/// Trust an authority no more, nor, when it is a root, the issuing authorities below it.
///
/// Devices with certificates of theirs are out within a second, and chains have no cross certificates of theirs any more.
/// An authority that signs now is replaced first. Role: admin.
#[utoipa::path(post, path = "/api/v1/authorities/{name}/distrust", tag = "devices",
    operation_id = "distrust_authority",
    params(("name" = String, Path, description = "root-<n> or issuing-<n>")),
    responses((status = 200, description = "all authorities", body = Vec<schema::Authority>)))]
pub(crate) async fn distrust(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<Vec<AuthorityRecord>>, ApiError> {
    let (work, meant) = (api.clone(), name.clone());
    api.detached(async move { work.office.distrust_authority(&meant).await }).await??;
    tracing::warn!(author = %caller.name, name, "certificate authority distrusted");
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
