//! The destination service: properties of destinations by name, with the tokens that they need.
//!
//! | path below `/destination-configuration` | answer |
//! |---|---|
//! | `/v1/destinations/<name>` | find: configuration and tokens; `?$skipTokenRetrieval=true` without |
//! | `/v2/destinations/<name>@subaccount` | the same, no other level has any |
//! | `/v1/subaccountDestinations[/<name>]` | the plain properties |
//!
//! A token that cannot be had is told inside a 200: `authTokens[0].error`. In properties `{base}`, `{user}`,
//! `{password}` and `{client}` stand for the simulator's address and credentials.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::tokens::{CLIENT_ID, is_client, is_user};
use crate::faults::FaultKind;
use crate::lock::hold;
use crate::sap::call::Call;
use crate::sap::config::Access;
use crate::sap::decode;
use crate::sap::plain::{problem, with_json};
use crate::sap::simulator::System;
use crate::statistics::RequestKind;

/// Where the service lives.
pub(crate) const ROOT: &str = "/destination-configuration/";

type Properties = BTreeMap<String, String>;

/// The destinations in force.
pub(crate) struct Destinations(Mutex<BTreeMap<String, Properties>>);

impl Destinations {
    pub(crate) fn new(destinations: BTreeMap<String, Properties>) -> Self {
        Self(Mutex::new(destinations))
    }

    /// Adds or replaces one.
    pub(crate) fn put(&self, name: &str, properties: Properties) {
        hold(&self.0).insert(name.to_owned(), properties);
    }

    /// The properties of one, with `Name`.
    fn find(&self, name: &str) -> Option<Properties> {
        let mut found = hold(&self.0).get(name).cloned()?;
        found.insert("Name".to_owned(), name.to_owned());
        Some(found)
    }

    fn names(&self) -> Vec<String> {
        hold(&self.0).keys().cloned().collect()
    }
}

/// Answers a path below [`ROOT`].
pub(crate) fn answer(system: &System, call: &Call<'_>) -> Response {
    system.statistics.count(RequestKind::Destinations);
    if call.method != Method::GET {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "destinations are read");
    }
    let below = decode(call.path.strip_prefix(ROOT).unwrap_or_default());
    let segments: Vec<&str> = below.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments[..] {
        ["v1", "destinations", name] => find(system, call, name),
        ["v2", "destinations", name] => match name.split_once('@') {
            Some((name, "subaccount")) => find(system, call, name),
            _ => not_found(),
        },
        ["v1", "subaccountDestinations"] => {
            let all = system.destinations.names().into_iter().filter_map(|name| system.destinations.find(&name));
            let all: Vec<Properties> = all.map(|properties| filled(system, call, properties)).collect();
            with_json(StatusCode::OK, &json!(all))
        }
        ["v1", "subaccountDestinations", name] => match system.destinations.find(name) {
            Some(properties) => with_json(StatusCode::OK, &json!(filled(system, call, properties))),
            None => not_found(),
        },
        _ => not_found(),
    }
}

fn find(system: &System, call: &Call<'_>, name: &str) -> Response {
    let Some(properties) = system.destinations.find(name) else { return not_found() };
    let properties = filled(system, call, properties);
    let mut answer = json!({
        "owner": {"SubaccountId": "a1b2c3d4-0000-4000-8000-000000000001", "InstanceId": null},
        "destinationConfiguration": properties,
    });
    let skipped = decode(call.query).contains("$skipTokenRetrieval=true");
    if let Some(token) = auth_token(system, call, &properties).filter(|_| !skipped) {
        answer["authTokens"] = json!([token]);
    }
    with_json(StatusCode::OK, &answer)
}

/// The token that a destination needs; none when it needs none.
fn auth_token(system: &System, call: &Call<'_>, properties: &Properties) -> Option<Value> {
    let text = |name: &str| properties.get(name).map_or("", String::as_str);
    let access = &system.config.access;
    let kind = text("Authentication");
    if call.fault == Some(FaultKind::AuthTokenError) && kind != "NoAuthentication" {
        system.statistics.count_fault(FaultKind::AuthTokenError);
        return Some(failed("the token service did not answer in time"));
    }
    let client = is_client(access, text("clientId"), text("clientSecret"));
    match kind {
        "BasicAuthentication" => {
            let value = STANDARD.encode(format!("{}:{}", text("User"), text("Password")));
            Some(json!({"type": "Basic", "value": value, "http_header": header("Basic", &value)}))
        }
        "OAuth2ClientCredentials" if client => Some(bearer(system)),
        "OAuth2Password" if client && is_user(access, text("User"), text("Password")) => Some(bearer(system)),
        "OAuth2ClientCredentials" | "OAuth2Password" => {
            Some(failed("the request to the /oauth/token endpoint ended with status code 401"))
        }
        _ => None,
    }
}

fn bearer(system: &System) -> Value {
    let issued = system.tokens.issue(system.config.ids.as_ref(), system.now());
    json!({
        "type": "Bearer",
        "value": issued.token,
        "http_header": header("Bearer", &issued.token),
        "expires_in": issued.seconds.to_string(),
        "scope": "uaa.resource",
    })
}

fn header(scheme: &str, value: &str) -> Value {
    json!({"key": "Authorization", "value": format!("{scheme} {value}")})
}

fn failed(error: &str) -> Value {
    json!({"type": "", "value": "", "error": error, "expires_in": "0"})
}

fn not_found() -> Response {
    with_json(StatusCode::NOT_FOUND, &json!({"ErrorMessage": "Configuration with the specified name was not found"}))
}

/// Puts address and credentials where the properties ask for them.
fn filled(system: &System, call: &Call<'_>, properties: Properties) -> Properties {
    let base = format!("http://{}", system.host_of(call.headers));
    let (user, password) = match &system.config.access {
        Access::Basic { user, password } => (user.as_str(), password.expose()),
        Access::ApiKey(key) => ("", key.expose()),
        Access::Open => ("", ""),
    };
    let known = [("{base}", base.as_str()), ("{user}", user), ("{password}", password), ("{client}", CLIENT_ID)];
    let fill = |value: String| known.iter().fold(value, |value, (mark, text)| value.replace(mark, text));
    properties.into_iter().map(|(name, value)| (name, fill(value))).collect()
}

/// The destinations that exist unless told otherwise; all lead to the simulator itself.
pub(crate) fn usual_destinations() -> BTreeMap<String, Properties> {
    let client = [
        ("Authentication", "OAuth2ClientCredentials"),
        ("clientId", "{client}"),
        ("clientSecret", "{password}"),
        ("tokenServiceURL", "{base}/oauth/token"),
        ("tokenServiceURLType", "Dedicated"),
    ];
    let basic = [("Authentication", "BasicAuthentication"), ("User", "{user}"), ("Password", "{password}")];
    let none = [("Authentication", "NoAuthentication"), ("URL.headers.APIKey", "{password}")];
    let broken = [("Authentication", "OAuth2ClientCredentials"), ("clientId", "nobody"), ("clientSecret", "wrong")];
    BTreeMap::from([
        ("SIM_S4".to_owned(), properties("{base}/sap/opu/odata/sap", &basic)),
        ("SIM_RULES".to_owned(), properties("{base}/public/rule/runtime/rest", &client)),
        ("SIM_AI".to_owned(), properties("{base}/v2/inference/deployments/d0123456789abcde", &client)),
        ("SIM_APIKEY".to_owned(), properties("{base}/sap/opu/odata/sap", &none)),
        ("SIM_BROKEN".to_owned(), properties("{base}", &broken)),
    ])
}

fn properties(url: &str, more: &[(&str, &str)]) -> Properties {
    let common = [("Type", "HTTP"), ("ProxyType", "Internet"), ("URL", url)];
    let all = common.into_iter().chain(more.iter().copied());
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
