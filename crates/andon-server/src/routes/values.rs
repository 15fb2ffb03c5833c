//! Values as they change.

use std::sync::Arc;

use andon_model::{Code, Problem};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};

use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::extract::ApiQuery;
use crate::telemetry::live::{self, Begin, Watched};

/// Most assets and properties that one stream names.
const MAX_NAMES: usize = 200;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx and its like to pass on what comes at once.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Watch values, alarms and new assets as Server-Sent Events.
///
/// Events: `value` (asset, property, ts, value, quality, late), `alarm` (a transition), `asset` (one was created), `missed`
/// (updates that a slow reader did not get: ask for the latest values). Comments keep the connection alive. Ids are places
/// in the order in which things changed; who comes back with the last one as `Last-Event-ID` gets what has changed since.
/// Where that is not known any more, `missed` comes first, then the latest values and the states of the alarms (`from` and
/// `to` the same) of the assets that are named. Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/values/stream", tag = "assets", operation_id = "watch_values",
    params(("asset" = Option<Vec<String>>, Query, description = "only these assets: `asset=a&asset=b`"),
        ("property" = Option<Vec<String>>, Query, description = "of their values only these properties"),
        ("latest" = Option<bool>, Query, description = "begin with the latest values of the assets that are named"),
        ("last-event-id" = Option<String>, Header, description = "id of the last event that was received")),
    responses((status = 200, description = "events without an end", body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (watched, latest) = watched(query)?;
    let begin = match headers.get(LAST_EVENT_ID) {
        Some(id) => Begin::Behind(id.to_str().ok().and_then(|id| id.parse().ok())),
        None if latest => Begin::Latest,
        None => Begin::Now,
    };
    let place = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| full(api.settings.max_streams))?;
    let body = live::body(&api.handle.plant(), &watched, begin, api.stop.subscribe(), place);
    Ok(([(CONTENT_TYPE, "text/event-stream"), NO_BUFFERING], body).into_response())
}

fn watched(query: Vec<(String, String)>) -> Result<(Watched, bool), ApiError> {
    let (mut watched, mut latest) = (Watched::default(), false);
    for (name, value) in query {
        match name.as_str() {
            "asset" => drop(watched.assets.insert(value)),
            "property" => drop(watched.properties.insert(value)),
            "latest" => latest = value == "true",
            _ => return Err(ApiError::bad_request(format!("{name:?} is not asset, property or latest"))),
        }
    }
    if watched.assets.len() > MAX_NAMES || watched.properties.len() > MAX_NAMES {
        return Err(ApiError::bad_request(format!("at most {MAX_NAMES} assets and properties can be named")));
    }
    if latest && watched.assets.is_empty() {
        return Err(ApiError::bad_request("latest needs the assets that it is about"));
    }
    Ok((watched, latest))
}

fn full(streams: usize) -> ApiError {
    ApiError::unavailable(Problem::new(Code::BackPressure, format!("{streams} streams are open already")))
}
