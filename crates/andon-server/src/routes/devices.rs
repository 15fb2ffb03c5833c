//! Devices: enrolled with a signing request or a key made here, listed, changed, rotated, revoked, deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_devices::door::DoorState;
use andon_devices::enrolment::{EnrolmentRequest, RequestedKey};
use andon_devices::pki::{KeyKind, SigningRequest};
use andon_devices::registry::authorities::Issuers;
use andon_devices::registry::{DeviceFilter, Due, Label, MAX_LABELS, Moment, Versioned};
use andon_devices::token::ClientId;
use andon_devices::{
    Attributes, CertificateId, CertificateStatus, Device, DeviceName, ExpiryLevel, GroupName, ProfileName,
};
use andon_model::{Code, Problem};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::claimed::{bind, claim_for};
use super::onboard::handed_over;
use super::paging::rows;
use crate::api::Api;
use crate::auth::{Caller, Enrol, ManageDevices, SeeDevices};
use crate::devices::{Connection, DeviceChange, Office, Onboarded, RevokeRequest};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

/// Which devices.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    after: Option<DeviceName>,
    contains: Option<String>,
    /// Labels, with a comma between.
    labels: Option<String>,
    /// Only those whose last certificate is at this level of expiry, or beyond it.
    expiry: Option<ExpiryLevel>,
    /// Only those that nobody but this authority lets in.
    authority: Option<String>,
    limit: Option<usize>,
}

/// A page of devices.
#[derive(Serialize)]
pub(crate) struct DevicePage {
    devices: Vec<DeviceAnswer>,
    /// What `after` is for the next page; none after the last.
    next: Option<DeviceName>,
}

/// A device as the API shows it.
#[derive(Serialize)]
pub(crate) struct DeviceAnswer {
    status: CertificateStatus,
    /// Its certificates in force are all of distrusted authorities.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut_off: bool,
    /// The alarm that is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry: Option<ExpiryLevel>,
    #[serde(flatten)]
    device: Device,
    /// In the one answer that hands it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    /// What was asked for and the device, which was there before, does not have; nothing was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differs: Vec<&'static str>,
    /// Where one device is asked for, or its certificate is handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<Connection>,
}

impl DeviceAnswer {
    pub(super) fn of(device: Device, office: &Office) -> Self {
        let expiry = office.settings.expiry.alarm(&device, office.now()).map(|alarm| alarm.level);
        let (status, private_key, differs) = (device.status(), None, Vec::new());
        Self { status, cut_off: false, expiry, device, private_key, differs, connection: None }
    }

    /// As it is among the authorities that are trusted.
    fn among(device: Device, issuers: &Issuers, office: &Office) -> Self {
        Self { cut_off: issuers.have_cut_off(&device, office.now()), ..Self::of(device, office) }
    }

    pub(super) fn handing_over(onboarded: Onboarded, office: &Office) -> Self {
        let (private_key, differs) = (onboarded.key.map(|(_, key)| key.expose().to_owned()), onboarded.differs);
        Self { private_key, differs, ..Self::of(onboarded.device, office) }
    }

    /// The same, with all that the device needs to connect.
    async fn complete(onboarded: Onboarded, api: &Api) -> Result<Self, Problem> {
        let connection = Some(connection(&onboarded.device, api).await?);
        Ok(Self { connection, ..Self::handing_over(onboarded, &api.office) })
    }
}

async fn connection(device: &Device, api: &Api) -> Result<Connection, Problem> {
    api.office.connection(device, port(&api.door.state())).await
}

/// The port of the listener for certificates.
pub(super) fn port(door: &DoorState) -> Option<u16> {
    let DoorState::Open(places) = door else { return None };
    let place = places.iter().find(|place| place.starts_with("mqtts:"))?;
    place.rsplit_once(':').and_then(|(_, port)| port.trim_end_matches('/').parse().ok())
}

/// List devices.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", operation_id = "list_devices",
    params(("after" = Option<String>, Query, description = "the last name of the page before"),
        ("contains" = Option<String>, Query, description = "text in the name"),
        ("labels" = Option<String>, Query,
            description = "profile:, group:, status:, speaks_for: or attribute:<name>=<value>, with commas between; all must fit"),
        ("expiry" = Option<String>, Query,
            description = "notice, urgent or expired: only devices whose last certificate is that close to its end, or closer"),
        ("authority" = Option<String>, Query,
            description = "root-<n> or issuing-<n>: only devices that nobody else lets in; a page may be shorter than asked for"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 1,000; 100 when absent")),
    responses((status = 200, description = "a page, in the order of names", body = schema::DevicePage)))]
pub(crate) async fn list(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<DevicePage>, ApiError> {
    let limit = rows(query.limit)?;
    let after = query.after.map_or_else(String::new, |name| name.to_string());
    let contains = query.contains.unwrap_or_default();
    let filter =
        DeviceFilter { after, contains, labels: labels(query.labels.as_deref())?, due: due(&api, query.expiry), limit };
    let (devices, next) = match &query.authority {
        Some(authority) => api.office.only_let_in_by(authority, filter).await?,
        None => found(&api, &filter).await?,
    };
    let issuers = api.office.issuers().await?;
    let devices = devices.into_iter().map(|device| DeviceAnswer::among(device, &issuers, &api.office)).collect();
    Ok(Json(DevicePage { devices, next }))
}

async fn found(api: &Api, filter: &DeviceFilter) -> Result<(Vec<Device>, Option<DeviceName>), Problem> {
    let entries = api.office.registry.devices(filter).await?;
    let devices = entries.iter().map(|entry| Ok(Versioned::<Device>::of(entry)?.value));
    let devices = devices.collect::<Result<Vec<_>, Problem>>()?;
    let next = devices.last().filter(|_| devices.len() == filter.limit).map(|last| last.name.clone());
    Ok((devices, next))
}

fn due(api: &Api, level: Option<ExpiryLevel>) -> Option<Due> {
    let before = api.office.settings.expiry.ends_before(level?, api.office.now());
    Some(Due { moment: Moment::Ends, before })
}

fn labels(text: Option<&str>) -> Result<Vec<Label>, ApiError> {
    let texts = text.into_iter().flat_map(|text| text.split(',')).filter(|label| !label.is_empty());
    let labels = texts.map(str::parse).collect::<Result<Vec<Label>, _>>();
    let labels = labels.map_err(|error| Problem::new(Code::BadRequest, error.to_string()).at("query labels"))?;
    if labels.len() > MAX_LABELS {
        return Err(ApiError::bad_request(format!("at most {MAX_LABELS} labels can be searched for at once")));
    }
    Ok(labels)
}

/// A device to onboard.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedDevice {
    device: DeviceName,
    /// A signing request in PEM. Without one, a key pair is made here, and its private half handed over once.
    csr: Option<String>,
    /// The kind of key to make; that of the profile when left out.
    key: Option<KeyKind>,
    profile: Option<ProfileName>,
    #[serde(default)]
    groups: BTreeSet<GroupName>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default, rename = "speaks_for")]
    on_behalf_of: BTreeSet<DeviceName>,
}

/// Onboard a device, best with a signing request, so that its key never leaves it.
///
/// The same request again comes to the same device; a certificate whose answer was lost is handed over anew. Nothing of a
/// device that is there is changed: `differs` names what was asked for and is not so. A token with the scope andon/claim may onboard the devices on the list of its claim. Role: operator or admin, or the scope
/// andon/devices or andon/claim.
#[utoipa::path(post, path = "/api/v1/devices", tag = "devices", operation_id = "enrol_device",
    request_body = schema::WantedDevice,
    responses((status = 200, description = "the device, with the private key if one was made",
        body = schema::EnrolledDevice)))]
pub(crate) async fn enrol(
    caller: Caller<Enrol>,
    State(api): State<Arc<Api>>,
    ApiJson(wanted): ApiJson<WantedDevice>,
) -> Result<Response, ApiError> {
    let work = api.clone();
    let done = api.detached(async move { enrolled(&work, wanted, caller.claim.as_ref()).await }).await?;
    let mut onboarded = done?;
    tracing::info!(device = %onboarded.device.name, author = %caller.name, "device onboarded");
    let outcome = onboarded.outcome();
    let delivery = onboarded.delivery.take();
    let answer = EnrolledAnswer { outcome, device: DeviceAnswer::complete(onboarded, &api).await? };
    Ok(json(handed_over(&api, &answer, delivery)))
}

/// What came of an onboarding.
#[derive(Serialize)]
struct EnrolledAnswer {
    /// `onboarded`, or `unchanged` when it was there before and nothing is handed over.
    outcome: &'static str,
    #[serde(flatten)]
    device: DeviceAnswer,
}

async fn enrolled(api: &Api, wanted: WantedDevice, claimer: Option<&ClientId>) -> Result<Onboarded, Problem> {
    let claim = match claimer {
        Some(client) => Some(claim_for(api, client, &wanted.device).await?),
        None => None,
    };
    let mut request = request_of(api, wanted).await?;
    claim.as_ref().map_or(Ok(()), |claim| bind(&mut request, claim))?;
    api.office.onboard(&request, claim.as_ref()).await
}

async fn request_of(api: &Api, wanted: WantedDevice) -> Result<EnrolmentRequest, Problem> {
    let WantedDevice { device, csr, key, profile, groups, attributes, on_behalf_of } = wanted;
    let key = match (csr, key, &profile) {
        (Some(csr), _, _) => RequestedKey::Given(SigningRequest::from_pem(&csr)?.key().clone()),
        (None, Some(kind), _) => RequestedKey::Generate(kind),
        (None, None, Some(profile)) => RequestedKey::Generate(api.office.key_of(profile).await?),
        (None, None, None) => RequestedKey::Generate(KeyKind::default()),
    };
    Ok(EnrolmentRequest { profile, groups, attributes, on_behalf_of, ..EnrolmentRequest::new(device, key) })
}

/// Show a device with its certificates.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/devices/{name}", tag = "devices", operation_id = "show_device",
    params(("name" = String, Path, description = "name of the device")),
    responses((status = 200, description = "the device", body = schema::Device)))]
pub(crate) async fn show(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<DeviceName>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let device = api.office.device(&name).await?.value;
    let connection = Some(connection(&device, &api).await?);
    let issuers = api.office.issuers().await?;
    Ok(Json(DeviceAnswer { connection, ..DeviceAnswer::among(device, &issuers, &api.office) }))
}

/// Change profile, groups, policies, attributes, or the devices that a gateway speaks for; what is left out stays.
///
/// Live sessions of the device take it over. Role: operator or admin, or the scope andon/devices.
#[utoipa::path(put, path = "/api/v1/devices/{name}", tag = "devices", operation_id = "change_device",
    params(("name" = String, Path, description = "name of the device")), request_body = schema::DeviceChange,
    responses((status = 200, description = "the device", body = schema::Device)))]
pub(crate) async fn change(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<DeviceName>,
    ApiJson(change): ApiJson<DeviceChange>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let work = api.clone();
    let device = api.detached(async move { work.office.change(&name, &change).await }).await??;
    tracing::info!(device = %device.name, author = %caller.name, "device changed");
    Ok(Json(DeviceAnswer::of(device, &api.office)))
}

/// Take a device out of service: its certificates are revoked and it is forgotten.
///
/// Role: operator or admin, or the scope andon/devices.
#[utoipa::path(delete, path = "/api/v1/devices/{name}", tag = "devices", operation_id = "delete_device",
    params(("name" = String, Path, description = "name of the device")),
    responses((status = 204, description = "it is gone")))]
pub(crate) async fn delete(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<DeviceName>,
) -> Result<StatusCode, ApiError> {
    let (work, device) = (api.clone(), name.clone());
    if !api.detached(async move { work.office.delete(&device).await }).await?? {
        return Err(ApiError::not_found(format_args!("the device {name}")));
    }
    tracing::info!(device = %name, author = %caller.name, "device deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// The key of the next certificate.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rotation {
    csr: Option<String>,
    /// Whether a device that is locked out is to come in again.
    reinstate: bool,
}

/// Give a device its next certificate; the present one is accepted until the overlap is over.
///
/// A device none of whose certificates is ACTIVE was locked out: it gets one only with `reinstate`.
/// Role: operator or admin, or the scope andon/devices.
#[utoipa::path(post, path = "/api/v1/devices/{name}/rotate", tag = "devices", operation_id = "rotate_device",
    params(("name" = String, Path, description = "name of the device")), request_body = schema::Rotation,
    responses((status = 200, description = "the device, with the private key if one was made", body = schema::Device)))]
pub(crate) async fn rotate(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<DeviceName>,
    ApiJson(rotation): ApiJson<Rotation>,
) -> Result<Response, ApiError> {
    let request = rotation.csr.as_deref().map(SigningRequest::from_pem).transpose().map_err(Problem::from)?;
    let work = api.clone();
    let onboarded =
        api.detached(async move { work.office.rotate(&name, request.as_ref(), rotation.reinstate).await }).await??;
    tracing::info!(device = %onboarded.device.name, author = %caller.name, "certificate rotated");
    Ok(json(handed_over(&api, &DeviceAnswer::complete(onboarded, &api).await?, None)))
}

/// Revoke a device's certificates, or one of them; live sessions end within a second.
///
/// Role: operator or admin, or the scope andon/devices.
#[utoipa::path(post, path = "/api/v1/devices/{name}/revoke", tag = "devices", operation_id = "revoke_device",
    params(("name" = String, Path, description = "name of the device")), request_body = schema::RevokeRequest,
    responses((status = 200, description = "the device", body = schema::Device)))]
pub(crate) async fn revoke(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<DeviceName>,
    ApiJson(request): ApiJson<RevokeRequest>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let work = api.clone();
    let device = api.detached(async move { work.office.revoke(&name, &request).await }).await??;
    tracing::warn!(device = %device.name, author = %caller.name, "certificate revoked");
    Ok(Json(DeviceAnswer::of(device, &api.office)))
}

/// Make a certificate INACTIVE: it opens nothing until it is made active again; live sessions end within a second.
///
/// Role: operator or admin, or the scope andon/devices.
#[utoipa::path(post, path = "/api/v1/devices/{name}/certificates/{id}/deactivate", tag = "devices",
    operation_id = "deactivate_certificate",
    params(("name" = String, Path, description = "name of the device"),
        ("id" = String, Path, description = "fingerprint of the certificate")),
    responses((status = 200, description = "the device", body = schema::Device)))]
pub(crate) async fn deactivate(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath((name, id)): ApiPath<(DeviceName, CertificateId)>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    set_active(&caller, &api, name, id, false).await
}

/// Make an INACTIVE certificate active again. A revoked one stays revoked, one that has ended stays as it is.
///
/// Role: operator or admin, or the scope andon/devices.
#[utoipa::path(post, path = "/api/v1/devices/{name}/certificates/{id}/activate", tag = "devices",
    operation_id = "activate_certificate",
    params(("name" = String, Path, description = "name of the device"),
        ("id" = String, Path, description = "fingerprint of the certificate")),
    responses((status = 200, description = "the device", body = schema::Device)))]
pub(crate) async fn activate(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath((name, id)): ApiPath<(DeviceName, CertificateId)>,
) -> Result<Json<DeviceAnswer>, ApiError> {
    set_active(&caller, &api, name, id, true).await
}

async fn set_active(
    caller: &Caller<ManageDevices>,
    api: &Arc<Api>,
    name: DeviceName,
    id: CertificateId,
    active: bool,
) -> Result<Json<DeviceAnswer>, ApiError> {
    let (work, certificate) = (api.clone(), id.clone());
    let device = api.detached(async move { work.office.set_active(&name, &certificate, active).await }).await??;
    tracing::warn!(device = %device.name, certificate = %id, active, author = %caller.name, "certificate changed");
    Ok(Json(DeviceAnswer::of(device, &api.office)))
}

pub(super) fn json(body: axum::body::Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_that_of_the_listener_for_certificates() {
        let check = |places: &[&str], expect: Option<u16>| {
            let places = places.iter().map(|place| (*place).to_owned()).collect();
            assert_eq!(port(&DoorState::Open(places)), expect);
        };
        check(&["wss://127.0.0.1:8884", "mqtts://0.0.0.0:18883"], Some(18883));
        check(&["mqtts://[::]:99"], Some(99));
        check(&["mqtt://127.0.0.1:1883"], None);
        check(&[], None);
    }
}
