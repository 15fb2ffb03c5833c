//! Request id, span, access log and counters.
//!
//! One line per request, target `andon_server::access`. What goes well and often (deliveries, probes,
//! metrics) is logged at `debug`, failures of the server at `warn`, the rest at `info`. Query and
//! headers are never logged: they may carry credentials (invariant K1).

use std::sync::Arc;
use std::time::Duration;

use andon_model::IdSource;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method};
use metrics::{counter, describe_counter, histogram};
use tracing::{Instrument, Level, Span, field};

use crate::api::Api;
use crate::error::Failure;
use crate::listener::Peer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Longest request id that is taken over from the sender.
const MAX_REQUEST_ID_BYTES: usize = 64;
/// Length of a `traceparent` of version 00 (<https://www.w3.org/TR/trace-context/>).
const TRACEPARENT_BYTES: usize = 55;
/// How much of a path is logged.
const MAX_PATH_CHARS: usize = 200;

/// Counters without labels, and what they count.
const PLAIN_COUNTERS: [(&str, &str); 3] = [
    ("andon_http_shed_total", "requests refused because too many are under way"),
    ("andon_http_timeouts_total", "requests that took too long"),
    ("andon_http_forbidden_total", "calls that the token's role does not allow"),
];
/// Why credentials are not accepted.
const AUTHENTICATION_FAILURES: [&str; 6] = ["missing", "unknown", "expired", "timestamp", "malformed", "mismatch"];

/// Registers the counters with 0: one that appeared with its first count would hide it from rates.
pub(crate) fn register_counters() {
    for (name, text) in PLAIN_COUNTERS {
        describe_counter!(name, text);
        counter!(name).increment(0);
    }
    describe_counter!("andon_http_authentication_failures_total", "tokens and signatures not accepted");
    for reason in AUTHENTICATION_FAILURES {
        counter!("andon_http_authentication_failures_total", "reason" => reason).increment(0);
    }
    describe_counter!("andon_http_requests_total", "requests to the API");
    crate::devices::register_upkeep_metrics();
}

pub(crate) async fn observe(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let seen = Seen::new(&request, api.ids.as_ref());
    let span = seen.span(&request);
    let started = api.clock.now();
    let mut response = next.run(request).instrument(span.clone()).await;
    stamp(response.headers_mut(), &seen.id);
    let took = api.clock.now().since(started);
    seen.count(&response, took);
    span.in_scope(|| seen.log(&response, took));
    response
}

/// What is kept of a request until its answer is there.
struct Seen {
    id: String,
    method: Method,
    route: Option<MatchedPath>,
}

impl Seen {
    fn new(request: &Request, ids: &dyn IdSource) -> Self {
        Self {
            id: request_id(request.headers()).unwrap_or_else(|| format!("{:032x}", ids.next_id())),
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
        }
    }

    fn span(&self, request: &Request) -> Span {
        tracing::info_span!(
            target: "andon_server::access",
            "request",
            id = %self.id,
            method = %self.method,
            path = %request.uri().path().chars().take(MAX_PATH_CHARS).collect::<String>(),
            peer = request.extensions().get::<Peer>().map(|peer| field::display(peer.0)),
            traceparent = traceparent(request.headers()),
            caller = field::Empty,
        )
    }

    /// The route's pattern; one word for everything that leads nowhere, to keep the metrics small.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }

    fn count(&self, response: &Response, took: Duration) {
        let route = self.route().to_owned();
        let status = response.status().as_str().to_owned();
        counter!("andon_http_requests_total", "route" => route.clone(), "status" => status).increment(1);
        histogram!("andon_http_request_seconds", "route" => route).record(took.as_secs_f64());
    }

    fn log(&self, response: &Response, took: Duration) {
        let (status, took_us) = (response.status().as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let failure = response.extensions().get::<Failure>().map(|failure| &failure.0);
        let code = failure.map(|problem| problem.code.as_str());
        macro_rules! line {
            ($level:expr $(, $field:ident)*) => {
                tracing::event!(target: "andon_server::access", $level, status, took_us, code $(, $field)*, "answered")
            };
        }
        if response.status().is_server_error() {
            let detail = failure.map(|problem| problem.detail.as_str());
            line!(Level::WARN, detail);
        } else if self.is_routine() && response.status().is_success() {
            line!(Level::DEBUG);
        } else {
            line!(Level::INFO);
        }
    }

    /// Deliveries, probes and metrics: so many that their success is not worth a line.
    fn is_routine(&self) -> bool {
        let route = self.route();
        matches!(route, "/healthz" | "/readyz" | "/metrics")
            || (self.method == Method::POST
                && matches!(
                    route,
                    "/api/v1/events"
                        | "/api/events"
                        | "/api/v1/sources/{name}"
                        | "/api/v1/readings"
                        | "/api/v1/properties/batch"
                ))
    }
}

/// The sender's own id, if it is one that can be logged as it is.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/=+".contains(&b);
    (!id.is_empty() && id.len() <= MAX_REQUEST_ID_BYTES && id.bytes().all(legal)).then(|| id.to_owned())
}

fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let legal = |b: u8| b.is_ascii_hexdigit() || b == b'-';
    (text.len() == TRACEPARENT_BYTES && text.bytes().all(legal)).then_some(text)
}

/// The id goes back; answers are neither cached nor guessed at by browsers.
fn stamp(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_harmless_request_ids_are_taken_over() {
        let check = |value: &str, taken: bool| {
            assert_eq!(request_id(&with(REQUEST_ID, value)).is_some(), taken, "{value}");
        };
        check("0af7651916cd43dd8448eb211c80319c", true);
        check("gateway-7:42/a+b=", true);
        check("", false);
        check("two words", false);
        check("quote\"", false);
        check(&"x".repeat(65), false);
        assert_eq!(request_id(&HeaderMap::new()), None);
    }

    #[test]
    fn only_well_formed_traceparents_are_logged() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(&with(TRACEPARENT, good)), Some(good));
        assert_eq!(traceparent(&with(TRACEPARENT, "00-x")), None);
        assert_eq!(traceparent(&with(TRACEPARENT, &good.replace('7', "g"))), None);
    }
}
