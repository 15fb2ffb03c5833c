//! Where requests come in: counted, admitted, sent to meet their faults, answered or not.
//!
//! A request whose client goes away while it waits for a `slow` moment before the commit is given up, as
//! nothing was done yet; afterwards the commit stands.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::call::{Call, Payload, ROOT, answer, circumstances};
use super::failure::Failure;
use super::sessions::{CSRF_TOKEN, Sessions};
use super::simulator::System;
use super::{access, pages, plain, reply};
use crate::faults::{Draw, FaultKind, Moment, fingerprint};
use crate::statistics::RequestKind;
use crate::wire::Line;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REFERENCE: &str = "MaintNotifExtReferenceNumber";

/// All routes.
pub(crate) fn router(system: Arc<System>) -> Router {
    Router::new()
        .route("/sim/books", get(pages::books).delete(pages::forget))
        .route("/sim/statistics", get(pages::statistics))
        .route("/sim/faults", get(pages::faults).post(pages::set_faults))
        .fallback(take)
        .with_state(system)
}

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    /// A service; the path below [`ROOT`].
    Service(&'a str),
    Echo,
    Equipment(&'a str),
    Nowhere,
}

/// A request, read completely.
struct Arrival {
    ordinal: u64,
    /// The method that is meant: a POST may stand in for another.
    method: Method,
    parts: Parts,
    payload: Payload,
    /// Fingerprint of the body as sent.
    content: u64,
}

async fn take(State(system): State<Arc<System>>, ConnectInfo(line): ConnectInfo<Line>, request: Request) -> Response {
    let ordinal = system.statistics.arrived();
    if system.gate.is_shut() {
        system.statistics.count(RequestKind::WhileShut);
        return dropped(&line);
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, system.config.max_body_bytes).await else {
        return plain::problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or was not sent completely");
    };
    let (method, payload) = (meant_method(&parts), Payload::read(&bytes));
    let content = fingerprint([bytes.as_ref()]);
    let arrival = Arrival { ordinal, method, parts, payload, content };
    match admit(&system, &arrival) {
        Some(refusal) => refusal,
        None => meet_faults(&system, &line, &arrival).await,
    }
}

impl Arrival {
    fn place(&self) -> Place<'_> {
        let path = self.parts.uri.path();
        if let Some(below) = path.strip_prefix(ROOT) {
            return Place::Service(below);
        }
        match path.strip_prefix("/sim/equipment/") {
            Some(id) if !id.is_empty() => Place::Equipment(id),
            _ if path == "/sim/echo" => Place::Echo,
            _ => Place::Nowhere,
        }
    }

    fn call<'a>(&'a self, path: &'a str) -> Call<'a> {
        let (query, headers) = (self.parts.uri.query().unwrap_or_default(), &self.parts.headers);
        Call { ordinal: self.ordinal, method: &self.method, path, query, headers, payload: &self.payload }
    }

    fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// What the request is about, the same for every attempt at it: the reference key it carries, or else
    /// its content.
    fn subject(&self) -> u64 {
        let content = self.content.to_be_bytes();
        let key = self.reference().or_else(|| self.parts.headers.get(IDEMPOTENCY_KEY).map(HeaderValue::as_bytes));
        let path = self.parts.uri.path_and_query().map_or("", |path| path.as_str());
        fingerprint([self.method.as_str().as_bytes(), path.as_bytes(), key.unwrap_or(&content)])
    }

    fn reference(&self) -> Option<&[u8]> {
        let Payload::Json(Value::Object(body)) = &self.payload else { return None };
        let key = body.get(REFERENCE).or_else(|| body.get("d")?.get(REFERENCE))?.as_str()?;
        (!key.is_empty()).then_some(key.as_bytes())
    }
}

/// Credentials, and the CSRF pairing for what modifies; the plain endpoints ask for neither.
fn admit(system: &System, arrival: &Arrival) -> Option<Response> {
    let Place::Service(_) = arrival.place() else { return None };
    let headers = &arrival.parts.headers;
    if !system.guard.admits(headers) {
        system.statistics.count(RequestKind::Unauthenticated);
        return Some(access::unauthorized());
    }
    if !arrival.is_read() && !system.sessions.check(headers, system.now()) {
        system.statistics.count(RequestKind::TokenRejected);
        return Some(token_rejected());
    }
    None
}

async fn meet_faults(system: &System, line: &Line, arrival: &Arrival) -> Response {
    if system.faults.is_quiet() || arrival.place() == Place::Nowhere {
        return perform(system, arrival);
    }
    let draw = system.faults.draw(arrival.subject(), !arrival.is_read());
    wait(system, &draw, Moment::BeforeCommit).await;
    if let Some(refusal) = fail_before_commit(system, line, arrival, &draw) {
        return refusal;
    }
    let response = perform(system, arrival);
    wait(system, &draw, Moment::AfterCommit).await;
    fail_after_commit(system, line, arrival, &draw).unwrap_or(response)
}

async fn wait(system: &System, draw: &Draw, moment: Moment) {
    if let Some((_, span)) = draw.wait.filter(|(when, _)| *when == moment) {
        system.statistics.count_fault(FaultKind::Slow);
        tokio::time::sleep(span).await;
    }
}

/// The faults that keep a request from being done.
fn fail_before_commit(system: &System, line: &Line, arrival: &Arrival, draw: &Draw) -> Option<Response> {
    let fault = draw.fault?;
    let response = match fault {
        FaultKind::ServerError => server_error(system, arrival, draw.salt),
        FaultKind::DropBefore => dropped(line),
        FaultKind::Unauthorized => access::unauthorized(),
        FaultKind::Busy => busy(draw),
        FaultKind::RefuseToConnect => {
            system.gate.shut_for(draw.outage);
            dropped(line)
        }
        FaultKind::TokenExpired => {
            let Place::Service(_) = arrival.place() else { return None };
            system.sessions.end(&arrival.parts.headers);
            token_rejected()
        }
        FaultKind::Slow | FaultKind::CommitThenDrop | FaultKind::CommitThen500 => return None,
    };
    system.statistics.count_fault(fault);
    Some(response)
}

/// The faults that hide that a request was done.
fn fail_after_commit(system: &System, line: &Line, arrival: &Arrival, draw: &Draw) -> Option<Response> {
    let fault = draw.fault?;
    let response = match fault {
        FaultKind::CommitThenDrop => dropped(line),
        FaultKind::CommitThen500 => internal_error(system, arrival),
        _ => return None,
    };
    system.statistics.count_fault(fault);
    Some(response)
}

/// Does what the request asks for.
fn perform(system: &System, arrival: &Arrival) -> Response {
    let headers = &arrival.parts.headers;
    match arrival.place() {
        Place::Service(path) => {
            let mut response = answer(system, &arrival.call(path));
            if arrival.is_read() && Sessions::is_fetch(headers) && response.status().is_success() {
                system.statistics.count(RequestKind::TokenFetch);
                system.sessions.hand_out(headers, system.now(), system.config.ids.as_ref(), &mut response);
            }
            response
        }
        Place::Echo if arrival.method == Method::POST => {
            let key = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
            plain::echo(system, key, &arrival.payload)
        }
        Place::Equipment(id) if arrival.is_read() => {
            plain::equipment(system, &percent_decode_str(id).decode_utf8_lossy())
        }
        Place::Echo | Place::Equipment(_) => plain::problem(StatusCode::METHOD_NOT_ALLOWED, "not with this method"),
        Place::Nowhere => {
            system.statistics.count(RequestKind::Other);
            plain::problem(StatusCode::NOT_FOUND, "nothing lives here; the services are below /sap/opu/odata/sap/")
        }
    }
}

/// Cuts the connection; the answer is never written.
fn dropped(line: &Line) -> Response {
    line.cut();
    reply::empty(StatusCode::OK)
}

fn token_rejected() -> Response {
    let mut response = reply::text(StatusCode::FORBIDDEN, "CSRF token validation failed");
    reply::put(&mut response, CSRF_TOKEN, "Required");
    response
}

fn server_error(system: &System, arrival: &Arrival, salt: u64) -> Response {
    match salt % 3 {
        0 => internal_error(system, arrival),
        1 => reply::html(StatusCode::BAD_GATEWAY, "Bad Gateway"),
        _ => reply::html(StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout"),
    }
}

fn internal_error(system: &System, arrival: &Arrival) -> Response {
    let failure = Failure::framework(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred");
    failure.answer(&circumstances(system, &arrival.call(""), None))
}

fn busy(draw: &Draw) -> Response {
    let unavailable = draw.salt & 1 == 0;
    let status = if unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::TOO_MANY_REQUESTS };
    let mut response = reply::html(status, "Try again later");
    let seconds = draw.retry_after.as_millis().div_ceil(1_000);
    reply::put(&mut response, header::RETRY_AFTER, &seconds.to_string());
    response
}

/// A POST may carry the method that is meant in `X-HTTP-Method`.
fn meant_method(parts: &Parts) -> Method {
    let tunnelled = parts.headers.get("x-http-method").filter(|_| parts.method == Method::POST);
    tunnelled.and_then(|value| Method::from_bytes(value.as_bytes()).ok()).unwrap_or_else(|| parts.method.clone())
}
