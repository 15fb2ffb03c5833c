//! Parameters and JSON bodies whose refusals are problems like every other.

use std::sync::Arc;

use andon_model::{Code, Problem};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::api::Api;
use crate::body::Payload;
use crate::error::ApiError;

/// A JSON body within the general limit.
pub(crate) struct ApiJson<T>(pub(crate) T);

/// A JSON body within the limit of configuration changes.
pub(crate) struct LargeJson<T>(pub(crate) T);

/// Parameters of the query.
pub(crate) struct ApiQuery<T>(pub(crate) T);

/// Parameters of the path.
pub(crate) struct ApiPath<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, ApiError> {
        read_json(request, api, api.settings.other_body_bytes).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for LargeJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, ApiError> {
        read_json(request, api, api.settings.configuration_body_bytes).await.map(Self)
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        let Query(value) = Query::try_from_uri(&parts.uri)
            .map_err(|e| ApiError::from(Problem::new(Code::BadRequest, e.body_text()).at("query")))?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let Path(value) = Path::from_request_parts(parts, api)
            .await
            .map_err(|e| ApiError::from(Problem::new(Code::BadRequest, e.body_text()).at("path")))?;
        Ok(Self(value))
    }
}

/// A JSON media type is required: it keeps forms of foreign web pages out, which cannot send it unasked.
async fn read_json<T: DeserializeOwned>(request: Request, api: &Api, limit: usize) -> Result<T, ApiError> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let problem =
            Problem::new(Code::BadRequest, "send JSON, as content type application/json").at("header content-type");
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
    }
    let Payload { bytes, hold } = api.bodies.read(&parts.headers, body, limit).await?;
    let value = parse(&bytes)?;
    drop(hold);
    Ok(value)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|e| {
        let text = e.to_string();
        let detail = text.rsplit_once(" at line ").map_or(text.as_str(), |(detail, _)| detail);
        Problem::new(Code::BadRequest, detail).at(place(&e)).into()
    })
}

/// Column 0 means that the value as a whole was read before it was refused.
fn place(error: &serde_json::Error) -> String {
    match (error.line(), error.column()) {
        (_, 0) => "body".to_owned(),
        (line, column) => format!("line {line}, column {column}"),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_media_types_are_known() {
        let check = |content_type: &str, expected| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            assert_eq!(is_json(&headers), expected, "{content_type}");
        };
        check("application/json", true);
        check("Application/JSON; charset=utf-8", true);
        check("application/cloudevents+json", true);
        check("text/plain", false);
        check("application/x-www-form-urlencoded", false);
        check("image/svg+json", false);
        assert!(!is_json(&HeaderMap::new()));
    }
}
