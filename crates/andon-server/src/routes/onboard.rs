//! The onboarding API of AWS's device connectivity quickstart; its shapes stand in `andon_devices::quickstart`.

use std::sync::Arc;

use andon_devices::enrolment::{EnrolmentRequest, RequestedKey};
use andon_devices::pki::KeyKind;
use andon_devices::quickstart::OnboardAnswer;
use andon_devices::{Device, DeviceName, ProfileName};
use andon_model::Problem;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::api::Api;
use crate::auth::{Caller, ManageDevices, SeeDevices};
use crate::devices::{Delivery, Onboarded};
use crate::error::{ApiError, Failure};
use crate::extract::{ApiPath, ApiQuery};
use crate::{handover, schema};

/// Something of the request, refused in the quickstart's form.
pub(crate) struct Known<E>(E);

impl<E: FromRequestParts<Arc<Api>, Rejection = ApiError>> FromRequestParts<Arc<Api>> for Known<E> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Refused> {
        Ok(Self(E::from_request_parts(parts, api).await?))
    }
}

/// A refusal in the quickstart's form: every member is there, and `error` says what is wrong.
pub(crate) struct Refused(ApiError);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (mut parts, body) = self.0.into_response().into_parts();
        let Some(Failure(problem)) = parts.extensions.get::<Failure>().cloned() else {
            return Response::from_parts(parts, body);
        };
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.remove(CONTENT_LENGTH);
        let answer = serde_json::to_vec(&OnboardAnswer::failed("", &problem)).unwrap_or_default();
        Response::from_parts(parts, Body::from(answer))
    }
}

/// What may stand in the query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnboardQuery {
    profile: Option<ProfileName>,
}

/// Onboard a device with a key pair that is made here.
///
/// The answer of the first request has the private key; once it has gone out, no other has. Role: operator or admin, or
/// the scope andon/devices.
#[utoipa::path(post, path = "/api/onboard/{deviceName}", tag = "devices", operation_id = "onboard",
    params(("deviceName" = String, Path, description = "name of the device"),
        ("profile" = Option<String>, Query, description = "its profile")),
    responses((status = 200, description = "onboarded", body = schema::OnboardAnswer),
        (status = 400, description = "not onboarded: see `error`", body = schema::OnboardAnswer)))]
pub(crate) async fn create(
    _: Known<Caller<ManageDevices>>,
    State(api): State<Arc<Api>>,
    Known(ApiPath(name)): Known<ApiPath<String>>,
    Known(ApiQuery(query)): Known<ApiQuery<OnboardQuery>>,
) -> Result<Response, Refused> {
    let (work, asked) = (api.clone(), name.clone());
    let done = api.detached(async move { onboard(&work, &asked, query.profile).await }).await?;
    let (answer, delivery) = done.unwrap_or_else(|problem| (OnboardAnswer::failed(&name, &problem), None));
    Ok(respond(&api, &answer, delivery))
}

async fn onboard(
    api: &Api,
    name: &str,
    profile: Option<ProfileName>,
) -> Result<(OnboardAnswer, Option<Delivery>), Problem> {
    let kind = match &profile {
        None => KeyKind::default(),
        Some(profile) => api.office.key_of(profile).await?,
    };
    let request = EnrolmentRequest::new(DeviceName::new(name)?, RequestedKey::Generate(kind));
    let Onboarded { device, key, delivery, .. } =
        api.office.onboard(&EnrolmentRequest { profile, ..request }, None).await?;
    let key = key.as_ref().map(|(id, key)| (id, key));
    let answer = OnboardAnswer::of_device(&device, &api.office.settings.endpoint, key, api.office.now())?;
    tracing::info!(device = name, "device onboarded");
    Ok((answer, delivery))
}

/// Show an onboarded device, with everything but the private key.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/onboard/{deviceName}", tag = "devices", operation_id = "show_onboarded",
    params(("deviceName" = String, Path, description = "name of the device")),
    responses((status = 200, description = "the device", body = schema::OnboardAnswer),
        (status = 400, description = "not there: see `error`", body = schema::OnboardAnswer)))]
pub(crate) async fn show(
    _: Known<Caller<SeeDevices>>,
    State(api): State<Arc<Api>>,
    Known(ApiPath(name)): Known<ApiPath<String>>,
) -> Response {
    let answer = shown(&api, &name).await;
    respond(&api, &answer.unwrap_or_else(|problem| OnboardAnswer::failed(&name, &problem)), None)
}

async fn shown(api: &Api, name: &str) -> Result<OnboardAnswer, Problem> {
    let device: Device = api.office.device(&DeviceName::new(name)?).await?.value;
    Ok(OnboardAnswer::of_device(&device, &api.office.settings.endpoint, None, api.office.now())?)
}

/// Take a device out of service: its certificates are revoked and it is forgotten.
///
/// It is no fault if there is no such device. Role: operator or admin, or the scope andon/devices.
#[utoipa::path(delete, path = "/api/onboard/{deviceName}", tag = "devices", operation_id = "offboard",
    params(("deviceName" = String, Path, description = "name of the device")),
    responses((status = 200, description = "it is gone", body = schema::OnboardAnswer),
        (status = 400, description = "not done: see `error`", body = schema::OnboardAnswer)))]
pub(crate) async fn delete(
    _: Known<Caller<ManageDevices>>,
    State(api): State<Arc<Api>>,
    Known(ApiPath(name)): Known<ApiPath<String>>,
) -> Result<Response, Refused> {
    let (work, asked) = (api.clone(), name.clone());
    let done = api.detached(async move { deleted(&work, &asked).await }).await?;
    Ok(respond(&api, &done.unwrap_or_else(|problem| OnboardAnswer::failed(&name, &problem)), None))
}

async fn deleted(api: &Api, name: &str) -> Result<OnboardAnswer, Problem> {
    let device = DeviceName::new(name)?;
    api.office.delete(&device).await?;
    tracing::info!(device = name, "device deleted");
    Ok(OnboardAnswer::deleted(&device, &api.office.settings.endpoint))
}

fn respond(api: &Arc<Api>, answer: &OnboardAnswer, delivery: Option<Delivery>) -> Response {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = (status, handed_over(api, answer, delivery)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(code) = andon_model::Code::ALL.iter().find(|code| code.as_str() == answer.error.code) {
        response.extensions_mut().insert(Failure(Problem::new(*code, answer.error.msg.clone())));
    }
    response
}

/// The body of an answer; if it hands something over, that is noted once it has gone out.
pub(super) fn handed_over(api: &Arc<Api>, answer: &impl serde::Serialize, delivery: Option<Delivery>) -> Body {
    let bytes = serde_json::to_vec(answer).unwrap_or_default();
    let Some(delivery) = delivery else { return Body::from(bytes) };
    let api = Arc::clone(api);
    let noted = async move {
        if let Err(problem) = api.office.delivered(&delivery).await {
            tracing::warn!(%problem, "that a certificate was handed over could not be noted; it is replaced if it is asked for again");
        }
    };
    handover::body(bytes.into(), Box::pin(noted))
}
