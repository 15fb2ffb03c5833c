//! The certificate authority: made, replaced, shown; and its revocation list.

use std::sync::Arc;

use andon_devices::pki::{KeyKind, RevocationList};
use andon_devices::registry::AuthorityRecord;
use andon_devices::registry::authorities::{AuthorityPlan, Renewal, authorities};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Administer, Caller, SeeAuthorities};
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
/// Devices trust the roots. Role: viewer, operator or admin, or the scope andon/devices or andon/claim.
#[utoipa::path(get, path = "/api/v1/authorities", tag = "devices", operation_id = "list_authorities",
    responses((status = 200, description = "all of them, oldest first", body = Vec<schema::Authority>)))]
pub(crate) async fn list(
    _: Caller<SeeAuthorities>,
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

/// The revocation list that certificates of builds before this one name, in DER.
///
/// It is that of the newest issuing authority that was made by such a build; where there is none, of the one that signs.
/// Open to everybody: it holds serial numbers and no names.
#[utoipa::path(get, path = "/crl/devices.crl", tag = "devices", operation_id = "plain_revocation_list",
    responses((status = 200, description = "as in RFC 5280", content_type = "application/pkix-crl", body = schema::RawBytes)))]
pub(crate) async fn plain_revocation_list(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
    let list = api.office.plain_revocation_list().await?;
    Ok(der(&list))
}

/// The revocation list of an authority, signed by its key.
///
/// `issuing-<n>.crl` and `root-<n>.crl` are in DER, `….pem` in PEM; `all.pem` holds the lists of all authorities that are
/// trusted, one after the other. A distrusted authority has none. Open to everybody.
#[utoipa::path(get, path = "/crl/{file}", tag = "devices", operation_id = "revocation_list",
    params(("file" = String, Path, description = "name of an authority, with .crl or .pem; or all.pem")),
    responses((status = 200, description = "as in RFC 5280", content_type = "application/pkix-crl", body = schema::RawBytes)))]
pub(crate) async fn revocation_list(
    State(api): State<Arc<Api>>,
    ApiPath(file): ApiPath<String>,
) -> Result<Response, ApiError> {
    let (authority, is_pem) = match file.rsplit_once('.') {
        Some(("all", "pem")) => return Ok(pem(api.office.revocation_lists().await?)),
        Some((authority, "crl")) => (authority, false),
        Some((authority, "pem")) => (authority, true),
        _ => return Err(ApiError::not_found(format_args!("the revocation list {file}"))),
    };
    let list = api.office.revocation_list(authority).await?;
    Ok(if is_pem { pem(list.pem.clone()) } else { der(&list) })
}

fn der(list: &RevocationList) -> Response {
    ([(CONTENT_TYPE, "application/pkix-crl")], list.der.clone()).into_response()
}

fn pem(text: String) -> Response {
    ([(CONTENT_TYPE, "application/x-pem-file")], text).into_response()
}
