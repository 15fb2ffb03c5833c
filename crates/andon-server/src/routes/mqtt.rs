//! The MQTT door: who is connected, sending somebody away, publishing to devices.

use std::sync::Arc;

use andon_devices::door::{AwaySession, DoorState, Publication, PublishError, SessionInfo};
use andon_model::{Code, Problem};
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::paging;
use crate::api::Api;
use crate::auth::{Caller, ManageDevices, SeeDevices};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::schema;

/// Show how the MQTT door is.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/mqtt", tag = "mqtt", operation_id = "show_mqtt",
    responses((status = 200, description = "the door", body = schema::Door)))]
pub(crate) async fn show(_: Caller<SeeDevices>, State(api): State<Arc<Api>>) -> Json<schema::Door> {
    let (state, places, detail) = match api.door.state() {
        DoorState::Closed => (schema::DoorState::Closed, Vec::new(), None),
        DoorState::Waiting => (schema::DoorState::Waiting, Vec::new(), None),
        DoorState::Open(places) => (schema::DoorState::Open, places, None),
        DoorState::Failing(why) => (schema::DoorState::Failing, Vec::new(), Some(why)),
    };
    Json(schema::Door { state, places, detail, sessions: api.door.sessions().len() })
}

/// Which clients.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsQuery {
    /// Most rows, 1 to 1,000; 100 when absent.
    limit: Option<usize>,
    /// Client ids behind this one.
    #[serde(default)]
    after: String,
    /// Only clients of this device.
    device: Option<String>,
}

/// List who is connected, and who is away and has a session that waits for them, in the order of client ids.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/mqtt/sessions", tag = "mqtt", operation_id = "list_mqtt_sessions",
    params(SessionsQuery), responses((status = 200, description = "clients", body = Vec<schema::Session>)))]
pub(crate) async fn sessions(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<SessionsQuery>,
) -> Result<Json<Vec<schema::Session>>, ApiError> {
    let limit = paging::rows(query.limit)?;
    let connected = api.door.sessions().into_iter().map(connected);
    let mut all: Vec<schema::Session> = connected.chain(api.door.away().await.into_iter().map(away)).collect();
    all.sort_by(|a, b| a.client_id.cmp(&b.client_id));
    all.dedup_by(|later, earlier| later.client_id == earlier.client_id);
    let behind = all.into_iter().filter(|session| session.client_id > query.after);
    let meant = behind.filter(|session| query.device.as_ref().is_none_or(|device| *device == session.device));
    Ok(Json(meant.take(limit).collect()))
}

fn protocol(version: u8) -> String {
    let name = match version {
        3 => "3.1",
        4 => "3.1.1",
        _ => "5",
    };
    name.to_owned()
}

fn away(info: AwaySession) -> schema::Session {
    schema::Session {
        device: info.client_id.clone(),
        client_id: info.client_id,
        connected: false,
        waiting: Some(info.waiting),
        certificate: None,
        source: None,
        protocol: protocol(info.protocol),
        since: info.since.map(|since| since.to_string()),
    }
}

fn connected(info: SessionInfo) -> schema::Session {
    schema::Session {
        client_id: info.client_id,
        connected: true,
        waiting: None,
        device: info.device,
        certificate: info.certificate.map(|id| id.to_string()),
        source: info.source.map(|address| address.to_string()),
        protocol: protocol(info.protocol),
        since: Some(info.since.to_string()),
    }
}

/// How a client is sent away.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KickQuery {
    /// Whether its session goes as well, with its subscriptions and all that waits in it; also that of a client that is
    /// away.
    #[serde(default)]
    forget: bool,
}

/// End the connection of a client. It may come back: revoke its certificate if it must not.
///
/// With `forget`, its session goes as well, also where the client is not connected.
///
/// Role: operator or admin, or the scope andon/devices.
#[utoipa::path(delete, path = "/api/v1/mqtt/sessions/{client_id}", tag = "mqtt", operation_id = "kick_mqtt_session",
    params(("client_id" = String, Path, description = "the client id"), KickQuery),
    responses((status = 204, description = "it is no longer connected")))]
pub(crate) async fn kick(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(client): ApiPath<String>,
    ApiQuery(query): ApiQuery<KickQuery>,
) -> Result<StatusCode, ApiError> {
    if !api.door.kick(&client, query.forget).await {
        let what = if query.forget { "a session of" } else { "a connected client" };
        return Err(ApiError::not_found(format_args!("{what} {client}")));
    }
    tracing::info!(author = %caller.name, client, forget = query.forget, "a client was sent away");
    Ok(StatusCode::NO_CONTENT)
}

/// Publish to devices. Sessions of devices that are away take it too, and keep it until they come back.
///
/// Role: operator or admin, or the scope andon/devices. Each device gets it only if its policies let it receive from
/// the topic.
#[utoipa::path(post, path = "/api/v1/mqtt/publish", tag = "mqtt", operation_id = "publish_mqtt",
    request_body = schema::Publication,
    responses((status = 202, description = "it is on its way", body = schema::Published)))]
pub(crate) async fn publish(
    caller: Caller<ManageDevices>,
    State(api): State<Arc<Api>>,
    ApiJson(command): ApiJson<schema::Publication>,
) -> Result<(StatusCode, Json<schema::Published>), ApiError> {
    let publication = publication(command)?;
    let topic = publication.topic.clone();
    let work = api.clone();
    let subscribers = api.detached(async move { work.door.publish(publication).await }).await?.map_err(refused)?;
    tracing::info!(author = %caller.name, topic, subscribers, "published to devices");
    Ok((StatusCode::ACCEPTED, Json(schema::Published { subscribers })))
}

fn publication(command: schema::Publication) -> Result<Publication, ApiError> {
    let schema::Publication { topic, payload, payload_base64, qos, retain } = command;
    let qos = qos.unwrap_or(1);
    if qos > 2 {
        return Err(ApiError::bad_request(format!("qos is {qos}, it must be 0, 1 or 2")));
    }
    let payload = match (payload, payload_base64) {
        (Some(Value::String(text)), None) => Bytes::from(text),
        (Some(value), None) => Bytes::from(value.to_string()),
        (None, Some(text)) => {
            let decoded = BASE64.decode(text);
            Bytes::from(decoded.map_err(|error| ApiError::bad_request(format!("payload_base64: {error}")))?)
        }
        (None, None) => Bytes::new(),
        (Some(_), Some(_)) => return Err(ApiError::bad_request("give payload or payload_base64, not both")),
    };
    Ok(Publication { topic, payload, qos, retain })
}

fn refused(error: PublishError) -> ApiError {
    match error {
        PublishError::Unfit(why) => ApiError::bad_request(why),
        PublishError::Unavailable(why) => ApiError::unavailable(Problem::new(Code::Conflict, why)),
    }
}
