//! `POST /oauth/token`: access tokens as XSUAA hands them out, for client credentials or a user's password.
//!
//! The client is `sb-andon`; its secret is the password (or API key) of the simulator's access. Tokens are
//! opaque, expire, and open every guarded path of the simulator.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use andon_model::{IdSource, Timestamp};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;

use crate::faults::FaultKind;
use crate::lock::hold;
use crate::sap::call::Call;
use crate::sap::config::Access;
use crate::sap::decode;
use crate::sap::plain::{problem, with_json};
use crate::sap::simulator::System;
use crate::statistics::RequestKind;

/// The one client that exists.
pub(crate) const CLIENT_ID: &str = "sb-andon";
/// Most tokens at a time; beyond it all older ones are forgotten.
const MAX_TOKENS: usize = 10_000;

/// The tokens handed out, with the time at which each expires.
pub(crate) struct Tokens {
    issued: Mutex<HashMap<String, Timestamp>>,
    lifetime: Duration,
}

/// A token handed out.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) seconds: u64,
}

impl Tokens {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { issued: Mutex::default(), lifetime }
    }

    /// Hands out a token.
    pub(crate) fn issue(&self, ids: &dyn IdSource, now: Timestamp) -> Issued {
        let body = [ids.next_id().to_be_bytes(), ids.next_id().to_be_bytes()].concat();
        let token = format!("eyJhbGciOiJub25lIn0.{}.sim", URL_SAFE_NO_PAD.encode(body));
        let mut issued = hold(&self.issued);
        if issued.len() >= MAX_TOKENS {
            issued.clear();
        }
        issued.insert(token.clone(), now.after(self.lifetime));
        Issued { token, seconds: self.lifetime.as_secs() }
    }

    /// Whether a request brings a token that is still good.
    pub(crate) fn admits(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let Some(value) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let Some((scheme, token)) = value.split_once(' ') else { return false };
        let good = hold(&self.issued).get(token.trim()).is_some_and(|until| now < *until);
        scheme.eq_ignore_ascii_case("bearer") && good
    }

    /// Makes all tokens invalid.
    pub(crate) fn expire_all(&self) {
        hold(&self.issued).clear();
    }
}

/// Answers the token endpoint.
pub(crate) fn answer(system: &System, call: &Call<'_>) -> Response {
    system.statistics.count(RequestKind::Tokens);
    if call.method != Method::POST {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "a token is asked for by POST");
    }
    if call.fault == Some(FaultKind::TokenDenied) {
        system.statistics.count_fault(FaultKind::TokenDenied);
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client", "Bad credentials");
    }
    let form = Form::read(&String::from_utf8_lossy(call.bytes));
    let (client, secret) = form.client(call.headers);
    if !is_client(&system.config.access, &client, &secret) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client", "Bad credentials");
    }
    match form.get("grant_type") {
        "client_credentials" => granted(system),
        "password" if is_user(&system.config.access, form.get("username"), form.get("password")) => granted(system),
        "password" => refusal(StatusCode::UNAUTHORIZED, "invalid_grant", "User authentication failed"),
        _ => refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant type"),
    }
}

/// Whether a client may ask for tokens.
pub(crate) fn is_client(access: &Access, client: &str, secret: &str) -> bool {
    match access {
        Access::Open => true,
        Access::Basic { password, .. } => client == CLIENT_ID && secret == password.expose(),
        Access::ApiKey(key) => client == CLIENT_ID && secret == key.expose(),
    }
}

/// Whether a user may log on.
pub(crate) fn is_user(access: &Access, name: &str, given: &str) -> bool {
    match access {
        Access::Basic { user, password } => name == user && given == password.expose(),
        Access::ApiKey(_) => false,
        Access::Open => true,
    }
}

fn granted(system: &System) -> Response {
    let issued = system.tokens.issue(system.config.ids.as_ref(), system.now());
    let answer = json!({
        "access_token": issued.token,
        "token_type": "bearer",
        "expires_in": issued.seconds,
        "scope": "uaa.resource",
        "jti": format!("{:x}", system.config.ids.next_id()),
    });
    with_json(StatusCode::OK, &answer)
}

fn refusal(status: StatusCode, error: &str, description: &str) -> Response {
    with_json(status, &json!({"error": error, "error_description": description}))
}

/// A form, decoded.
struct Form(HashMap<String, String>);

impl Form {
    fn read(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The client's name and secret: from header `Authorization`, or from the form.
    fn client(&self, headers: &HeaderMap) -> (String, String) {
        basic(headers).unwrap_or_else(|| (self.get("client_id").to_owned(), self.get("client_secret").to_owned()))
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    text.split_once(':').map(|(name, secret)| (name.to_owned(), secret.to_owned()))
}
