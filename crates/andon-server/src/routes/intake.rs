//! Deliveries: events that are sent to Andon.
//!
//! A delivery is authenticated, read within its limit, decoded by its source and stored; the answer
//! says what is durable: 202 all of it, 207 all of it but parts in quarantine only, 400 only
//! quarantine. Everything else means that nothing is known to be stored and the sender must repeat,
//! which is safe: an event is known by `(source, id)`.

use std::sync::Arc;

use andon_engine::Delivered;
use andon_journal::{Delivery, IntakeAuth};
use andon_model::{Code, Name, Problem};
use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_TYPE, COOKIE, HOST, PROXY_AUTHORIZATION,
};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;

use crate::api::Api;
use crate::auth::{Caller, ClaimedSignature, Deliver, SignatureRules};
use crate::body::Payload;
use crate::error::{ApiError, QuarantinedPart};
use crate::extract::ApiPath;
use crate::{ServerSettings, schema};

/// Headers that no decoder gets: credentials, and what concerns the connection only.
const WITHHELD: [HeaderName; 7] =
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HOST, CONNECTION, ACCEPT, ACCEPT_ENCODING];

/// Deliver CloudEvents.
///
/// In structured, binary or batched mode of CloudEvents 1.0; or as a form with one event in the part `event` and
/// its attachments in the others. Role: intake, operator or admin.
#[utoipa::path(post, path = "/api/v1/events", tag = "intake",
    request_body(content((schema::CloudEvent = "application/cloudevents+json"),
        (Vec<schema::CloudEvent> = "application/cloudevents-batch+json"), (schema::RawBytes = "application/octet-stream"), (schema::RawBytes = "multipart/form-data"))),
    responses((status = 202, description = "everything is stored", body = schema::Accepted),
        (status = 207, description = "stored, but parts are in quarantine", body = schema::Accepted)))]
pub(crate) async fn deliver_cloud_events(
    _: Caller<Deliver>,
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    deliver_to_built_in(&api, "cloudevents", request).await
}

/// Deliver an event of the events-to-business-actions framework.
///
/// In its own shape, so that an existing delivery point works unchanged. Role: intake, operator or admin.
#[utoipa::path(post, path = "/api/events", tag = "intake", request_body = schema::FrameworkEvent,
    responses((status = 202, description = "everything is stored", body = schema::Accepted)))]
pub(crate) async fn deliver_framework_event(
    _: Caller<Deliver>,
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response, ApiError> {
    deliver_to_built_in(&api, "framework", request).await
}

/// Deliver to a configured source.
///
/// Authenticated as the source says: by a token with the role intake, operator or admin, or by a signature.
#[utoipa::path(post, path = "/api/v1/sources/{name}", tag = "intake",
    params(("name" = String, Path, description = "name of the source")),
    request_body(content = schema::RawBytes, content_type = "application/octet-stream",
        description = "what the source's decoder reads"),
    responses((status = 202, description = "everything is stored", body = schema::Accepted),
        (status = 207, description = "stored, but parts are in quarantine", body = schema::Accepted)))]
pub(crate) async fn deliver_to_source(
    State(api): State<Arc<Api>>,
    ApiPath(name): ApiPath<Name>,
    request: Request,
) -> Result<Response, ApiError> {
    let limit = api.settings.sources_body_bytes;
    let (mut parts, body) = request.into_parts();
    // An unknown source asks for a token as well: only those who may deliver learn which sources exist.
    let auth = api.handle.source(&name).map_or(IntakeAuth::Token, |source| source.auth);
    let IntakeAuth::Hmac { secret, signature_header, timestamp_header, tolerance_seconds } = &auth else {
        Caller::<Deliver>::from_request_parts(&mut parts, &api).await?;
        let payload = api.bodies.read(&parts.headers, body, limit).await?;
        return deliver(&api, name, &parts.headers, payload).await;
    };
    let rules = SignatureRules { signature_header, timestamp_header, tolerance_seconds: *tolerance_seconds };
    let claimed = ClaimedSignature::read(&parts.headers, rules, api.clock.now())?;
    let payload = api.bodies.read(&parts.headers, body, limit).await?;
    let secret = api.secrets.secret(secret).await?.ok_or_else(|| missing_secret(secret))?;
    claimed.check(&secret, &payload.bytes)?;
    deliver(&api, name, &parts.headers, payload).await
}

async fn deliver_to_built_in(api: &Api, source: &str, request: Request) -> Result<Response, ApiError> {
    let name = Name::new(source).map_err(|e| ApiError::from(Problem::new(Code::Internal, e.to_string())))?;
    let (parts, body) = request.into_parts();
    let limit = body_limit(&api.settings, &parts.headers);
    let payload = api.bodies.read(&parts.headers, body, limit).await?;
    deliver(api, name, &parts.headers, payload).await
}

/// A form carries attachments beside its event.
fn body_limit(settings: &ServerSettings, headers: &HeaderMap) -> usize {
    let content_type = headers.get(CONTENT_TYPE).map(text).unwrap_or_default();
    let is_form = content_type.to_ascii_lowercase().starts_with("multipart/form-data");
    if is_form { settings.sources_body_bytes } else { settings.events_body_bytes }
}

async fn deliver(api: &Api, source: Name, headers: &HeaderMap, payload: Payload) -> Result<Response, ApiError> {
    let Payload { bytes, hold } = payload;
    let delivery = Delivery {
        content_type: headers.get(CONTENT_TYPE).map(text),
        headers: passed_on(headers),
        body: bytes,
        ..Delivery::default()
    };
    let handle = api.handle.clone();
    let delivered = api
        .detached(async move {
            let delivered = handle.deliver(&source, delivery).await;
            drop(hold);
            delivered
        })
        .await??;
    Ok(answer(delivered))
}

fn passed_on(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| !WITHHELD.contains(name));
    kept.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn missing_secret(name: &Name) -> ApiError {
    Problem::new(Code::MissingSecret, format!("the source's secret {name} is not stored; an administrator must put it"))
        .into()
}

/// What was stored, in the order of the delivery.
#[derive(Serialize)]
pub(super) struct Accepted {
    events: Vec<AcceptedEvent>,
    quarantined: Vec<QuarantinedPart>,
}

#[derive(Serialize)]
struct AcceptedEvent {
    offset: i64,
    new: bool,
}

impl From<Delivered> for Accepted {
    fn from(delivered: Delivered) -> Self {
        let event = |(offset, new): (andon_model::Offset, bool)| AcceptedEvent { offset: offset.0, new };
        let part = |(id, problem)| QuarantinedPart { id, problem };
        Self {
            events: delivered.events.into_iter().map(event).collect(),
            quarantined: delivered.quarantined.into_iter().map(part).collect(),
        }
    }
}

impl Accepted {
    /// 202 when everything was decoded, 207 when not.
    pub(super) fn status(&self) -> StatusCode {
        if self.quarantined.is_empty() { StatusCode::ACCEPTED } else { StatusCode::MULTI_STATUS }
    }
}

fn answer(delivered: Delivered) -> Response {
    let accepted = Accepted::from(delivered);
    if let (true, Some(first)) = (accepted.events.is_empty(), accepted.quarantined.first()) {
        return ApiError::new(refusal_status(&first.problem), first.problem.clone())
            .quarantined(accepted.quarantined)
            .into_response();
    }
    (accepted.status(), Json(accepted)).into_response()
}

/// What a decoder refuses is the sender's to mend, whatever its code.
fn refusal_status(problem: &Problem) -> StatusCode {
    if problem.code == Code::TooLarge { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
}

#[cfg(test)]
mod tests {
    use super::*;
    use andon_model::Offset;

    #[test]
    fn the_status_says_what_is_stored() {
        let fault = |code| (7, Problem::new(code, "no").at("line 1"));
        let check = |events: usize, faults: Vec<Code>, expected: u16| {
            let delivered = Delivered {
                events: (0..events).map(|n| (Offset(i64::try_from(n).unwrap()), true)).collect(),
                quarantined: faults.iter().map(|code| fault(*code)).collect(),
            };
            assert_eq!(answer(delivered).status().as_u16(), expected, "{events} events, {faults:?}");
        };
        check(1, vec![], 202);
        check(0, vec![], 202);
        check(2, vec![Code::Undecodable], 207);
        check(0, vec![Code::Undecodable], 400);
        check(0, vec![Code::BadCloudEvent, Code::Undecodable], 400);
        check(0, vec![Code::TooLarge], 413);
    }

    #[test]
    fn credentials_are_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("authorization", "Bearer x"), ("cookie", "a=b"), ("ce-id", "1"), ("x-own", "y")] {
            headers.insert(name, value.parse().unwrap());
        }
        let mut names: Vec<_> = passed_on(&headers).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["ce-id", "x-own"]);
    }
}
