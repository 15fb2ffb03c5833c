//! Who may come in.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};

use super::config::Access;
use super::reply;

/// Compares credentials with what a request brings.
pub(crate) enum Guard {
    Open,
    /// The part after `Basic `.
    Basic(String),
    ApiKey(String),
}

impl Guard {
    pub(crate) fn new(access: &Access) -> Self {
        match access {
            Access::Open => Self::Open,
            Access::Basic { user, password } => Self::Basic(STANDARD.encode(format!("{user}:{}", password.expose()))),
            Access::ApiKey(key) => Self::ApiKey(key.expose().to_owned()),
        }
    }

    /// Whether the request may come in.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match self {
            Self::Open => true,
            Self::ApiKey(key) => text("apikey") == Some(key) || text("authorization") == Some(&format!("Bearer {key}")),
            Self::Basic(expected) => text(header::AUTHORIZATION.as_str())
                .and_then(|value| value.split_once(' '))
                .is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("basic") && given.trim() == expected),
        }
    }
}

/// The answer to wrong or missing credentials: the web layer's page, not OData.
pub(crate) fn unauthorized() -> Response {
    let mut response = reply::html(StatusCode::UNAUTHORIZED, "Logon failed");
    reply::put(&mut response, header::WWW_AUTHENTICATE, "Basic realm=\"SAP NetWeaver Application Server [SIM/100]\"");
    response
}
